"""The price list of an accelerator: what one event of each kind costs, with unit and source. Knows no layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from simulator.arch.description import Accelerator
from simulator.arch.measurements import Mark, Quantity
from simulator.arch.precision import product_rate, widest_integer_bits
from simulator.arch.profiles import Profile, load_profile
from simulator.arch.sram import AccessEnergy, sram_source
from simulator.arch.technology import (
    buffer_energy,
    dram_energy,
    float_mac_curve_pj,
    logic_factor,
    mac_curve_pj,
    static_uw_per_pe,
    synthesis,
    target_node_nm,
    target_voltage_v,
)
from simulator.units import MIB, PJ_PER_J


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One price as a report prints it: ``mark`` is F found, R recalled, M measured, A assumed, G given."""

    name: str
    value: float
    unit: str
    source: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class PriceList:
    """What one event costs. Built by :func:`price_list`; every report prints :meth:`describe`.

    Parameters
    ----------
    profile : str
        Name of the energy profile.
    node_nm, voltage_v : float
        What was priced [nm, V].
    mac_pj_by_bits, float_mac_pj_by_bits : tuple of float
        A MAC of two operands of equal width, indexed by width 0 .. 64 [pJ].
    rf_read_pj_per_bit, rf_write_pj_per_bit, noc_pj_per_bit, dram_pj_per_bit : float
        [pJ/bit]
    buffer_read_pj, buffer_write_pj : mapping of str to float
        A word, by buffer name [pJ].
    vector_pj_per_operation : float
        [pJ]
    static_w, clock_w : float
        Leakage, and the clock network [W].
    clock_hz : float
        [Hz]
    rows : tuple of PriceRow
        Each price with unit, source and mark.
    """

    profile: str
    node_nm: float
    voltage_v: float
    mac_pj_by_bits: tuple[float, ...]
    float_mac_pj_by_bits: tuple[float, ...]
    rf_read_pj_per_bit: float
    rf_write_pj_per_bit: float
    noc_pj_per_bit: float
    buffer_read_pj: Mapping[str, float]
    buffer_write_pj: Mapping[str, float]
    dram_pj_per_bit: float
    vector_pj_per_operation: float
    static_w: float
    clock_w: float
    clock_hz: float
    rows: tuple[PriceRow, ...]

    def mac_pj(self, ifmap_bits: int, weight_bits: int, *, is_float: bool = False) -> float:
        """Return the energy of one MAC [pJ].

        Integers of different widths cost the geometric mean of the two square cases (assumed: a multiplier goes with
        the product of its widths). Floats cost that of the wider format.

        Examples
        --------
        >>> from simulator.arch import load_accelerator
        >>> price_list(load_accelerator("tpu_like_128")).mac_pj(8, 8)
        0.3
        """
        if is_float:
            return self.float_mac_pj_by_bits[max(ifmap_bits, weight_bits)]
        return _mac_pj(self.mac_pj_by_bits, ifmap_bits, weight_bits)

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source used, each once, in the order of :meth:`describe`."""
        return tuple(dict.fromkeys(row.source for row in self.rows))

    def describe(self) -> tuple[PriceRow, ...]:
        """Return the rows (name, value, unit, source, mark) a report prints."""
        return self.rows


def _mac_pj(curve_pj: tuple[float, ...], ifmap_bits: int, weight_bits: int) -> float:
    if ifmap_bits == weight_bits:
        return curve_pj[ifmap_bits]
    return sqrt(curve_pj[ifmap_bits] * curve_pj[weight_bits])


def price_list(accelerator: Accelerator) -> PriceList:
    """Return the price of every event on ``accelerator``; docs/model/energy.md has the formulas.

    Raises
    ------
    ArchitectureError
        No such profile, no energy known for the DRAM standard, or node or supply outside the scaling tables.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> prices = price_list(load_accelerator("tpu_v1"))
    >>> prices.profile, prices.node_nm, round(prices.voltage_v, 2)
    ('horowitz-45nm', 28.0, 0.8)
    """
    technology = accelerator.technology
    profile, factor = load_profile(technology.profile), logic_factor(technology)
    scaled = _scaled_note(accelerator, profile)
    curve_pj = tuple(pj * factor for pj in mac_curve_pj(profile))
    float_curve_pj = tuple(pj * factor for pj in float_mac_curve_pj(profile))
    rf_read, rf_write, hop, vector = logic = _logic_rows(profile, factor, scaled)
    accesses = {
        buffer.name: buffer_energy(technology, buffer.capacity_bytes, buffer.word_bits, buffer.banks)
        for buffer in accelerator.buffers
    }
    level = accelerator.last_level
    if level is not None:
        accesses["last_level"] = buffer_energy(technology, level.capacity_bytes, level.word_bits, level.banks)
    dram = _row("dram", dram_energy(technology, accelerator.dram.standard), 1.0, "")
    static, clock = _static_row(accelerator, profile, scaled), _clock_row(accelerator, profile, curve_pj)
    macs = _mac_rows(accelerator, profile, (curve_pj, float_curve_pj), scaled)
    return PriceList(
        profile=profile.name,
        node_nm=target_node_nm(technology),
        voltage_v=target_voltage_v(technology),
        mac_pj_by_bits=curve_pj,
        float_mac_pj_by_bits=float_curve_pj,
        rf_read_pj_per_bit=rf_read.value,
        rf_write_pj_per_bit=rf_write.value,
        noc_pj_per_bit=hop.value,
        buffer_read_pj={name: access.read_pj for name, access in accesses.items()},
        buffer_write_pj={name: access.write_pj for name, access in accesses.items()},
        dram_pj_per_bit=dram.value,
        vector_pj_per_operation=vector.value,
        static_w=static.value,
        clock_w=clock.value,
        clock_hz=accelerator.clock_hz,
        rows=(*macs, *logic, *_buffer_rows(accelerator, profile, accesses), dram, static, clock),
    )


def _logic_rows(profile: Profile, factor: float, scaled: str) -> tuple[PriceRow, PriceRow, PriceRow, PriceRow]:
    return (
        _row("rf read", profile.rf_read_pj_per_bit, factor, scaled),
        _row("rf write", profile.rf_write_pj_per_bit, factor, scaled),
        _row("noc hop", profile.noc_pj_per_bit, factor, scaled),
        _row("vector operation", profile.vector_pj_per_operation, factor, scaled),
    )


def _scaled_note(accelerator: Accelerator, profile: Profile) -> str:
    node_nm, voltage_v = target_node_nm(accelerator.technology), target_voltage_v(accelerator.technology)
    if (node_nm, voltage_v) == (profile.node_nm, profile.voltage_v):
        return ""
    return f"; scaled to {node_nm:g} nm and {voltage_v:.3g} V (Stillmaker and Baas 2017)"


def _row(name: str, quantity: Quantity, factor: float, scaled: str) -> PriceRow:
    return PriceRow(name, quantity.value * factor, quantity.unit, quantity.source + scaled, quantity.mark)


def _mac_rows(
    accelerator: Accelerator,
    profile: Profile,
    curves_pj: tuple[tuple[float, ...], tuple[float, ...]],
    scaled: str,
) -> list[PriceRow]:
    """One row a supported pair, and the float path; ``curves_pj`` are those of integers and of floats."""
    rows = []
    for pair in accelerator.precision.pairs:
        rate = product_rate(accelerator.precision, pair.ifmap_bits, pair.weight_bits)
        a, w = rate.ifmap_bits, rate.weight_bits
        value = _mac_pj(curves_pj[0], a, w) * rate.energy_share
        nearest = min(profile.mac_pj, key=lambda point: abs(point.bits - max(a, w)))
        source, mark = nearest.source, nearest.mark
        if nearest.bits != max(a, w):
            source += f"; from there over width: {synthesis().source}"
        if a != w:
            source, mark = f"geometric mean of {a} and {w} bit, assumed; {source}", "A"
        if accelerator.precision.mac_energy_factor is not None:
            given = accelerator.sources.get("precision.mac_energy_factor", "precision.mac_energy_factor")
            source = f"{source}; times {rate.energy_share:g}: {given}"
        rows.append(PriceRow(f"mac {a} x {w} bit", value, "pJ", source + scaled, mark))
    bits = accelerator.precision.float_bits
    if bits is not None:
        near = min(profile.float_mac_pj, key=lambda point: abs(point.bits - bits))
        rows.append(PriceRow(f"mac float{bits}", curves_pj[1][bits], "pJ", near.source + scaled, near.mark))
    return rows


def _buffer_rows(accelerator: Accelerator, profile: Profile, accesses: Mapping[str, AccessEnergy]) -> list[PriceRow]:
    source, mark = sram_source()
    if profile.sram_read_pj:
        source = f"{'; '.join(point.source for point in profile.sram_read_pj)}; between them the shape {source}"
        mark = profile.sram_read_pj[0].mark
    rows = []
    words = {buffer.name: buffer.word_bits for buffer in accelerator.buffers}
    if accelerator.last_level is not None:
        words["last_level"] = accelerator.last_level.word_bits
    for name, access in accesses.items():
        word = f"{words[name]} bit"
        rows.append(PriceRow(f"{name} read {word}", access.read_pj, "pJ", source, mark))
        rows.append(PriceRow(f"{name} write {word}", access.write_pj, "pJ", source, mark))
    return rows


def _given_row(accelerator: Accelerator, name: str, path: str, value: float) -> PriceRow:
    return PriceRow(name, value, "W", accelerator.sources.get(path, path), "G")


def _static_row(accelerator: Accelerator, profile: Profile, scaled: str) -> PriceRow:
    """Leakage of PEs and memories; it is assumed to scale with the node as dynamic energy does."""
    technology = accelerator.technology
    if technology.static_power_w is not None:
        return _given_row(accelerator, "static", "technology.static_power_w", technology.static_power_w)
    ifmap_bits, weight_bits = widest_integer_bits(accelerator.precision)
    pes_w = accelerator.peak_macs_per_cycle * static_uw_per_pe(profile, sqrt(ifmap_bits * weight_bits)) * 1e-6
    capacity_bytes = accelerator.cores * sum(buffer.capacity_bytes for buffer in accelerator.buffers)
    capacity_mib = (capacity_bytes + (accelerator.last_level.capacity_bytes if accelerator.last_level else 0)) / MIB
    memories_w = capacity_mib * profile.sram_static_w_per_mib.value
    source = f"{profile.static_uw_per_pe[0].source}; memories {profile.sram_static_w_per_mib.source}{scaled}"
    return PriceRow("static", (pes_w + memories_w) * logic_factor(technology), "W", source, "A")


def _clock_row(accelerator: Accelerator, profile: Profile, curve_pj: tuple[float, ...]) -> PriceRow:
    technology, quantity = accelerator.technology, profile.clock_macs_per_pe_cycle
    if technology.clock_power_w is not None:
        return _given_row(accelerator, "clock", "technology.clock_power_w", technology.clock_power_w)
    mac_pj = _mac_pj(curve_pj, *widest_integer_bits(accelerator.precision))
    picojoules_a_cycle = quantity.value * accelerator.peak_macs_per_cycle * mac_pj
    return PriceRow("clock", picojoules_a_cycle * accelerator.clock_hz / PJ_PER_J, "W", quantity.source, quantity.mark)
