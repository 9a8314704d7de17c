"""Brute force over one layer's mappings: every candidate written out, every tile visited, every bit added up.

The candidate rule is the one that simulator/mapping/search_kernel.py states in its first lines; traffic comes from the
loop nest of the planner's oracle. ``timing_of(rows, inner, cols, groups, group_packing)`` gives what one tile costs on
the array (it has an oracle of its own).
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product

from tests.oracle.planner_oracle import LayerPlan, Visit, cut, plan_mac, traffic_bits

Timing = Callable[[int, int, int, int, int], dict[str, int]]
OS, IS, WS = 1, 2, 0


@dataclass(frozen=True)
class Machine:
    rows: int
    columns: int
    dataflow: int
    weight_shadow: bool
    capacity_bits: tuple[int, ...]
    slots: tuple[int, ...]
    home: tuple[int, int, int]
    bytes_per_cycle: float
    latency: int
    lanes: int
    buses: tuple[int, int, int]
    shared_bus_bits: int = 0
    on_shared_bus: tuple[int, ...] = ()
    banked: dict[int, tuple[int, int, int]] = field(default_factory=dict)  # buffer -> bits a line, ports, DMA's period


def ceil_factors(total: int) -> list[int]:
    return sorted({-(-total // n) for n in range(1, total + 1)}, reverse=True)


def row_tiles(work: dict) -> list[tuple[int, int, int]]:
    found = [(n, work["P"], work["Q"]) for n in ceil_factors(work["N"])]
    found += [(1, p, work["Q"]) for p in ceil_factors(work["P"]) if p < work["P"]]
    found += [(1, 1, q) for q in ceil_factors(work["Q"]) if q < work["Q"]]
    return found


def candidates(work: dict, machine: Machine, *, fine: bool) -> Iterator[dict]:
    """Tile extents, in the order of the search."""
    k_fold = 1 if machine.dataflow == IS else machine.columns * work["pack"]
    c_fold = 1 if machine.dataflow == OS else machine.rows * max(1, work["inner_pack"])
    taps = work["R"] * work["S"]
    for g in ceil_factors(work["G"]):
        ks, cs = [work["K"]], [work["C"]]
        if g == 1:
            ks, cs = ceil_factors(work["K"]), ceil_factors(work["C"])
            if not fine:
                ks = [min(work["K"], -(-k // k_fold) * k_fold) for k in ks if k >= k_fold or k == work["K"]]
                cs = [c for c in cs if c == work["C"] or c * taps >= c_fold]
        for (n, p, q), k, c in product(row_tiles(work), dict.fromkeys(ks), cs):
            yield {"G": g, "N": n, "P": p, "Q": q, "K": k, "C": c}


def fits(work: dict, tile: dict, machine: Machine, plan: LayerPlan) -> bool:
    """Say whether as many of the largest tiles as there are slots (or different tiles) fit every buffer.

    The ifmap's largest tile is bounded by a window that ends at the image's edge, as the planner's slots are.
    """
    needed = Counter()
    outputs = tile["N"] * tile["P"] * tile["Q"] * tile["G"] * tile["K"]
    bits = largest_tile_bits(work, tile)
    groups, ks, cs = (len(cut(work[name], tile[name])) for name in ("G", "K", "C"))
    ms = len(cut(work["N"], tile["N"])) * len(cut(work["P"], tile["P"])) * len(cut(work["Q"], tile["Q"]))
    assert max((m.bits for m in plan.moves if m.operand == "ifmap"), default=0) <= bits["ifmap"]
    assert max(visit.rows * visit.cols * visit.groups for visit in plan.visits) <= outputs
    different = {"ifmap": groups * ms * cs, "weight": groups * ks * cs}
    different["psum"] = different["residual"] = groups * ms * ks * work["sequence_steps"]
    for operand, count in different.items():
        home = machine.home[("ifmap", "weight", "psum").index("ifmap" if operand == "residual" else operand)]
        needed[home] += min(machine.slots[home], count) * bits[operand]
    return all(needed[home] <= machine.capacity_bits[home] for home in needed)


def largest_tile_bits(work: dict, tile: dict) -> dict[str, int]:
    outputs = tile["N"] * tile["P"] * tile["Q"] * tile["G"] * tile["K"]
    channels = tile["G"] * tile["K"]
    rows = _window(tile["P"], work["P"], work["H"], work["stride_h"], work["R"], work["dilation_h"], work["pad_h"])
    columns = _window(tile["Q"], work["Q"], work["W"], work["stride_w"], work["S"], work["dilation_w"], work["pad_w"])
    if work["ifmap_on_chip"]:
        ifmap = work["N"] * work["G"] * work["C"] * work["H"] * work["W"]
    else:
        ifmap = tile["N"] * tile["G"] * tile["C"] * rows * columns
    if work["ifmap_resident"]:
        ifmap = 0
    products = channels * tile["C"] * work["R"] * work["S"] * work["weight_bits"]
    weight = 0 if work["weight_resident"] else products
    weight += -(-work["parameter_bits"] * channels // (work["G"] * work["K"]))
    return {
        "ifmap": ifmap * work["ifmap_bits"],
        "weight": weight,
        "psum": outputs * work["psum_bits"],
        "residual": 0 if work["residual_resident"] else outputs * work["residual_bits"],
    }


def _window(tile: int, outputs: int, size: int, stride: int, taps: int, dilation: int, padding: int) -> int:
    if tile == outputs:
        return size
    reach = max((taps - 1) * dilation + 1, stride)
    unread = size - ((outputs - 1) * stride - padding + reach)
    return min(size, min(size, (tile - 1) * stride + reach) + max(0, unread))


@dataclass(frozen=True)
class Cost:
    latency: float
    nbytes: int
    steps: int
    compute: int
    loads: dict[str, int]


def predict(work: dict, mapping: dict, machine: Machine, timing_of: Timing) -> Cost:
    """Return the mapper's estimate: the slowest of array, port, slots, lanes, plus what no neighbour hides."""
    plan = plan_mac(work, mapping)
    bits = traffic_bits(plan)
    bits["ofmap"] = work["ofmap_elements"] * work["ofmap_bits"] if work["ofmap_in_dram"] else 0
    nbytes = -(-sum(bits.values()) // 8)
    whole = mapping["K"] == work["K"] and mapping["C"] == work["C"] and machine.dataflow == WS
    packing = [min(work["group_packing"], visit.groups) if whole else 1 for visit in plan.visits]
    shapes = Counter(_shape(visit, pack) for visit, pack in zip(plan.visits, packing, strict=True))
    compute = sum(count * tile_cycles(timing_of(*shape), machine, work) for shape, count in shapes.items())
    setup = timing_of(*_shape(plan.visits[-1], packing[-1]))["setup_cycles"]
    loads = Counter(move.operand for move in plan.moves if not move.store)
    drains = sum(1 for move in plan.moves if move.store)
    largest = largest_tile_bits(work, mapping)
    first = (0 if work["ifmap_on_chip"] else largest["ifmap"]) + largest["weight"]
    outputs = mapping["N"] * mapping["P"] * mapping["Q"] * mapping["G"] * mapping["K"]
    head = setup + (first // 8 / machine.bytes_per_cycle + machine.latency if first else 0)
    tail = machine.rows + machine.columns
    if work["ofmap_in_dram"]:
        tail += outputs * work["ofmap_bits"] // 8 / machine.bytes_per_cycle + machine.latency
    lanes = max(work["operations"], work["ofmap_elements"] if work["ofmap_resident"] else 0) / machine.lanes
    counted = loads["ifmap"] + loads["weight"] + drains
    bounds = [float(compute), nbytes / machine.bytes_per_cycle + 0.5 * counted, lanes]
    if work["ofmap_resident"]:
        bounds.append((compute + lanes) / machine.slots[machine.home[2]])
    for operand, count, moved, held in (
        (0, loads["ifmap"], bits["ifmap"], 0),
        (1, loads["weight"], bits["weight"], 0),
        (2, drains, bits["ofmap"] + bits["psum"], machine.columns),
    ):
        slots = machine.slots[machine.home[operand]]
        if count > slots:
            port = moved // 8 / machine.bytes_per_cycle
            behind = (nbytes / machine.bytes_per_cycle - port) / len(plan.visits)  # one step's other transfers
            bounds.append((port + count * (machine.latency + 1.0 + held + behind) + compute) / slots)
    return Cost(max(bounds) + head + tail, nbytes, len(plan.visits), compute, dict(loads, drains=drains))


def _shape(visit: Visit, packing: int) -> tuple[int, int, int, int, int]:
    return visit.rows, visit.inner, visit.cols, visit.groups, packing


def tile_cycles(timing: dict[str, int], machine: Machine, work: dict) -> int:
    """Return what one of many equal tiles adds to the array's time."""
    cycles = timing["issue_cycles"]
    if machine.weight_shadow:
        cycles += max(0, timing["setup_cycles"] - (timing["issue_cycles"] - timing["last_start_cycles"]))
    else:
        cycles += timing["setup_cycles"]
    for words, width in zip(("ifmap_reads", "weight_reads", "psum_writes"), machine.buses, strict=True):
        if width:
            cycles = max(cycles, -(-timing[words] // width))
    bits = {
        0: timing["ifmap_reads"] * work["ifmap_bits"],
        1: timing["weight_reads"] * work["weight_bits"],
        2: (timing["psum_reads"] + timing["psum_writes"]) * work["psum_bits"],
    }
    if machine.shared_bus_bits:
        crossing = sum(bits[operand] for operand in bits if machine.on_shared_bus[operand])
        cycles = max(cycles, -(-crossing // machine.shared_bus_bits))
    bits[2] += (timing["psum_writes"] - timing["psum_reads"]) * work["psum_bits"]  # read once more when they leave
    for buffer, (line_bits, ports, period) in machine.banked.items():
        lines = -(-sum(bits[operand] for operand in bits if machine.home[operand] == buffer) // line_bits)
        free = ports * period - (1 if buffer in machine.home[:2] else 0)
        cycles = max(cycles, -(-lines * period // free))
    return cycles
