"""Running a request trace through a DRAM system by itself. The only file of the DRAM that orchestrates."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator.archives import read_arrays
from simulator.errors import SimulationError, WorkloadError
from simulator.memory.dram_address import decode
from simulator.memory.dram_config import DramConfig
from simulator.memory.dram_energy import command_prices_pj
from simulator.memory.dram_library import load_dram
from simulator.memory.dram_state import NEVER, REQUEST, DramState, Records, new_state, records

Cycles = npt.NDArray[np.int64]

_REQUESTS_LIMIT = 1 << 31
_BUS_BOUND = 0.8
"""A data bus busy for this share of the time is itself what limits."""
_REFRESHES_LIMIT = 1 << 26
_LIMITERS = ("starvation", "row_conflict", "tfaw", "refresh", "tccd_l", "turnaround")
_LOST_FIELDS = ("starvation", "row", "activation", "refresh", "tccd", "turnaround")


@dataclass(frozen=True)
class DramTrace:
    """Requests in the order in which they are offered.

    Parameters
    ----------
    addresses
        Byte addresses [n]; the burst that holds the byte is read or written.
    is_write
        Whether each request writes [n].
    arrival_cycles
        The first cycle at which each may be offered [n], never going back in time.
    source
        What errors call it: the file it comes from.
    """

    addresses: Cycles
    is_write: npt.NDArray[np.bool_]
    arrival_cycles: Cycles
    source: str = "DRAM trace"

    def __post_init__(self) -> None:
        if not self.addresses.shape == self.is_write.shape == self.arrival_cycles.shape:
            raise WorkloadError(
                f"{self.source}: addr has {self.addresses.size} requests, is_write {self.is_write.size}, "
                f"arrival {self.arrival_cycles.size}: give one value per request"
            )
        if self.addresses.size >= _REQUESTS_LIMIT:
            raise WorkloadError(f"{self.source}: {self.addresses.size} requests are more than 2^31: split the trace")
        backwards = np.flatnonzero(np.diff(self.arrival_cycles) < 0)
        if backwards.size:
            at = int(backwards[0]) + 1
            raise WorkloadError(
                f"{self.source}: arrival[{at}] is {self.arrival_cycles[at]}, before arrival[{at - 1}] = "
                f"{self.arrival_cycles[at - 1]}: sort the requests by arrival"
            )


@dataclass(frozen=True)
class DramResult:
    """What a trace did on a DRAM system; cycles of its clock."""

    makespan_cycles: int
    """End of the last data burst."""
    read_done_cycle: Cycles
    """Completion of each read, in trace order [reads]."""
    accept_cycle: Cycles
    """Cycle at which each request was taken from the front end [requests]."""
    row_hits: int
    """Column commands to a row that had served one since it was opened."""
    command_counts: dict[str, int]
    """Commands issued: activate, precharge, read, write, refresh."""
    requests_merged: int
    """Reads and writes that shared another's column command."""
    reads_forwarded: int
    """Reads answered from a pending write."""
    writes_undrained: int
    """Writes still in the write buffers at the end."""
    achieved_bytes_per_cycle: float
    peak_bytes_per_cycle: float
    lost_cycles: dict[str, int]
    """Idle data-bus cycles between bursts, summed over channels, by the constraint that ended last."""
    limiter: str
    """Of the channel that finishes last: ``bus`` if it moves data 80 % of the time, else its largest loss."""
    read_latency_cycles: dict[str, float]
    """Mean, p50, p90, p99 and max from accept to data."""
    energy_pj: dict[str, float] | None
    """From commands and currents, None if the description has no currents."""
    command_log: Records | None

    def to_dict(self) -> dict[str, object]:
        """Return plain numbers, lists and text, ready for JSON; without the command log."""
        return {
            "makespan_cycles": self.makespan_cycles,
            "read_done_cycle": self.read_done_cycle.tolist(),
            "row_hits": self.row_hits,
            "limiter": self.limiter,
            "lost_cycles": self.lost_cycles,
            "command_counts": self.command_counts,
            "requests_merged": self.requests_merged,
            "reads_forwarded": self.reads_forwarded,
            "writes_undrained": self.writes_undrained,
            "achieved_bytes_per_cycle": self.achieved_bytes_per_cycle,
            "peak_bytes_per_cycle": self.peak_bytes_per_cycle,
            "read_latency_cycles": self.read_latency_cycles,
            "energy_pj": self.energy_pj,
        }


def load_dram_trace(path: str | Path) -> DramTrace:
    """Read a request trace: an ``.npz`` with ``addr``, ``is_write`` and ``arrival``, other arrays ignored.

    Raises
    ------
    WorkloadError
        If the file cannot be read, an array is missing or of the wrong kind, or arrivals go back in time.
    """
    return dram_trace(read_arrays(Path(path), ("addr", "is_write", "arrival")), source=str(path))


def dram_trace(columns: Mapping[str, npt.ArrayLike], *, source: str = "DRAM trace") -> DramTrace:
    """Return the trace in ``columns`` ``addr``, ``is_write`` and ``arrival`` (0 if absent), checked.

    Examples
    --------
    >>> dram_trace({"addr": [0, 64], "is_write": [False, True]}).arrival_cycles.tolist()
    [0, 0]
    """
    for name in ("addr", "is_write"):
        if name not in columns:
            raise WorkloadError(f"{source}: the array {name!r} is missing: add one value per request")
    addresses = _whole_numbers(columns["addr"], "addr", source)
    arrival = columns.get("arrival", np.zeros(addresses.shape, dtype=np.int64))
    is_write = np.asarray(columns["is_write"])
    if (
        is_write.size
        and is_write.dtype != np.bool_
        and not (np.issubdtype(is_write.dtype, np.integer) and np.isin(is_write, (0, 1)).all())
    ):
        raise WorkloadError(f"{source}: is_write holds {is_write.dtype} values: use booleans")
    return DramTrace(addresses, is_write.astype(np.bool_), _whole_numbers(arrival, "arrival", source), source)


def _whole_numbers(values: npt.ArrayLike, name: str, source: str) -> Cycles:
    array = np.asarray(values)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise WorkloadError(f"{source}: {name} is {array.ndim}-D of {array.dtype}: use one row of integers")
    if array.size and (int(array.min()) < 0 or int(array.max()) >= 1 << 62):
        raise WorkloadError(f"{source}: {name} runs from {array.min()} to {array.max()}: use 0 to 2^62")
    return array.astype(np.int64)


def request_records(config: DramConfig, trace: DramTrace) -> Records:
    """Return one REQUEST record per request of ``trace``, its address split by the mapping of ``config``.

    Raises
    ------
    WorkloadError
        If an address lies beyond the capacity of ``config``, or an arrival more than 2^26 refreshes away.
    """
    organization = config.organization
    beyond = np.flatnonzero(trace.addresses >= organization.capacity_bytes)
    if beyond.size:
        at = int(beyond[0])
        raise WorkloadError(
            f"{trace.source}: addr[{at}] is {trace.addresses[at]}, beyond the {organization.capacity_bytes} bytes of "
            f"{config.name}: use a larger memory or smaller addresses"
        )
    interval = config.timing.refresh_intervals(organization.ranks, config.policy.refresh)["refresh_interval"]
    last_arrival = int(trace.arrival_cycles.max(initial=0))
    if last_arrival // interval > _REFRESHES_LIMIT:
        raise WorkloadError(
            f"{trace.source}: the last arrival is {last_arrival}, {last_arrival // interval} refreshes later: "
            f"give arrivals in cycles, below {_REFRESHES_LIMIT * interval}"
        )
    coordinates = decode(organization, trace.addresses)
    requests = records(trace.addresses.size, REQUEST)
    requests["address"] = trace.addresses
    requests["arrival"] = trace.arrival_cycles
    requests["accept"] = -1
    requests["row"] = coordinates.row
    requests["column"] = coordinates.column
    requests["bank"] = coordinates.bank_row(organization) & (organization.ranks * organization.banks_per_rank - 1)
    requests["channel"] = coordinates.channel
    requests["follower"] = -1
    requests["is_write"] = trace.is_write
    return requests


def run_trace(
    config: DramConfig | str | Path,
    trace: DramTrace | str | Path,
    *,
    drain_writes: bool | None = None,
    log_commands: bool = False,
) -> DramResult:
    """Run ``trace`` through the DRAM system ``config``, command by command.

    Parameters
    ----------
    config, trace
        Objects, or the files that hold them.
    drain_writes
        Whether the last writes leave the write buffers once nothing else waits; None leaves it to
        ``config.policy.drains_last_writes``. DRAMsim3 keeps up to ``write_low_level`` per channel.
    log_commands
        Whether to keep every command issued (:data:`simulator.memory.dram_state.COMMAND` records).

    Raises
    ------
    ArchitectureError, WorkloadError
        If a description or a trace makes no sense.
    SimulationError
        If no command could ever issue again.

    Examples
    --------
    >>> from simulator.memory.dram_config import DramConfig, DramOrganization, DramTiming
    >>> organization = DramOrganization(protocol="DDR3", bank_groups=1, banks_per_group=8, rows=65536, columns=1024,
    ...     device_width_bits=8, bus_width_bits=64, burst_length=8, address_mapping="rochrababgco")
    >>> timing = DramTiming(clock_period_ns=1.25, cl_cycles=11, cwl_cycles=8, trcd_read_cycles=11,
    ...     trcd_write_cycles=11, trp_cycles=11, tras_cycles=28, trfc_cycles=208, trefi_cycles=6240, trrd_s_cycles=5,
    ...     trrd_l_cycles=5, tfaw_cycles=24, tccd_s_cycles=4, tccd_l_cycles=4, twtr_s_cycles=6, twtr_l_cycles=6,
    ...     twr_cycles=12, trtp_cycles=6)
    >>> trace = dram_trace({"addr": [0, 64], "is_write": [False, False]})
    >>> run_trace(DramConfig(organization=organization, timing=timing), trace).read_done_cycle.tolist()
    [28, 32]
    """
    from simulator.memory.dram_kernel import DEADLOCK, LOG_FULL, advance

    if not isinstance(config, DramConfig):
        config = load_dram(config)
    if not isinstance(trace, DramTrace):
        trace = load_dram_trace(trace)
    if drain_writes is None:
        drain_writes = config.policy.drains_last_writes
    requests = request_records(config, trace)
    entries = 4 * requests.size + 64 * config.organization.channels if log_commands else 0
    state = new_state(config, requests, drain_writes=drain_writes, log_entries=entries)
    status = advance(state, NEVER)
    while status == LOG_FULL:
        state = state._replace(log=_doubled(state.log))
        status = advance(state, NEVER)
    if status == DEADLOCK:
        front = state.front[0]
        raise SimulationError(
            f"DRAM {config.name}: no command can issue after cycle {front.cycle}; request {front.next_request} of "
            f"{front.requests} waits for room and {int(state.channels.queued.sum())} are queued"
        )
    return _result(config, state, trace)


def _doubled(log: Records) -> Records:
    longer = records(2 * log.size, log.dtype)
    longer[: log.size] = log
    return longer


def _result(config: DramConfig, state: DramState, trace: DramTrace) -> DramResult:
    channels, requests = state.channels, state.requests
    done = np.asarray(requests["done"], dtype=np.int64)
    accept = np.asarray(requests["accept"], dtype=np.int64)
    reads = ~trace.is_write
    makespan = max(0, int(channels.last_column_end.max(initial=0)), int(done.max(initial=0)))
    columns = int(channels.reads.sum() + channels.writes.sum())
    lost = {name: int(channels[f"lost_{field}"].sum()) for name, field in zip(_LIMITERS, _LOST_FIELDS, strict=True)}
    return DramResult(
        makespan_cycles=makespan,
        read_done_cycle=done[reads],
        accept_cycle=accept,
        row_hits=int(channels.row_hits.sum()),
        command_counts={
            name: int(channels[f"{name}s"].sum()) if name != "refresh" else int(channels.refreshes.sum())
            for name in ("activate", "precharge", "read", "write", "refresh")
        },
        requests_merged=int(channels.merged.sum()),
        reads_forwarded=int(channels.forwarded.sum()),
        writes_undrained=int(channels.writes_waiting.sum()),
        achieved_bytes_per_cycle=columns * config.organization.request_bytes / makespan if makespan else 0.0,
        peak_bytes_per_cycle=config.peak_bytes_per_cycle,
        lost_cycles=lost,
        limiter=_limiter(config, state),
        read_latency_cycles=_latencies(done[reads] - accept[reads]),
        energy_pj=command_energy_pj(config, channels, makespan),
        command_log=state.log[: int(state.front[0].logged)].view(np.recarray) if state.log.size else None,
    )


def _limiter(config: DramConfig, state: DramState) -> str:
    """Name what bounds the channel that finishes last."""
    if not state.channels.last_column_end.any():
        return "starvation"
    last = state.channels[int(state.channels.last_column_end.argmax())]
    busy_cycles = int(last.reads + last.writes) * config.organization.burst_cycles
    if busy_cycles >= _BUS_BOUND * int(last.last_column_end):
        return "bus"
    lost = {name: int(last[f"lost_{field}"]) for name, field in zip(_LIMITERS, _LOST_FIELDS, strict=True)}
    return max(lost, key=lambda name: lost[name])


def _latencies(latency_cycles: Cycles) -> dict[str, float]:
    if latency_cycles.size == 0:
        return {}
    p50, p90, p99 = np.percentile(latency_cycles, (50, 90, 99), method="inverted_cdf")
    return {
        "mean": float(latency_cycles.mean()),
        "p50": float(p50),
        "p90": float(p90),
        "p99": float(p99),
        "max": float(latency_cycles.max()),
    }


def command_energy_pj(config: DramConfig, channels: Records, makespan_cycles: int) -> dict[str, float] | None:
    """Return energy by command from data-sheet currents: mA x V x ns = pJ (Micron TN-41-01)."""
    if config.power is None:
        return None
    power, prices = config.power, command_prices_pj(config, config.power)
    scale = power.vdd_v * config.timing.clock_period_ns * config.organization.devices_per_rank
    columns = int((channels.reads + channels.writes).sum())
    ranks = channels["ranks"][:, : config.organization.ranks]
    open_now = np.where(ranks["open_banks"] > 0, makespan_cycles - ranks["active_since"], 0)
    active = float((ranks["active_cycles"] + np.maximum(open_now, 0)).sum())
    idle = float(makespan_cycles * ranks.size) - active
    return {
        "activate": prices["activate"] * int(channels.activates.sum()),
        "read": prices["read"] * int(channels.reads.sum()),
        "write": prices["write"] * int(channels.writes.sum()),
        "refresh": prices["refresh"] * int(channels.refreshes.sum()),
        "io": prices["io"] * columns,
        "background": scale * (power.idd3n_ma * active + power.idd2n_ma * idle),
    }
