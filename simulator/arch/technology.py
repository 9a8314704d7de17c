"""What a MAC, a bit, a word and an operation cost in a profile, at a node and supply: docs/model/energy.md.

What a profile does not give lies on measured shapes (``tables/``): multipliers over width on the synthesis curve,
memories on CACTI's.
"""

from functools import cache
from typing import Literal

from pydantic import Field

from simulator.arch.curves import Points, interpolate_log
from simulator.arch.description import Technology
from simulator.arch.measurements import Form, Mark, Quantity, read_table
from simulator.arch.profiles import MAX_BITS, Profile, load_profile
from simulator.arch.scaling import default_voltage_v, energy_factor
from simulator.arch.sram import AccessEnergy, access_energy, macro_capacity_bytes
from simulator.errors import ArchitectureError, did_you_mean


class _Synthesis(Form):
    schema_: Literal["simulator.synthesis/1"] = Field(alias="schema")
    source: str
    mark: Mark
    node_nm: float
    clock_hz: float
    bits: tuple[int, ...]
    dynamic_nw_per_16_pe: tuple[float, ...]
    leakage_nw_per_16_pe: tuple[float, ...]
    area_um2_per_16_pe: tuple[float, ...]
    lane_node_nm: float
    lane_area_um2: float
    lane_mark: Mark
    lane_source: str


class _DramEnergies(Form):
    schema_: Literal["simulator.dram_energy/1"] = Field(alias="schema")
    pj_per_bit: dict[str, Quantity]


@cache
def synthesis() -> _Synthesis:
    """Return the RTL synthesis of fixed-width PEs: the shape of energy and area over width."""
    return read_table(_Synthesis, "synthesis")


@cache
def _dram_energies() -> dict[str, Quantity]:
    return read_table(_DramEnergies, "dram").pj_per_bit


def target_node_nm(technology: Technology) -> float:
    """Return the node that is priced [nm]."""
    return float(technology.node_nm or load_profile(technology.profile).node_nm)


def target_voltage_v(technology: Technology) -> float:
    """Return the supply that is priced: as given, or the profile's moved with the nodes' nominal supplies [V]."""
    if technology.voltage_v is not None:
        return technology.voltage_v
    profile = load_profile(technology.profile)
    return default_voltage_v(profile.node_nm, profile.voltage_v, target_node_nm(technology))


def logic_factor(technology: Technology) -> float:
    """Return what the profile's logic energies are multiplied by at the target's node and supply."""
    profile = load_profile(technology.profile)
    return energy_factor(profile.node_nm, profile.voltage_v, target_node_nm(technology), target_voltage_v(technology))


def mac_curve_pj(profile: Profile) -> tuple[float, ...]:
    """Return the energy of an integer MAC at widths 0 (nothing) to 64 bits, at the profile's own node [pJ].

    The shape over width is the synthesis curve's (16 : 8 : 4 : 2 bit = 14.8 : 5.0 : 2.0 : 1), moved onto the profile's
    points.

    Examples
    --------
    >>> curve = mac_curve_pj(load_profile("horowitz-45nm"))
    >>> curve[8], curve[32]
    (0.3, 3.2)
    """
    shape = _shape_points()
    ratios = [(float(point.bits), point.value / interpolate_log(shape, point.bits)) for point in profile.mac_pj]
    exact = {point.bits: point.value for point in profile.mac_pj}
    curve = [0.0]
    for bits in range(1, MAX_BITS + 1):
        moved = interpolate_log(shape, bits) * interpolate_log(ratios, bits, extend=False)
        curve.append(exact.get(bits, moved))
    return tuple(curve)


def float_mac_curve_pj(profile: Profile) -> tuple[float, ...]:
    """Return the energy of a floating-point MAC at widths 0 (nothing) to 64 bits, at the profile's own node [pJ]."""
    points = [(float(point.bits), point.value) for point in profile.float_mac_pj]
    return (0.0, *(interpolate_log(points, bits) for bits in range(1, MAX_BITS + 1)))


def static_uw_per_pe(profile: Profile, bits: float) -> float:
    """Return the leakage of a PE of ``bits`` at the profile's own node [uW]."""
    return interpolate_log([(float(point.bits), point.value) for point in profile.static_uw_per_pe], bits)


def pe_area_um2(bits: float) -> float:
    """Return the area of a fixed-width PE as synthesised at 45 nm [um2].

    Examples
    --------
    >>> round(pe_area_um2(8), 1)
    510.7
    """
    table = synthesis()
    points = [(float(b), area / 16) for b, area in zip(table.bits, table.area_um2_per_16_pe, strict=True)]
    return interpolate_log(points, bits)


def _shape_points() -> Points:
    """Dynamic energy of a PE and cycle over width, as synthesised [pJ]."""
    table = synthesis()
    picojoules = [nanowatts / 16 / table.clock_hz * 1e3 for nanowatts in table.dynamic_nw_per_16_pe]
    return tuple(zip(map(float, table.bits), picojoules, strict=True))


def buffer_energy(technology: Technology, capacity_bytes: float, word_bits: float, banks: int) -> AccessEnergy:
    """Return the energy of one access to a buffer, at the target's node and supply.

    CACTI's surface at the target node, moved by the ratio of the profile's own reads to CACTI's at the profile's node
    (between its points in log-log over a macro's capacity, beyond them the nearest), and by the supply's distance from
    the node's default.
    """
    profile, node_nm = load_profile(technology.profile), target_node_nm(technology)
    measured = access_energy(capacity_bytes, word_bits, node_nm, banks=banks)
    default_v = default_voltage_v(profile.node_nm, profile.voltage_v, node_nm)
    factor = energy_factor(node_nm, default_v, node_nm, target_voltage_v(technology))
    if profile.sram_read_pj:
        ratios = [
            (
                float(point.capacity_bytes),
                point.value / access_energy(point.capacity_bytes, point.word_bits, profile.node_nm).read_pj,
            )
            for point in profile.sram_read_pj
        ]
        factor *= interpolate_log(ratios, macro_capacity_bytes(capacity_bytes, word_bits, banks), extend=False)
    return AccessEnergy(factor * measured.read_pj, factor * measured.write_pj)


def dram_energy(technology: Technology, standard: str) -> Quantity:
    """Return the energy of moving a bit to or from DRAM [pJ/bit].

    ``technology.dram_energy_pj_per_bit`` where given, else the figure of the longest known standard that ``standard``
    begins with (``DDR4-2400`` is priced as ``DDR4``). It does not scale with the accelerator's node.

    Raises
    ------
    ArchitectureError
        The standard has no figure and none is given.

    Examples
    --------
    >>> dram_energy(Technology(), "DDR4-2400").value
    20.0
    """
    if technology.dram_energy_pj_per_bit is not None:
        return Quantity(
            value=technology.dram_energy_pj_per_bit,
            unit="pJ/bit",
            mark="G",
            source="technology.dram_energy_pj_per_bit",
        )
    known = _dram_energies() | load_profile(technology.profile).dram_pj_per_bit
    matching = [name for name in known if standard.upper().startswith(name)]
    if not matching:
        message = (
            f"dram.standard = {standard!r}: no energy is known{did_you_mean(standard.upper(), known)} (known: "
            f"{', '.join(sorted(known))}); use one of them, or give technology.dram_energy_pj_per_bit"
        )
        raise ArchitectureError(message)
    return known[max(matching, key=len)]
