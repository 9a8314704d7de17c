"""What the parts of an accelerator's description share: bounded numbers, and the base of every form."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Cycles = Annotated[int, Field(ge=0, le=2**31 - 1)]
Bits = Annotated[int, Field(ge=1, le=64)]
Edge = Annotated[int, Field(ge=1, le=4096)]


class Described(BaseModel):
    """A frozen form that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def refuse_repeats(field: str, values: tuple[str, ...] | list[str]) -> None:
    """Refuse a list that names something twice.

    Raises
    ------
    ValueError
        A value stands there more than once.

    Examples
    --------
    >>> refuse_repeats("dataflows", ("ws", "os"))
    """
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        message = f"{field} = {list(values)}: {', '.join(repeated)} given more than once; give each once"
        raise ValueError(message)
