"""Tables of measured and published numbers (``tables/*.json``), each with its source and how far to trust it."""

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from simulator.documents import parse_form, read_json
from simulator.errors import ArchitectureError

Mark = Literal["F", "R", "M", "A", "G"]
"""Found in a public source, recalled, measured with a named tool, assumed, given by the accelerator's description."""

_FOLDER = Path(__file__).resolve().parent / "tables"


class Form(BaseModel):
    """Base of every frozen form of this room: an unknown key is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Quantity(Form):
    """A number with its unit, its source and how far to trust it.

    Parameters
    ----------
    value : float
    unit : str
    source : str
    mark : {"F", "R", "M", "A", "G"}
        Found in a public source, recalled, measured with a named tool, assumed, given by the description.
    """

    value: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    unit: str
    source: Annotated[str, Field(min_length=1)]
    mark: Mark


Table = TypeVar("Table", bound=Form)


def read_table(form: type[Table], name: str) -> Table:
    """Return the table ``name`` of the package as ``form``."""
    path = _FOLDER / f"{name}.json"
    return parse_form(form, read_json(path, ArchitectureError), str(path), ArchitectureError)
