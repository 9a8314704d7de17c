"""How wide a tensor's numbers are. Knows bits and signs; knows no hardware."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Granularity = Literal["per_tensor", "per_channel", "per_group"]


class Precision(BaseModel):
    """Width, kind and sign of one tensor's elements.

    Parameters
    ----------
    bits : int
        Width of one element [bits], 1 to 64.
    kind : {"int", "float"}
        Integer codes, or a float format of that width.
    signed : bool
        Whether the codes are signed (a ReLU output usually is not).
    granularity : {"per_tensor", "per_channel", "per_group"}
        How many elements share one scale.
    group_size : int, optional
        Elements that share a scale when the granularity is ``per_group``.

    Examples
    --------
    >>> Precision(bits=4).label
    'int4'
    >>> FLOAT32.label
    'float32'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bits: Annotated[int, Field(ge=1, le=64)]
    kind: Literal["int", "float"] = "int"
    signed: bool = True
    granularity: Granularity = "per_tensor"
    group_size: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _group_size_fits(self) -> Self:
        if (self.granularity == "per_group") != (self.group_size is not None):
            message = (
                f"granularity = {self.granularity!r} with group_size = {self.group_size}; "
                "give a group_size with per_group, and only then"
            )
            raise ValueError(message)
        return self

    @property
    def label(self) -> str:
        """Short name as people write it: ``int8``, ``uint4``, ``float32``."""
        if self.kind == "float":
            return f"float{self.bits}"
        return f"{'int' if self.signed else 'uint'}{self.bits}"

    @property
    def integer_bits(self) -> int | None:
        """Width of the integer codes [bits], or None where the tensor is not quantized."""
        return self.bits if self.kind == "int" else None


FLOAT32 = Precision(bits=32, kind="float")
INT8 = Precision(bits=8)
