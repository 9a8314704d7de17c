"""How long a mapping takes and what it costs, estimated: the mapper ranks candidates by it, the engine runs the winner.

The slowest of array, vector unit, DRAM port and slot recycling, and what the first and the last tile cannot hide
(docs/model/mapping.md); and floors that need less counting, below which no estimate falls.
"""

from typing import Any

from simulator._jit import kernel
from simulator.mapping.cost_kernel import BITS_PER_BYTE, USEFUL, dram_cycles
from simulator.records import IFMAP, PSUM, WEIGHT


@kernel(borrows=True)
def _slot_bound(search: Any, operand: int, loads: int, bits: int, held_cycles: int) -> float:  # noqa: ANN401
    """Return the cycles that recycling an operand's slots takes: a tile is held, then refilled (or drained).

    A refill also waits in the queue behind what one step moves of the other operands.
    """
    space = search.space
    slots = space.slots[space.home[operand]]
    if loads <= slots:
        return 0.0
    moved = dram_cycles(space, bits // BITS_PER_BYTE)
    others = dram_cycles(space, search.traffic.total_bytes) - moved
    waits = space.dram_latency_cycles + 1.0 + held_cycles + others / search.compute.steps
    return float((moved + loads * waits + search.compute.cycles) / slots)


@kernel(borrows=True)
def _slot_floor(search: Any, operand: int, loads: int, moved: float, held_cycles: int) -> float:  # noqa: ANN401
    """Return what :func:`_slot_bound` cannot fall below, without the array's time."""
    space = search.space
    slots = space.slots[space.home[operand]]
    if loads <= slots:
        return 0.0
    waits = space.dram_latency_cycles + 1.0 + held_cycles
    return float((moved + loads * waits) / slots)


@kernel(borrows=True)
def steady_floor(search: Any, moved: tuple[float, float, float, float]) -> float:  # noqa: ANN401
    """Return what the steady part of :func:`predict_latency` cannot fall below: port, transfers, slots, products.

    ``traffic`` holds loads and drains of the trial, or fewer, and ``moved`` the :func:`moved_cycles` of its bits, or
    fewer; ``counts[USEFUL]`` the products' cycles.
    """
    traffic = search.traffic
    steady = moved[0] + 0.5 * (traffic.ifmap_loads + traffic.weight_loads + traffic.psum_drains)
    steady = max(steady, float(search.counts[USEFUL]))
    steady = max(steady, _slot_floor(search, IFMAP, traffic.ifmap_loads, moved[1], 0))
    steady = max(steady, _slot_floor(search, WEIGHT, traffic.weight_loads, moved[2], 0))
    return max(steady, _slot_floor(search, PSUM, traffic.psum_drains, moved[3], search.hardware.columns))


@kernel(borrows=True)
def ends_floor(search: Any) -> float:  # noqa: ANN401
    """Return what any mapping's first and last tile take beside the steady part."""
    space, hardware, work = search.space, search.hardware, search.work
    ends = space.dram_latency_cycles * float(work.ofmap_in_dram + (1 - work.weight_resident))
    return float(ends + hardware.rows + hardware.columns)


@kernel(borrows=True)
def ends_of(search: Any) -> tuple[float, float]:  # noqa: ANN401
    """Return the cycles that the trial's first tile waits for its data, and that its last takes to leave."""
    work, space, trial = search.work, search.space, search.trial
    ifmap, weight = search.traffic.ifmap_tile_bits, search.traffic.weight_tile_bits
    if work.ifmap_on_chip == 1:
        ifmap = 0
    head = 0.0
    if ifmap + weight > 0:
        head = dram_cycles(space, (ifmap + weight) // BITS_PER_BYTE) + space.dram_latency_cycles
    tail = float(search.hardware.rows + search.hardware.columns)
    if work.ofmap_in_dram == 1:
        last = trial.N * trial.P * trial.Q * trial.G * trial.K * work.ofmap_bits // BITS_PER_BYTE
        tail += dram_cycles(space, last) + space.dram_latency_cycles
    return head, tail


@kernel(borrows=True)
def predict_latency(search: Any, dram: float) -> float:  # noqa: ANN401
    """Return the latency estimate [cycles].

    The slowest of array, DRAM port and slot recycling, plus what the first and the last tile cannot hide.
    """
    work = search.work
    space = search.space
    traffic = search.traffic
    compute = search.compute
    transfers = traffic.ifmap_loads + traffic.weight_loads + traffic.psum_drains
    steady = max(float(compute.cycles), dram + 0.5 * transfers)  # a transfer ends on a whole cycle and word
    steady = max(steady, _slot_bound(search, IFMAP, traffic.ifmap_loads, traffic.ifmap_bits, 0))
    steady = max(steady, _slot_bound(search, WEIGHT, traffic.weight_loads, traffic.weight_bits, 0))
    psum_bits = traffic.ofmap_bits + traffic.psum_spill_bits
    wave = search.hardware.columns  # a psum slot is held until the wave has left the array
    steady = max(steady, _slot_bound(search, PSUM, traffic.psum_drains, psum_bits, wave))
    lanes = max(work.operations, work.ofmap_elements * work.ofmap_resident) / space.vector_lanes
    steady = max(steady, lanes)
    if work.ofmap_resident == 1:  # a psum slot is free when the lanes are through with it
        steady = max(steady, (compute.cycles + lanes) / space.slots[space.home[PSUM]])
    head, tail = ends_of(search)
    return float(steady + (compute.first_setup + head) + tail)


@kernel(borrows=True)
def predict_energy(search: Any) -> float:  # noqa: ANN401
    """Return the part of the energy that the mapping decides [pJ]: DRAM and buffers."""
    work, space, compute, traffic = search.work, search.space, search.compute, search.traffic
    ifmap, weight, psum = space.home[IFMAP], space.home[WEIGHT], space.home[PSUM]
    energy = traffic.total_bytes * space.dram_pj_per_byte
    energy += compute.ifmap_edge_words * work.ifmap_bits / space.word_bits[ifmap] * space.buffer_read_pj[ifmap]
    energy += compute.weight_edge_words * work.weight_bits / space.word_bits[weight] * space.buffer_read_pj[weight]
    energy += compute.psum_edge_reads * work.psum_bits / space.word_bits[psum] * space.buffer_read_pj[psum]
    energy += compute.psum_edge_writes * work.psum_bits / space.word_bits[psum] * space.buffer_write_pj[psum]
    energy += traffic.ifmap_bits / space.word_bits[ifmap] * space.buffer_write_pj[ifmap]
    energy += traffic.weight_bits / space.word_bits[weight] * space.buffer_write_pj[weight]
    return float(energy)
