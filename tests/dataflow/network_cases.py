"""Random small networks on random small accelerators, planned and run: the cases of planner and mapper tests."""

from dataclasses import dataclass

from hypothesis import strategies as st

from simulator.arch.description import Accelerator
from simulator.dataflow.binding import bind
from simulator.dataflow.core_split import over_cores
from simulator.dataflow.machine import hardware_record, space_record
from simulator.dataflow.plan_tables import PlanInputs
from simulator.dataflow.tape import build_tape
from simulator.mapping.search import map_network
from simulator.records import DATAFLOW_NAMES, MAC_WORK, ORDER_NAMES
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision

OPERANDS = ("ifmap", "weight", "psum")
LAYOUTS = (
    (OPERANDS,),
    (("ifmap", "weight"), ("psum",)),
    (("ifmap",), ("weight",), ("psum",)),
    (("weight",), ("ifmap", "psum")),
)


INT8 = {"ifmap_bits": 8, "weight_bits": 8}
PRECISIONS = {
    "packed": {"law": "packed", "pairs": [INT8, {"ifmap_bits": 8, "weight_bits": 4, "macs_per_pe_cycle": 2}]},
    "fused": {"law": "fused", "pairs": [INT8], "brick_bits": 2, "mac_energy_factor": 2.0},
    "serial": {"law": "bit_serial", "pairs": [INT8 | {"macs_per_pe_cycle": 3}], "serial": "ifmap"},
}


def accelerator(rows=4, columns=4, *, capacity=4096, slots=2, layout=LAYOUTS[1], word_bits=32, **changes):
    """A small accelerator; ``changes`` are of the array, or bandwidth, latency, dram_word, lanes, fused, resident.

    ``resident`` bytes are set aside beside the capacity given for the buffer of the ifmaps.
    """
    resident = changes.pop("resident", 0)
    array = {"kind": "systolic", "rows": rows, "columns": columns, "dataflows": ["ws", "os", "is"]}
    dram = {
        "bandwidth_bytes_per_second": changes.pop("bandwidth", 4.0) * 1e9,
        "latency_cycles": changes.pop("latency", 10),
        "word_bits": changes.pop("dram_word", 64),
    }
    vector = {"lanes": changes.pop("lanes", 4)} | {"fused": changes.pop("fused", ["activation", "add"])}
    names = {"ifmap": "a", "weight": "b", "psum": "c"}
    sizes = capacity if isinstance(capacity, tuple) else (capacity,) * len(layout)
    counts = slots if isinstance(slots, tuple) else (slots,) * len(layout)
    precision = PRECISIONS[changes.pop("precision", "packed")]
    banks, ports = changes.pop("banks", 1), changes.pop("ports", None)
    ports = ports if isinstance(ports, tuple) else (ports,) * len(layout)
    return Accelerator.model_validate(
        {
            "name": "tiny",
            "clock_hz": 1e9,
            "array": array | changes,
            "precision": precision,
            "buffers": [
                {
                    "name": names[operands[0]],
                    "capacity_bytes": size + ("ifmap" in operands) * resident,
                    "resident_share": ("ifmap" in operands) * resident / (size + resident),
                    "operands": operands,
                    "slots": count,
                    "word_bits": word_bits,
                    "banks": banks,
                    "ports": port,
                }
                for operands, size, count, port in zip(layout, sizes, counts, ports, strict=False)
            ],
            "vector": vector,
            "dram": dram,
        }
    )


def with_cores(machine, cores, split="auto"):
    """The same accelerator with several cores."""
    return Accelerator.model_validate(machine.model_dump(by_alias=True) | {"cores": cores, "core_split": split})


@st.composite
def accelerators(draw, capacities=(256, 700, 3000, 20000)):
    layout = draw(st.sampled_from(LAYOUTS))
    size = st.integers(1, 6)
    word_bits, bandwidth = draw(st.sampled_from((8, 32))), draw(st.sampled_from((0.5, 1.6, 4.0, 32.0)))
    banks = -(-int(bandwidth * 16) // word_bits) + draw(st.integers(0, 2))  # twice what the DRAM brings
    sizes = tuple(draw(st.sampled_from(capacities)) for _ in layout)
    fits = banks * word_bits <= 8 * min(sizes)
    shared = draw(st.sampled_from(((), (), ("ifmap", "weight"), ("psum",), OPERANDS)))
    return accelerator(
        draw(size),
        draw(size),
        capacity=sizes,
        slots=tuple(draw(st.integers(1, 3)) for _ in layout),
        layout=layout,
        word_bits=word_bits,
        bandwidth=bandwidth,
        banks=banks if fits else 1,
        ports=tuple(draw(st.sampled_from((None, None, 1, 2))) for _ in layout) if fits else None,
        shared_bus_operands=shared,
        shared_bus_bits_per_cycle=draw(st.sampled_from((5, 16, 100))) if shared else None,
        latency=draw(st.sampled_from((0, 3, 25))),
        dram_word=draw(st.sampled_from((8, 64))),
        lanes=draw(st.sampled_from((1, 3, 16))),
        fused=draw(st.sampled_from(([], ["activation", "add"]))),
        weight_shadow=draw(st.booleans()),
        shadow_swap=draw(st.sampled_from(("wavefront", "global"))),
        os_drain=draw(st.sampled_from(("shift_blocking", "separate_chain"))),
        skew_in_array=draw(st.booleans()),
        group_packing=draw(st.booleans()),
        psum_bits=draw(st.sampled_from((16, 32))),
        precision=draw(st.sampled_from(("packed", "packed", "fused", "serial"))),
        ifmap_bus_words_per_cycle=draw(st.sampled_from((None, None, 1))),
        psum_bus_words_per_cycle=draw(st.sampled_from((None, None, 1))),
        resident=draw(st.sampled_from((0, 60, 250, 2000, 100000))),
    )


@st.composite
def networks(draw, most=4):
    """Image layers, perhaps a branch beside them, then perhaps rows: gemm, attention or a recurrent layer."""
    bits = st.sampled_from((8, 8, 4, 3))
    net = GraphBuilder(
        "random",
        weight_precision=Precision(bits=draw(bits)),
        activation_precision=Precision(bits=draw(bits)),
    )
    size = st.integers(1, 7)
    x = net.input("image", (draw(st.integers(1, 2)), draw(st.integers(1, 6)), draw(size), draw(size)))
    first, branches = x, []
    for _ in range(draw(st.integers(1, most))):
        if draw(st.integers(0, 3)) == 0:  # a layer that need not wait for the one before it
            branches.append(_image_layer(draw, net, first))
        x = _image_layer(draw, net, x)
    tail = draw(st.sampled_from(("none", "none", "gemm", "attention", "lstm", "gru")))
    if tail == "gemm":
        x = net.gemm(net.flatten(x), draw(st.integers(1, 9)))
    elif tail == "attention":
        x = net.matmul(net.softmax(net.matmul(x, net.transpose(x, (0, 1, 3, 2)))), x)
    elif tail != "none":
        n, c, h, w = net.shape(x)
        x = net.recurrent(net.reshape(x, (h, n, c * w)), draw(st.integers(1, 5)), op=tail)
    return net.build(x, *branches)


def _image_layer(draw, net, x):
    kind = draw(st.sampled_from(("conv", "conv", "conv", "residual", "pool", "softmax", "copy", "transposed", "mean")))
    if kind == "conv":
        return _conv(draw, net, x)
    if kind == "residual":
        y = net.conv(x, net.shape(x)[1], 3, padding=1)
        y = net.add(y, x)
        return net.relu(y) if draw(st.booleans()) else y
    if kind == "pool":
        window = tuple(min(2, size) for size in net.shape(x)[2:])
        return net.max_pool(x, window, ceil_mode=True)
    if kind == "copy":
        return net.transpose(x, (0, 1, 3, 2), moves_data=True)
    if kind == "transposed":
        return net.conv_transpose(x, draw(st.integers(1, 3)), 2, stride=draw(st.integers(1, 3)))
    return net.softmax(x) if kind == "softmax" else net.global_average_pool(x)


def _conv(draw, net, x):
    _, channels, height, width = net.shape(x)
    groups = draw(st.sampled_from([g for g in (1, 1, 2, channels) if channels % g == 0]))
    kernel = (draw(st.integers(1, min(3, height))), draw(st.integers(1, min(3, width))))
    dilation = tuple(
        draw(st.integers(1, 2)) if (k - 1) * 2 < size else 1 for k, size in zip(kernel, (height, width), strict=True)
    )
    padding = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in kernel)
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    y = net.conv(
        x, groups * draw(st.integers(1, 5)), kernel, stride=stride, dilation=dilation, padding=padding, groups=groups
    )
    return net.relu(y) if draw(st.booleans()) else y


@dataclass
class Planned:
    graph: object
    machine: object
    network: object
    mapped: object
    tape: object
    hardware: object
    space: object


def plan(graph, machine, *, batch=1, dataflows=("ws",), given=None, objective="latency"):
    """Bind, map and plan; raises MappingError where nothing fits."""
    network = over_cores(bind(graph, machine, batch=batch), machine)
    hardware, space = hardware_record(machine), space_record(machine, dram_pj_per_byte=100.0)
    mapped = map_network(network, machine, (hardware, space), dataflows=dataflows, given=given, objective=objective)
    return _on_tape(graph, machine, network, mapped)


def planned_anew(case, machine):
    """Plan a case's network once more, under its mappings, on another accelerator."""
    return _on_tape(case.graph, machine, case.network, case.mapped)


def _on_tape(graph, machine, network, mapped):
    hardware, space = hardware_record(machine), space_record(machine, dram_pj_per_byte=100.0)
    tape = build_tape(
        PlanInputs(
            network.works,
            mapped.mappings,
            hardware,
            space,
            network.producers,
            network.producer_spans,
            network.aligned,
            network.reads,
            network.cores,
        ),
        machine.cores,
    )
    return Planned(graph, machine, network, mapped, tape, hardware, space)


@st.composite
def given_mappings(draw, network):
    """A random mapping for each row with one multiply-accumulate work; nested as the rules want."""
    given = {}
    rows = list(network.row_of_work)
    for i, work in enumerate(network.works):
        if work.kind == MAC_WORK and rows.count(rows[i]) == 1 and draw(st.integers(0, 3)):
            given[network.rows[rows[i]].name] = {
                "dataflow": draw(st.sampled_from(DATAFLOW_NAMES)),
                "order": draw(st.sampled_from(ORDER_NAMES)),
                "tile": draw(tiles(work)),
            }
    return given


@st.composite
def tiles(draw, work):
    """Tile extents that nest."""
    whole = {name: int(work[name]) for name in ("N", "P", "Q", "G", "K", "C")}
    tile = dict(whole)
    finest = draw(st.sampled_from(("N", "P", "Q")))
    tile[finest] = draw(st.integers(1, whole[finest]))
    if finest != "N" and tile[finest] < whole[finest]:
        tile["N"] = 1
        if finest == "Q":
            tile["P"] = 1
    if whole["G"] > 1 and draw(st.booleans()):
        tile["G"] = draw(st.integers(1, whole["G"]))
    else:
        tile["G"] = 1
    if tile["G"] == 1:
        tile["K"] = draw(st.integers(1, whole["K"]))
        tile["C"] = draw(st.integers(1, whole["C"]))
    return tile


@st.composite
def planned(draw, capacities=(256, 700, 3000, 20000)):
    """A random network, planned on a random accelerator; None where nothing fits."""
    from simulator.errors import MappingError

    graph, machine = draw(networks()), draw(accelerators(capacities))
    batch = draw(st.sampled_from((1, 1, 2)))
    given = draw(given_mappings(bind(graph, machine, batch=batch))) if draw(st.booleans()) else None
    flows = draw(st.sampled_from((("ws",), ("os",), ("is",), ("ws", "os", "is"))))
    try:
        return plan(graph, machine, batch=batch, dataflows=flows, given=given)
    except MappingError:
        return None
