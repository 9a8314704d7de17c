"""From a tape that ran to slices of every resource's time: what a trace, a Gantt chart or a bandwidth plot draws.

Nothing is timed anew: each slice follows from the times that the engine left in the tape, by the rules of
docs/model/engine.md.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.dataflow.tape import Tape
from simulator.engine.run import Timeline
from simulator.records import IFMAP, LATE_NONE, NONE, PSUM, READ, RESIDUAL, VECTOR, Table, table
from simulator.timeline import (
    CORE_SLICE,
    FILL,
    PORT_SLICE,
    QUEUE_SLICE,
    TAIL,
    TILE_SLICE,
    VECTOR_SLICE,
    WAIT,
    WORK,
    BufferTrack,
    Cycles,
    RunTimeline,
    lanes_of,
)


@dataclass(frozen=True)
class Machine:
    """What a timeline shows of the accelerator.

    Attributes
    ----------
    clock_hz : float
    dram_bytes_per_cycle : float
    port_latency_cycles : int
        Part of a transfer's time in which it does not hold the port: between its last byte and its completion. 0 where
        DRAM commands were simulated: several transfers are then under way at once.
    buffers : tuple of BufferTrack
    home : tuple of int
        Buffer of ifmap, weight, psum.
    """

    clock_hz: float
    dram_bytes_per_cycle: float
    port_latency_cycles: int
    buffers: tuple[BufferTrack, ...]
    home: tuple[int, int, int]


def record(
    tape: Tape, timeline: Timeline, machine: Machine, names: tuple[str, ...], psum_slot_bytes: Cycles
) -> RunTimeline:
    """Return the slices of a run.

    Parameters
    ----------
    tape : Tape
        After :func:`simulator.engine.run.run`.
    timeline : Timeline
        Its answer.
    machine : Machine
    names : tuple of str
        Of each work.
    psum_slot_bytes : int64 array
        Of each work; 0 where an output tile is held as it is stored [bytes].
    """
    windows = np.stack([timeline.layers["end_cycle"] - timeline.layers["cycles"], timeline.layers["end_cycle"]], axis=1)
    step_of_use = _step_of_use(tape)
    return RunTimeline(
        layer_names=names,
        clock_hz=machine.clock_hz,
        dram_bytes_per_cycle=machine.dram_bytes_per_cycle,
        total_cycles=timeline.total_cycles,
        buffers=machine.buffers,
        steps=tape.steps,
        transfers=tape.transfers,
        windows=windows,
        core=_core_slices(tape, windows),
        vector=_vector_slices(tape),
        ports=_port_slices(tape, machine.port_latency_cycles),
        queues=_queue_slices(tape),
        tiles=_tile_slices(tape, step_of_use, machine, psum_slot_bytes),
    )


def _step_of_use(tape: Tape) -> Cycles:
    """Return the step that each use belongs to."""
    owner = np.full(len(tape.uses), NONE, np.int64)
    counts = tape.steps["uses"]
    begins = np.repeat(tape.steps["first_use"], counts)
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    owner[begins + offset] = np.repeat(np.arange(len(tape.steps)), counts)
    return owner


def _core_of(tape: Tape) -> Cycles:
    return tape.steps["core"] if "core" in (tape.steps.dtype.names or ()) else np.zeros(len(tape.steps), np.int64)


def _core_slices(tape: Tape, windows: Cycles) -> Table:
    """Cut a core's time as the accounting does: gap before each step, exposed fill, work, tail of each layer."""
    steps, core = tape.steps, _core_of(tape)
    begin = windows[steps["layer"], 0]
    waits = np.maximum(steps["occupied_cycle"] - steps["idle_cycles"], begin)
    parts = [
        (WAIT, waits, steps["occupied_cycle"]),
        (FILL, steps["occupied_cycle"], steps["start_cycle"]),
        (WORK, steps["start_cycle"], steps["free_cycle"]),
    ]
    slices = []
    for kind, begins, ends in parts:
        made = table(CORE_SLICE, len(steps))
        made["core"], made["kind"], made["layer"], made["step"] = core, kind, steps["layer"], np.arange(len(steps))
        made["cause"] = steps["cause"] if kind == WAIT else NONE
        made["late_because"] = steps["late_because"] if kind == WAIT else LATE_NONE
        made["blamed"] = steps["late_transfer"] if kind == WAIT else NONE
        made["begin_cycle"], made["end_cycle"] = begins, ends
        slices.append(made)
    slices.append(_tails(tape, windows, core))
    return _in_order(np.concatenate(slices), "core")


def _tails(tape: Tape, windows: Cycles, core: Cycles) -> Table:
    """Return what follows each layer's last step until its window ends."""
    made = table(CORE_SLICE, len(windows))
    made["kind"], made["step"], made["cause"], made["blamed"] = TAIL, NONE, NONE, NONE
    made["late_because"] = LATE_NONE
    made["layer"] = np.arange(len(windows))
    last = windows[:, 0].copy()
    np.maximum.at(last, tape.steps["layer"], tape.steps["free_cycle"])
    made["core"][tape.steps["layer"]] = core
    made["begin_cycle"], made["end_cycle"] = last, windows[:, 1]
    return made


def _vector_slices(tape: Tape) -> Table:
    """Return the vector unit's turns: a vector step's whole time; fused work from its first output until it is done."""
    steps, core = tape.steps, _core_of(tape)
    alone = steps["resource"] == VECTOR
    mine = np.flatnonzero(alone | (steps["vector_cycles"] > 0))
    made = table(VECTOR_SLICE, len(mine))
    made["core"], made["layer"], made["step"] = core[mine], steps["layer"][mine], mine
    made["end_cycle"] = np.where(alone[mine], steps["free_cycle"][mine], steps["output_cycle"][mine])
    earliest = np.where(alone, steps["start_cycle"], steps["start_cycle"] + steps["first_output_cycles"])[mine]
    made["begin_cycle"] = earliest
    for one in np.unique(made["core"]):  # the unit works in order
        turn = np.flatnonzero(made["core"] == one)
        made["begin_cycle"][turn[1:]] = np.maximum(earliest[turn[1:]], made["end_cycle"][turn[:-1]])
    return _in_order(made, "core")


def _port_slices(tape: Tape, latency_cycles: int) -> Table:
    """Return transfers on the port, in as many lanes as were under way at once."""
    made = table(PORT_SLICE, len(tape.transfers))
    made["transfer"] = np.arange(len(made))
    if tape.last_level is not None:  # its reads pass another port
        made = made[tape.last_level.on_chip == 0]
    moved = tape.transfers[made["transfer"]]
    made["begin_cycle"] = moved["begin_cycle"]
    made["end_cycle"] = np.maximum(moved["arrived_cycle"] - latency_cycles, made["begin_cycle"])
    made["lane"] = lanes_of(made["begin_cycle"], made["end_cycle"])
    return _in_order(made, "lane")


def _queue_slices(tape: Tape) -> Table:
    """Return where the head of a queue was held up after its turn had come, and by what."""
    ordered = tape.transfers[tape.order]
    made = table(QUEUE_SLICE, len(ordered))
    made["queue"], made["transfer"], made["end_cycle"] = ordered["queue"], tape.order, ordered["submit_cycle"]
    for queue in np.unique(made["queue"]):
        turn = np.flatnonzero(made["queue"] == queue)
        made["begin_cycle"][turn[1:]] = made["end_cycle"][turn[:-1]]
    made["late_because"] = ordered["late_because"]
    return _in_order(made, "queue")


def _tile_slices(tape: Tape, step_of_use: Cycles, machine: Machine, psum_slot_bytes: Cycles) -> Table:
    """Return tiles in their slots: what the loads bring, and the psums until they are stored."""
    made = np.concatenate([_loaded_tiles(tape, step_of_use), _psum_tiles(tape, step_of_use, psum_slot_bytes)])
    made = made.view(np.recarray)
    home = np.array([*machine.home, machine.home[IFMAP]])
    made["buffer"] = home[made["operand"]]
    for operand in np.unique(made["operand"]):
        mine = np.flatnonzero(made["operand"] == operand)
        made["lane"][mine] = lanes_of(made["begin_cycle"][mine], made["end_cycle"][mine])
    return _in_order(made, "operand", "lane")


def _loaded_tiles(tape: Tape, step_of_use: Cycles) -> Table:
    """Return tiles of ifmap, weight and residual: held until the last step that names them lets go."""
    uses, steps = tape.uses, tape.steps
    mine = np.flatnonzero((uses["transfer"] != NONE) & (uses["operand"] != PSUM) & (step_of_use != NONE))
    owner = steps[step_of_use[mine]]
    let_go = owner["start_cycle"] + uses["free_cycles"][mine]
    whole = np.maximum(owner["output_cycle"], owner["free_cycle"])
    let_go = np.where(uses["operand"][mine] == RESIDUAL, whole, let_go)
    until = np.full(len(tape.transfers), NONE, np.int64)
    np.maximum.at(until, uses["transfer"][mine], let_go)
    transfers = np.flatnonzero((until != NONE) & (tape.transfers["direction"] == READ))
    rows = tape.transfers[transfers]
    made = table(TILE_SLICE, len(transfers))
    made["operand"], made["layer"], made["transfer"] = rows["operand"], rows["layer"], transfers
    made["bytes"], made["begin_cycle"], made["ready_cycle"] = (
        rows["payload_bytes"],
        rows["submit_cycle"],
        rows["done_cycle"],
    )
    made["end_cycle"] = np.maximum(until[transfers], made["ready_cycle"])
    return made


def _psum_tiles(tape: Tape, step_of_use: Cycles, slot_bytes: Cycles) -> Table:
    """Return psum tiles: from the first step that adds to one until its store is done."""
    stores = np.flatnonzero((tape.transfers["operand"] == PSUM) & (tape.transfers["data_step"] != NONE))
    stores = stores[np.argsort(tape.transfers["data_step"][stores], kind="stable")]
    rows = tape.transfers[stores]
    made = table(TILE_SLICE, len(stores))
    made["operand"], made["layer"], made["transfer"] = PSUM, rows["layer"], stores
    made["bytes"] = np.maximum(rows["payload_bytes"], slot_bytes[rows["layer"]])
    made["begin_cycle"] = _taken(tape, step_of_use)[_first_steps(tape, rows)]
    made["ready_cycle"] = tape.steps["output_cycle"][rows["data_step"]]
    made["end_cycle"] = rows["done_cycle"]
    return made


def _first_steps(tape: Tape, stores: Table) -> Cycles:
    """Return the first step of the psum tile that each store empties: the one after the store before it."""
    before = np.concatenate([[NONE], stores["data_step"][:-1]]) + 1
    layer_first = np.full(int(tape.steps["layer"].max(initial=0)) + 1, len(tape.steps), np.int64)
    np.minimum.at(layer_first, tape.steps["layer"], np.arange(len(tape.steps)))
    first: Cycles = np.maximum(before, layer_first[stores["layer"]])
    return np.minimum(first, stores["data_step"])


def _taken(tape: Tape, step_of_use: Cycles) -> Cycles:
    """Return when each step takes a psum slot: at its start, when the slot's last store is done, or with a reload."""
    taken = tape.steps["start_cycle"].copy()
    mine = np.flatnonzero((tape.uses["operand"] == PSUM) & (tape.uses["transfer"] != NONE) & (step_of_use != NONE))
    transfers, steps = tape.transfers[tape.uses["transfer"][mine]], step_of_use[mine]
    np.maximum.at(taken, steps, np.where(transfers["direction"] == READ, 0, transfers["done_cycle"]))
    reload = transfers["direction"] == READ
    np.minimum.at(taken, steps[reload], transfers["submit_cycle"][reload])
    return taken


def _in_order(slices: npt.NDArray[np.void], *tracks: str) -> Table:
    """Return the slices that last, track by track in order of time."""
    kept = slices[slices["end_cycle"] > slices["begin_cycle"]]
    order = np.lexsort([kept["begin_cycle"], *(kept[track] for track in reversed(tracks))])
    ordered: Table = kept[order].view(np.recarray)
    return ordered
