"""What a mapped layer must put on the tape: the loop nest written out tile by tile, with sets instead of formulas.

Knows the tiling rules of the layer (docs in simulator/dataflow/tiling.py's first lines) and nothing of slots or queues;
:func:`overflows` replays who holds which bits of a buffer when.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

ORDERS = {0: "mkc", 1: "mck", 2: "kmc", 3: "kcm", 4: "cmk", 5: "ckm"}
Range = tuple[int, int]


@dataclass
class Move:
    operand: str
    bits: int
    store: bool = False


@dataclass
class Visit:
    """One step: which moves it depends on (indices into the layer's moves), and what it computes."""

    ifmap: int | None = None
    weight: int | None = None
    psum: tuple = ()  # which psum tile
    psum_opened: int = 0  # ordinal of the psum tile visit
    psum_reload: int | None = None
    psum_new: bool = False
    residual: int | None = None
    store: int | None = None  # None for a finished tile: its outputs stay in the buffer
    final: bool = False
    closed: bool = False  # the psum tile leaves its slot after this visit
    rows: int = 0
    inner: int = 0
    cols: int = 0
    groups: int = 0
    next_inner: int = 0
    images: Range = (0, 0)
    output_rows: Range = (0, 0)

    @property
    def macs(self) -> int:
        return self.rows * self.inner * self.cols * self.groups


@dataclass
class LayerPlan:
    moves: list[Move] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)


def cut(total: int, tile: int) -> list[Range]:
    return [(begin, min(begin + tile, total)) for begin in range(0, total, tile)]


def input_positions(outputs: Range, total: int, size: int, stride: int, reach: int, padding: int) -> set[int]:
    """Input rows (or columns) that a tile of outputs loads: its windows and the gaps after them, edges included."""
    first = 0 if outputs[0] == 0 else outputs[0] * stride - padding
    last = size if outputs[1] == total else (outputs[1] - 1) * stride - padding + max(reach, stride)
    return {position for position in range(size) if first <= position < last}


def read_positions(outputs: Range, size: int, stride: int, taps: int, dilation: int, padding: int) -> set[int]:
    """Input rows (or columns) that the products of a tile really read."""
    read = {o * stride - padding + tap * dilation for o in range(*outputs) for tap in range(taps)}
    return {position for position in read if 0 <= position < size}


def _length(extent: Range) -> int:
    return extent[1] - extent[0]


def _tiles(work: dict, mapping: dict) -> Iterator[tuple]:
    rows = list(product(cut(work["N"], mapping["N"]), cut(work["P"], mapping["P"]), cut(work["Q"], mapping["Q"])))
    loops = {"m": rows, "k": cut(work["K"], mapping["K"]), "c": cut(work["C"], mapping["C"])}
    order = ORDERS[mapping["order"]]
    for t in range(work["sequence_steps"]):
        for g in cut(work["G"], mapping["G"]):
            for point in product(*(loops[name] for name in order)):
                at = dict(zip(order, point, strict=True))
                yield t, at["m"], g, at["k"], at["c"]


def ifmap_bits(work: dict, m: tuple[Range, Range, Range], g: Range, c: Range) -> int:
    images, p, q = m
    reach_h, reach_w = (work["R"] - 1) * work["dilation_h"] + 1, (work["S"] - 1) * work["dilation_w"] + 1
    rows = input_positions(p, work["P"], work["H"], work["stride_h"], reach_h, work["pad_h"])
    columns = input_positions(q, work["Q"], work["W"], work["stride_w"], reach_w, work["pad_w"])
    assert rows >= read_positions(p, work["H"], work["stride_h"], work["R"], work["dilation_h"], work["pad_h"])
    assert columns >= read_positions(q, work["W"], work["stride_w"], work["S"], work["dilation_w"], work["pad_w"])
    return _length(images) * _length(g) * _length(c) * len(rows) * len(columns) * work["ifmap_bits"]


def weight_bits(work: dict, g: Range, k: Range, c: Range) -> int:
    channels = _length(g) * _length(k)
    bits = 0 if work["weight_resident"] else channels * _length(c) * work["R"] * work["S"] * work["weight_bits"]
    if c[0] == 0:
        bits += -(-work["parameter_bits"] * channels // (work["G"] * work["K"]))
    return bits


def plan_mac(work: dict, mapping: dict) -> LayerPlan:
    """Return every move and every step of a multiply-accumulate layer, in program order."""
    plan = LayerPlan()
    newest: dict[str, tuple] = {}
    brought: dict[str, int | None] = {"ifmap": None, "weight": None}
    begun: set[tuple] = set()
    open_psum: tuple | None = None
    opened = 0
    tiles = list(_tiles(work, mapping))
    inner_of = [_length(c) * work["R"] * work["S"] for *_, c in tiles]

    def move(operand: str, bits: int, *, store: bool = False) -> int:
        plan.moves.append(Move(operand, bits, store))
        return len(plan.moves) - 1

    for i, (t, m, g, k, c) in enumerate(tiles):
        if newest.get("weight") != (g, k, c):
            newest["weight"] = (g, k, c)
            bits = weight_bits(work, g, k, c)
            brought["weight"] = None if work["weight_resident"] and bits == 0 else move("weight", bits)
        if not (work["ifmap_on_chip"] or work["ifmap_resident"]) and newest.get("ifmap") != (m, g, c):
            newest["ifmap"] = (m, g, c)
            brought["ifmap"] = move("ifmap", ifmap_bits(work, m, g, c))
        rows = _length(m[0]) * _length(m[1]) * _length(m[2])
        outputs = rows * _length(g) * _length(k)
        visit = Visit(brought["ifmap"], brought["weight"], rows=rows, inner=inner_of[i], cols=_length(k))
        visit.groups, visit.images, visit.output_rows = _length(g), m[0], m[1]
        visit.psum = psum = (t, m, g, k)
        if psum != open_psum:
            visit.psum_new = True
            opened += 1
            if psum in begun:
                visit.psum_reload = move("psum", outputs * work["psum_bits"])
            begun.add(psum)
        visit.psum_opened = opened
        visit.final = c[1] == work["C"]
        visit.next_inner = inner_of[i + 1] if i + 1 < len(tiles) else inner_of[0]
        if visit.final and work["residual_bits"] and not work["residual_resident"]:
            visit.residual = move("residual", outputs * work["residual_bits"])
        visit.closed = visit.final or tiles[i + 1][:4] != psum
        open_psum = None if visit.closed else psum
        if visit.closed and (work["ofmap_in_dram"] or not visit.final):
            bits = work["ofmap_bits"] if visit.final else work["psum_bits"]
            visit.store = move("ofmap", outputs * bits, store=True)
        plan.visits.append(visit)
    return plan


def traffic_bits(plan: LayerPlan) -> dict[str, int]:
    """Return the bits that each operand moves; a psum's spills and reloads together."""
    bits = {"ifmap": 0, "weight": 0, "psum": 0, "residual": 0, "ofmap": 0}
    final = {visit.store for visit in plan.visits if visit.final and visit.store is not None}
    for i, move in enumerate(plan.moves):
        bits["psum" if move.store and i not in final else move.operand] += move.bits
    return bits


@dataclass(frozen=True)
class Holding:
    """``bits`` of buffer ``home`` belong to somebody from cycle ``begin`` until ``end``."""

    home: int
    begin: int
    end: int
    bits: int
    label: str


@dataclass(frozen=True)
class Lease:
    """Bits [low, high) of the resident region belong to somebody from cycle ``begin`` until ``end``."""

    low: int
    high: int
    begin: int
    end: int
    label: str


def collides(leases: list[Lease], region_bits: int) -> str | None:
    """Return a description of two leases that meet in space and time, or of one outside the region, or None."""
    for i, one in enumerate(leases):
        if not 0 <= one.low < one.high <= region_bits:
            return f"{one} outside a region of {region_bits} bits"
        for other in leases[:i]:
            if one.low < other.high and other.low < one.high and one.begin < other.end and other.begin < one.end:
                return f"{one} meets {other}"
    return None


def overflows(holdings: list[Holding], capacity_bits: dict[int, int]) -> str | None:
    """Return a description of the first cycle in which a buffer holds more than its capacity, or None."""
    edges = sorted({holding.begin for holding in holdings})
    for cycle in edges:
        for home, capacity in capacity_bits.items():
            held = [h for h in holdings if h.home == home and h.begin <= cycle < h.end]
            if sum(h.bits for h in held) > capacity:
                return f"cycle {cycle}, buffer {home}: {[(h.label, h.bits) for h in held]} > {capacity} bits"
    return None
