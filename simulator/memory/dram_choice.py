"""Which command-level DRAM an accelerator's description means. Knows descriptions and presets; no kernels.

A description gives a standard and a peak bandwidth. Its DRAM is a preset of that standard with as many channels (a
power of two) as bring the clock nearest to the preset's, at the clock whose peak is the bandwidth described: timings
stay as they are in nanoseconds, as they nearly do between the speed grades of a standard. The bandwidth of the preset
gives the preset itself. A file's clock and timings stay what they are: it may have more channels.
"""

from dataclasses import dataclass
from math import ceil, floor, log, log2

from simulator.arch.description import Accelerator, Dram
from simulator.arch.library import parse_accelerator
from simulator.errors import ArchitectureError
from simulator.memory.dram_config import DramConfig, DramTiming
from simulator.memory.dram_library import dram_preset_names, load_dram
from simulator.units import BITS_PER_BYTE

MOST_CHANNELS = 64
_AGREES = 0.01
_SAME_CLOCK = 1e-9
_CLOCK_COUNTS = ("trtrs_cycles", "tppd_cycles", "tccd_s_cycles", "al_cycles")  # clocks in the standards, not times


@dataclass(frozen=True)
class DramChoice:
    """A DRAM system and how it was chosen, in words for a report."""

    config: DramConfig
    origin: str


def choose_dram(dram: Dram) -> DramChoice | None:
    """Return the command-level DRAM of a description, or None where no preset has its standard.

    Raises
    ------
    ArchitectureError
        ``dram.system`` is no preset and no readable file, or a file whose channels, 1, 2, 4 ... times as many, do not
        peak at the bandwidth described.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> choice = choose_dram(load_accelerator("tpu_like_128").dram)
    >>> choice.config.name, choice.config.organization.channels, choice.origin
    ('ddr4_2400', 4, 'ddr4_2400 x 4 channels')
    """
    bandwidth = dram.bandwidth_bytes_per_second
    if dram.system is None:
        names = [name for name in dram_preset_names() if _protocol(load_dram(name)) == _plain(dram.standard)]
    elif is_dram_file(dram.system):
        return _from_file(dram.system, bandwidth)
    else:
        names = [dram.system]
    found = [
        (abs(log(_clock_ratio(one, bandwidth))), one) for one in (_best_channels(name, bandwidth) for name in names)
    ]
    if not found:
        return None
    config = min(found, key=lambda one: one[0])[1]
    moved = at_peak(config, bandwidth)
    origin = f"{config.name} x {_channels(config)}"
    if moved is not config:
        rate = f"{moved.clock_hz / 1e6:.0f} instead of {config.clock_hz / 1e6:.0f} MHz"
        origin += f" at {rate}, to match dram.bandwidth_bytes_per_second"
    if dram.system is None:
        origin += f" (chosen for dram.standard {dram.standard})"
    return DramChoice(moved, origin)


def is_dram_file(system: str | None) -> bool:
    """Return whether ``dram.system`` names a file, not a preset."""
    return system is not None and ("/" in system or system.lower().endswith((".json", ".ini")))


def _plain(standard: str) -> str:
    return standard.upper().replace("-", "").split(" ", maxsplit=1)[0]


def _protocol(config: DramConfig) -> str:
    return config.organization.protocol


def _from_file(system: str, bandwidth: float) -> DramChoice:
    """Return a file's system as it is, or with more channels: its timings are the file's word, and so is its clock."""
    config = load_dram(system)
    peak, before = config.peak_bytes_per_second, config.organization.channels
    times = 1 << max(0, round(log2(bandwidth / peak)))
    if abs(peak * times / bandwidth - 1) > _AGREES or times > MOST_CHANNELS:
        message = (
            f"dram.system {system!r} peaks at {peak:.6g} B/s, but dram.bandwidth_bytes_per_second = {bandwidth:.6g}; "
            "make the two agree (2, 4, 8 ... times the peak are as many times the channels), or give the file as "
            "--dram (dram=...), which takes the bandwidth from it"
        )
        raise ArchitectureError(message)
    if times == 1:
        return DramChoice(config, f"{system} ({config.name}, {_channels(config)})")
    config = _with_channels(config, before * times)
    how = f"{_channels(config)} instead of {before}, to match dram.bandwidth_bytes_per_second"
    return DramChoice(config, f"{system} ({config.name}, {how})")


def _with_channels(config: DramConfig, channels: int) -> DramConfig:
    organization = config.organization.model_copy(update={"channels": channels})
    return config.model_copy(update={"organization": organization})


def _channels(config: DramConfig) -> str:
    channels = config.organization.channels
    return f"{channels} channel{'s' if channels > 1 else ''}"


def _clock_ratio(config: DramConfig, bandwidth: float) -> float:
    return bandwidth / config.peak_bytes_per_second


def _best_channels(name: str, bandwidth: float) -> DramConfig:
    """Return a preset with as many channels as bring its clock nearest to its own at this bandwidth."""
    config = load_dram(name)
    one = config.peak_bytes_per_second / config.organization.channels
    powers = [1 << power for power in range(MOST_CHANNELS.bit_length())]
    channels = min(powers, key=lambda count: abs(log(bandwidth / (one * count))))
    return config if channels == config.organization.channels else _with_channels(config, channels)


def at_peak(config: DramConfig, bytes_per_second: float) -> DramConfig:
    """Return ``config`` at the clock that gives it this peak, its timings kept in nanoseconds and rounded up.

    Raises
    ------
    ArchitectureError
        The clock is so slow that a refresh takes longer than refreshes are apart.

    Examples
    --------
    >>> faster = at_peak(load_dram("ddr3_1600"), 16e9)
    >>> faster.timing.clock_period_ns, faster.timing.cl_cycles
    (1.0, 14)
    """
    ratio = _clock_ratio(config, bytes_per_second)
    if abs(ratio - 1) < _SAME_CLOCK:
        return config
    timing = config.timing
    changed: dict[str, float | int] = {"clock_period_ns": timing.clock_period_ns / ratio}
    for name, cycles in timing.model_dump().items():
        if name.endswith("_cycles") and name not in _CLOCK_COUNTS:
            changed[name] = max(min(cycles, 1), ceil(cycles * ratio * (1 - _SAME_CLOCK)))
    changed["trefi_cycles"] = max(1, floor(timing.trefi_cycles * ratio * (1 + _SAME_CLOCK)))
    changed["tccd_l_cycles"] = max(timing.tccd_s_cycles, int(changed["tccd_l_cycles"]))
    moved = DramTiming(**(timing.model_dump() | changed))
    if moved.trefi_cycles <= moved.trfc_cycles + moved.row_cycle_cycles:
        message = (
            f"dram.bandwidth_bytes_per_second = {bytes_per_second:.6g}: at {config.clock_hz * ratio:.6g} Hz "
            f"{config.name} would refresh without end (tRFC + tRC = {moved.trfc_cycles + moved.row_cycle_cycles} of "
            f"tREFI = {moved.trefi_cycles} cycles); raise it, or use fidelity 'bandwidth'"
        )
        raise ArchitectureError(message)
    return config.model_copy(update={"timing": moved})


def with_dram(accelerator: Accelerator, system: str) -> Accelerator:
    """Return ``accelerator`` with another DRAM: a preset's name or a file.

    Bandwidth, standard, word and the latency of ``bandwidth`` fidelity (a read of a closed bank) follow from it.

    Raises
    ------
    ArchitectureError
        No such preset, a file that cannot be read, or one faster than the accelerator's buffers can take.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> with_dram(load_accelerator("tpu_like_128"), "hbm2").dram.bandwidth_bytes_per_second
    256000000000.0
    """
    config = load_dram(system)
    timing, organization = config.timing, config.organization
    latency_ns = (timing.trcd_read_cycles + timing.cl_cycles + organization.burst_cycles) * timing.clock_period_ns
    update = {
        "system": system if is_dram_file(system) else config.name,
        "standard": organization.protocol,
        "bandwidth_bytes_per_second": config.peak_bytes_per_second,
        "latency_cycles": ceil(latency_ns * 1e-9 * accelerator.clock_hz * (1 - _SAME_CLOCK)),
        "word_bits": organization.request_bytes * BITS_PER_BYTE,
    }
    data = accelerator.model_dump(mode="json", by_alias=True)
    sources = {path: text for path, text in accelerator.sources.items() if not path.startswith("dram.")}
    sources |= {f"dram.{name}": f"{system}, given by the user" for name in update}
    data |= {"dram": data["dram"] | update, "sources": sources}
    return parse_accelerator(data, f"{accelerator.name} with DRAM {system}")
