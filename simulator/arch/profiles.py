"""Energy profiles: the numbers one published technology gives, each with its source (``technologies/*.json``)."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.arch.measurements import Form, Quantity
from simulator.documents import parse_form, read_json
from simulator.errors import ArchitectureError, did_you_mean

PROFILE_FOLDER = Path(__file__).resolve().parent / "technologies"
MAX_BITS = 64


class QuantityAtBits(Quantity):
    """A quantity of a unit that is ``bits`` wide."""

    bits: Annotated[int, Field(ge=1, le=MAX_BITS)]


class SramQuantity(Quantity):
    """A read of one word [pJ]."""

    capacity_bytes: Annotated[int, Field(ge=1)]
    word_bits: Annotated[int, Field(ge=1)]


class Profile(Form):
    """One published set of energies.

    Parameters
    ----------
    name, paper : str
    node_nm, voltage_v : float
        What the numbers below hold at [nm, V].
    mac_pj, float_mac_pj : tuple of QuantityAtBits
        A multiply-accumulate of two operands of that width [pJ].
    rf_read_pj_per_bit, rf_write_pj_per_bit : Quantity
        A register or register file inside a PE [pJ/bit].
    noc_pj_per_bit : Quantity
        One hop [pJ/bit].
    sram_read_pj : tuple of SramQuantity
        Points the CACTI surface is moved onto; empty leaves it as measured [pJ].
    dram_pj_per_bit : mapping of str to Quantity
        Standards beside those of ``tables/dram.json`` [pJ/bit].
    vector_pj_per_operation : Quantity
        One lane operation [pJ].
    static_uw_per_pe : tuple of QuantityAtBits
        Leakage of a PE of that width [uW].
    sram_static_w_per_mib : Quantity
        Leakage of memories [W/MiB].
    clock_macs_per_pe_cycle : Quantity
        Clock network: so many MACs' energy a PE and cycle, busy or idle.
    """

    schema_: Literal["simulator.technology/1"] = Field(default="simulator.technology/1", alias="schema")
    name: str
    paper: Annotated[str, Field(min_length=1)]
    node_nm: Annotated[float, Field(ge=7, le=130)]
    voltage_v: Annotated[float, Field(ge=0.3, le=2.0)]
    mac_pj: Annotated[tuple[QuantityAtBits, ...], Field(min_length=1)]
    float_mac_pj: Annotated[tuple[QuantityAtBits, ...], Field(min_length=1)]
    rf_read_pj_per_bit: Quantity
    rf_write_pj_per_bit: Quantity
    noc_pj_per_bit: Quantity
    sram_read_pj: tuple[SramQuantity, ...] = ()
    dram_pj_per_bit: dict[str, Quantity] = Field(default_factory=dict)
    vector_pj_per_operation: Quantity
    static_uw_per_pe: Annotated[tuple[QuantityAtBits, ...], Field(min_length=1)]
    sram_static_w_per_mib: Quantity
    clock_macs_per_pe_cycle: Quantity

    @model_validator(mode="after")
    def _points_rise(self) -> Self:
        for field in ("mac_pj", "float_mac_pj", "static_uw_per_pe"):
            bits = [point.bits for point in getattr(self, field)]
            if bits != sorted(set(bits)):
                message = f"{field}: bits {bits} must rise; sort the points and give each width once"
                raise ValueError(message)
        capacities = [point.capacity_bytes for point in self.sram_read_pj]
        if capacities != sorted(set(capacities)):
            message = (
                f"sram_read_pj: capacity_bytes {capacities} must rise; sort the points and give each capacity once"
            )
            raise ValueError(message)
        return self


def profile_names() -> tuple[str, ...]:
    """Return the names of the built-in profiles, sorted.

    Examples
    --------
    >>> profile_names()
    ('eie-45nm', 'eyeriss-65nm', 'eyeriss-65nm-chip', 'eyeriss-65nm-jssc', 'horowitz-45nm')
    """
    return tuple(sorted(path.stem for path in PROFILE_FOLDER.glob("*.json")))


@cache
def load_profile(name: str) -> Profile:
    """Return a built-in profile.

    Raises
    ------
    ArchitectureError
        No such profile.
    """
    known = profile_names()
    if name not in known:
        message = (
            f"technology.profile = {name!r}: no such profile{did_you_mean(name, known)}; give one of {', '.join(known)}"
        )
        raise ArchitectureError(message)
    path = PROFILE_FOLDER / f"{name}.json"
    return parse_form(Profile, read_json(path, ArchitectureError), str(path), ArchitectureError)
