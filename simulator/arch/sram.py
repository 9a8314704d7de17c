"""Energy and area of on-chip memories, between measured ones. Knows capacities, words, banks and nodes only.

The table (``tables/sram.json``) was measured with CACTI. Between its points energies lie on straight lines in log-log
coordinates over capacity, word width and node. A word wider than 128 bits, the widest measured, is read from macros of
128 bits side by side, each with its share of the capacity. The wires between banks are not in these numbers.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from math import log2
from typing import Literal, Self

from pydantic import Field, model_validator

from simulator.arch.curves import Points, interpolate_log
from simulator.arch.measurements import Form, Mark, read_table
from simulator.arch.scaling import area_factor, energy_factor, nominal_voltage_v

REFERENCE_WORD_BITS = 64
WIDEST_WORD_BITS = 128


@dataclass(frozen=True, slots=True)
class AccessEnergy:
    """One access to a memory's bank, a whole word [pJ]."""

    read_pj: float
    write_pj: float


class _NodeTable(Form):
    node_nm: float
    read_pj: tuple[float, ...]
    write_pj: tuple[float, ...]
    read_128_bit_pj: float
    write_128_bit_pj: float
    area_from_bytes: int | None = None
    area_mm2: tuple[float, ...] = ()


class _SramTable(Form):
    schema_: Literal["simulator.sram/1"] = Field(alias="schema")
    source: str
    mark: Mark
    capacity_bytes: tuple[int, ...]
    word_bits: tuple[int, ...]
    nodes: tuple[_NodeTable, ...]

    @model_validator(mode="after")
    def _columns_are_complete(self) -> Self:
        for node in self.nodes:
            if not len(self.capacity_bytes) == len(self.word_bits) == len(node.read_pj) == len(node.write_pj):
                message = f"nodes at {node.node_nm:g} nm: read_pj and write_pj need one number a capacity; add them"
                raise ValueError(message)
        return self


@cache
def _table() -> _SramTable:
    return read_table(_SramTable, "sram")


def sram_source() -> tuple[str, Mark]:
    """Return where the memory numbers come from, and their mark."""
    return _table().source, _table().mark


@lru_cache(maxsize=4096)
def access_energy(capacity_bytes: float, word_bits: float, node_nm: float, *, banks: int = 1) -> AccessEnergy:
    """Return the energy of reading and of writing one word.

    Parameters
    ----------
    capacity_bytes : float
        Of the whole memory [bytes].
    word_bits : float
        Of one access [bits].
    node_nm : float
        Technology node, at its nominal supply [nm].
    banks : int
        Equal parts; an access reaches one of them.

    Examples
    --------
    >>> access_energy(32768, 64, 45)
    AccessEnergy(read_pj=17.04, write_pj=15.4)
    """
    macros = _macros_a_word(word_bits)
    macro_bytes, macro_word_bits = macro_capacity_bytes(capacity_bytes, word_bits, banks), word_bits / macros
    nodes = _table().nodes
    inside_nm = min(max(node_nm, nodes[0].node_nm), nodes[-1].node_nm)
    read_pj = _between_nodes("read", macro_bytes, macro_word_bits, inside_nm)
    write_pj = _between_nodes("write", macro_bytes, macro_word_bits, inside_nm)
    if inside_nm != node_nm:
        macros *= energy_factor(inside_nm, nominal_voltage_v(inside_nm), node_nm, nominal_voltage_v(node_nm))
    return AccessEnergy(macros * read_pj, macros * write_pj)


def macro_capacity_bytes(capacity_bytes: float, word_bits: float, banks: int) -> float:
    """Return the size of the macros a memory is built of [bytes].

    Examples
    --------
    >>> macro_capacity_bytes(65536, 512, banks=2)
    8192.0
    """
    return capacity_bytes / banks / _macros_a_word(word_bits)


def _macros_a_word(word_bits: float) -> float:
    return max(1.0, word_bits / WIDEST_WORD_BITS)


Direction = Literal["read", "write"]


def _between_nodes(direction: Direction, capacity_bytes: float, word_bits: float, node_nm: float) -> float:
    points = [(node.node_nm, _at_node(direction, capacity_bytes, word_bits, node)) for node in _table().nodes]
    return interpolate_log(points, node_nm)


def _at_node(direction: Direction, capacity_bytes: float, word_bits: float, node: _NodeTable) -> float:
    slope = _width_exponent(direction, node)
    wide_pj = interpolate_log(_at_reference_width(direction, node), capacity_bytes)
    return float(wide_pj * (word_bits / REFERENCE_WORD_BITS) ** slope)


def _width_exponent(direction: Direction, node: _NodeTable) -> float:
    """Energy goes with the word's width to this power: from 64 to 128 bits at 1 MiB, the one size measured at both."""
    if direction == "read":
        return log2(node.read_128_bit_pj / node.read_pj[-1])
    return log2(node.write_128_bit_pj / node.write_pj[-1])


@lru_cache(maxsize=64)
def _at_reference_width(direction: Direction, node: _NodeTable) -> Points:
    """Energies at 64-bit words; a 16-bit row is widened, but never beyond the next larger memory."""
    table = _table()
    measured = node.read_pj if direction == "read" else node.write_pj
    slope = _width_exponent(direction, node)
    wide = [pj * (REFERENCE_WORD_BITS / bits) ** slope for pj, bits in zip(measured, table.word_bits, strict=True)]
    for index in reversed(range(len(wide) - 1)):
        wide[index] = min(wide[index], wide[index + 1])
    return tuple(zip(map(float, table.capacity_bytes), wide, strict=True))


def sram_area_mm2(capacity_bytes: float, word_bits: float, node_nm: float, *, banks: int = 1) -> float:
    """Return the area of a memory: its macros, without the wires between them [mm2].

    Below 28 nm the macros shrink as logic does (Stillmaker and Baas); a word's width does not change a macro's area.

    Examples
    --------
    >>> round(sram_area_mm2(1048576, 64, 45), 6)
    3.26
    """
    macros = banks * _macros_a_word(word_bits)
    nodes = [node for node in _table().nodes if node.area_mm2]
    inside_nm = min(max(node_nm, nodes[0].node_nm), nodes[-1].node_nm)
    points = [(node.node_nm, interpolate_log(_area_points(node), capacity_bytes / macros)) for node in nodes]
    return macros * interpolate_log(points, inside_nm) * area_factor(inside_nm, node_nm)


def _area_points(node: _NodeTable) -> Points:
    capacities = [bytes_ for bytes_ in _table().capacity_bytes if bytes_ >= (node.area_from_bytes or 0)]
    return tuple(zip(map(float, capacities), node.area_mm2, strict=True))
