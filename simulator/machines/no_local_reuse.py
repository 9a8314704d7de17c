"""Arrays without local reuse: bind, map each nest, take the law's times and counts, price them.

Layers run one after the other, nothing overlaps; layers that multiply nothing run on the vector lanes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from simulator.arch import Accelerator
from simulator.arch.no_local_reuse_array import NoLocalReuseArray
from simulator.assembly import add_up, not_timed, warnings_of
from simulator.dataflow.binding import Row, bind
from simulator.dataflow.machine import allowed_dataflows
from simulator.dataflow.no_local_reuse import (
    TreeMachine,
    TreeMapping,
    TreeRun,
    buffer_bits_needed,
    run_tree,
    tree_mappings,
)
from simulator.dataflow.pe_use import tree_blocks, use_of
from simulator.dataflow.row_stationary import ConvNest
from simulator.energy import PriceList, price_list
from simulator.errors import ArchitectureError, MappingError
from simulator.machines.contract import Outcome, Request, require_plain_buffers
from simulator.machines.row_stationary_results import (
    Body,
    PlainWork,
    Spent,
    buffer_access,
    link_access,
    plain_work,
    sequential_result,
)
from simulator.records import CAUSE_NAMES, MAC_WORK
from simulator.results import Access, LayerResult
from simulator.units import PJ_PER_J


@dataclass(frozen=True)
class TreeNest:
    """One nest with its mapping and what it takes; ``bits`` of ifmap, weight and ofmap."""

    nest: ConvNest
    bits: tuple[int, int, int]
    mapping: TreeMapping
    run: TreeRun


def run_no_local_reuse(request: Request) -> Outcome:
    """Run a network on an array without local reuse.

    Raises
    ------
    SimulatorError
        No mapping fits, or the array cannot run the dataflow or the widths.
    """
    machine = request.accelerator
    require_plain_buffers(machine)
    network = bind(request.graph, machine, batch=request.batch)
    (flow,) = allowed_dataflows(machine, request.dataflow)
    prices = price_list(machine)
    layers: list[LayerResult] = []
    known: dict[Any, TreeNest] = {}
    for index, row in enumerate(network.rows):
        works = [work for work, of in zip(network.works, network.row_of_work, strict=True) if of == index]
        nests = [_plan(request, prices, row, work, known) for work in works if work["kind"] == MAC_WORK]
        start = layers[-1].end_cycle or 0 if layers else 0
        layers.append(_layer(request, prices, row, (works, nests), start))
    return Outcome(
        layers=tuple(layers),
        total=add_up(machine, network, layers),
        dataflow=flow,
        prices=prices,
        batch=network.batch,
        not_timed=not_timed(network),
        warnings=warnings_of(machine, network, layers),
    )


def _array(accelerator: Accelerator) -> NoLocalReuseArray:
    assert isinstance(accelerator.array, NoLocalReuseArray)
    return accelerator.array


def _plan(request: Request, prices: PriceList, row: Row, work: Any, known: dict[Any, TreeNest]) -> TreeNest:  # noqa: ANN401
    name, machine = request.accelerator.name, TreeMachine.of(request.accelerator, _array(request.accelerator))
    if work["pack"] != 1 or work["passes"] != 1:
        message = (
            f"layer {row.name!r} on {name}: {int(work['ifmap_bits'])} x {int(work['weight_bits'])} bit take several "
            "products or beats; give precision.pairs at least that wide with macs_per_pe_cycle = 1"
        )
        raise ArchitectureError(message)
    nest = ConvNest.of_work(work)
    bits = (int(work["ifmap_bits"]), int(work["weight_bits"]), int(work["ofmap_bits"]))
    given = (request.mappings or {}).get(row.name)
    key = nest, bits, str(given)
    if key in known:
        return known[key]
    tried = list(tree_mappings(nest, machine, bits[:2])) if given is None else [_given(nest, given, row.name)]
    fitting = [one for one in tried if buffer_bits_needed(nest, machine, one, bits[:2]) <= machine.buffer_bits]
    if not fitting:
        least = tried[0] if tried else TreeMapping(1, 1, min(nest.K, machine.columns), min(nest.C, machine.rows))
        needed = buffer_bits_needed(nest, machine, least, bits[:2])
        message = (
            f"layer {row.name!r} on {name}: {'the given mapping does not fit' if given else 'no mapping fits'}: the "
            f"buffers hold {machine.buffer_bits} bits, {needed - machine.buffer_bits} fewer than its tiles; enlarge "
            "buffers.*.capacity_bytes"
        )
        raise MappingError(message)
    score = _score(request, prices)
    runs = [TreeNest(nest, bits, one, run_tree(nest, machine, one, bits)) for one in fitting]
    known[key] = min(runs, key=score)
    return known[key]


def _given(nest: ConvNest, given: object, name: str) -> TreeMapping:
    """Check a user's mapping; letters left out are whole."""
    most = {"n": nest.N, "e": nest.P, "m": nest.K, "c": nest.C}
    values: dict[str, Any] = dict(given) if isinstance(given, dict) else {"": given}
    values.pop("dataflow", None)
    for letter, value in values.items():
        if letter not in most or not isinstance(value, int) or not 1 <= value <= most[letter]:
            message = f"mapping for {name!r}: {letter} = {value!r}; give n, e, m, c up to {tuple(most.values())}"
            raise MappingError(message)
    sizes: dict[str, int] = most | values
    return TreeMapping(**sizes)


def _score(request: Request, prices: PriceList) -> Callable[[TreeNest], float]:
    def score(one: TreeNest) -> float:
        if request.objective == "latency":
            return float(one.run.cycles)
        energy = sum(_energy(request.accelerator, prices, [one], PlainWork(0, 0, 0, 0), one.run.cycles).values())
        return energy * one.run.cycles if request.objective == "edp" else energy

    return score


def _layer(
    request: Request, prices: PriceList, row: Row, parts: tuple[Sequence[Any], Sequence[TreeNest]], start: int
) -> LayerResult:
    (works, nests), accelerator = parts, request.accelerator
    plain, total = plain_work(works), _sums(nests)
    lane_cycles, link_wait = plain.cycles(accelerator)
    tail = nests[-1].run.tail if nests else 0
    idle = dict.fromkeys(CAUSE_NAMES, 0) | {"ifmap": total["ifmap_wait"] + link_wait, "weight": total["weight_wait"]}
    idle["ofmap_slot"] = total["ofmap_wait"] - tail
    issue = {"useful": total["useful"] + lane_cycles, "fill": total["fill"], "drain": 0, "imbalance": 0, "bus": 0}
    spent = Spent(issue, idle, tail, lane_cycles + link_wait)
    body = Body(
        dataflow=_array(accelerator).dataflows[0] if nests else "vector",
        mapping={"dataflow": "nlr"} | nests[0].mapping.to_dict() if nests else {},
        spent=spent,
        accesses=_traffic(accelerator, nests, plain),
        energy_pj=_energy(accelerator, prices, nests, plain, spent.cycles),
        issued_macs=sum(one.nest.macs for one in nests),
        operations=plain.operations + plain.fused_operations,
        pe_use=_pe_use(accelerator, nests) if nests else None,
        edge=_edge(accelerator, total) if nests else None,
    )
    return sequential_result(request, row, body, start)


def _pe_use(accelerator: Accelerator, nests: Sequence[TreeNest]) -> dict[str, Any]:
    machine = TreeMachine.of(accelerator, _array(accelerator))
    return use_of((machine.rows, machine.columns), (tree_blocks(one.nest, machine, one.mapping) for one in nests))


def _edge(accelerator: Accelerator, total: dict[str, int]) -> dict[str, dict[str, float]]:
    """Return what crossed between buffer and multipliers, and the most that does in a step."""
    array = _array(accelerator)
    words = {
        "ifmap": (total["ifmap_words"], array.rows),
        "weight": (total["weight_words"], array.rows * array.columns),
        "psum": (max(total["psum_reads"], total["psum_writes"]), array.columns),
    }
    return {name: {"words": count, "words_per_cycle": float(most)} for name, (count, most) in words.items()}


def _sums(nests: Sequence[TreeNest]) -> dict[str, int]:
    return {field.name: sum(getattr(one.run, field.name) for one in nests) for field in fields(TreeRun)}


def _energy(
    accelerator: Accelerator, prices: PriceList, nests: Sequence[TreeNest], plain: PlainWork, cycles: int
) -> dict[str, float]:
    """Price products, hops, buffer words on both sides, and the link."""
    energy = dict.fromkeys(("mac", "rf", "noc", "glb", "dram", "vector", "static", "clock"), 0.0)
    psum_bits = accelerator.array.psum_bits
    price = {
        operand: (
            prices.buffer_read_pj[accelerator.buffer_of(operand).name] / accelerator.buffer_of(operand).word_bits,
            prices.buffer_write_pj[accelerator.buffer_of(operand).name] / accelerator.buffer_of(operand).word_bits,
        )
        for operand in ("ifmap", "weight", "psum")
    }
    for one in nests:
        run, (ifmap_bits, weight_bits, ofmap_bits) = one.run, one.bits
        energy["mac"] += one.nest.macs * prices.mac_pj(ifmap_bits, weight_bits)
        energy["noc"] += run.hops // 2 * (ifmap_bits + psum_bits) * prices.noc_pj_per_bit
        energy["glb"] += ifmap_bits * (run.ifmap_words * price["ifmap"][0] + run.ifmap_link_words * price["ifmap"][1])
        energy["glb"] += weight_bits * (
            run.weight_words * price["weight"][0] + run.weight_link_words * price["weight"][1]
        )
        energy["glb"] += psum_bits * (
            (run.psum_reads + run.ofmap_words) * price["psum"][0] + run.psum_writes * price["psum"][1]
        )
        moved = run.ifmap_link_words * ifmap_bits + run.weight_link_words * weight_bits + run.ofmap_words * ofmap_bits
        energy["dram"] += moved * prices.dram_pj_per_bit
    energy["dram"] += (plain.link_bits_in + plain.link_bits_out) * prices.dram_pj_per_bit
    energy["vector"] = (plain.operations + plain.fused_operations) * prices.vector_pj_per_operation
    energy["static"] = cycles * prices.static_w * PJ_PER_J / prices.clock_hz
    energy["clock"] = cycles * prices.clock_w * PJ_PER_J / prices.clock_hz
    return energy


def _traffic(accelerator: Accelerator, nests: Sequence[TreeNest], plain: PlainWork) -> dict[str, dict[str, Access]]:
    """Level -> operand -> words and payload bytes; there are no registers."""
    total, psum_bits = _sums(nests), accelerator.array.psum_bits
    ifmap_bits, weight_bits, ofmap_bits = nests[0].bits if nests else (0, 0, 0)
    words = {operand: accelerator.buffer_of(operand).word_bits for operand in ("ifmap", "weight", "psum")}
    link_word = -(-accelerator.dram.word_bits // 8)
    products = total["hops"] // 2
    ifmap_in = total["ifmap_link_words"] * ifmap_bits + (0 if nests else plain.link_bits_in)
    hop = {"ifmap": ifmap_bits, "psum": psum_bits}
    return {
        "rf": {},
        "noc": {name: Access(products, products, -(-products * bits // 8)) for name, bits in hop.items()},
        "glb": {
            "ifmap": buffer_access(total["ifmap_words"], total["ifmap_link_words"], ifmap_bits, words["ifmap"]),
            "weight": buffer_access(total["weight_words"], total["weight_link_words"], weight_bits, words["weight"]),
            "psum": buffer_access(
                total["psum_reads"] + total["ofmap_words"], total["psum_writes"], psum_bits, words["psum"]
            ),
        },
        "dram": {
            "ifmap": link_access(ifmap_in, 0, link_word),
            "weight": link_access(total["weight_link_words"] * weight_bits, 0, link_word),
            "psum": Access(),
            "residual": link_access(plain.link_bits_in if nests else 0, 0, link_word),
            "ofmap": link_access(0, total["ofmap_words"] * ofmap_bits + plain.link_bits_out, link_word),
        },
    }
