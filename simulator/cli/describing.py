"""``show`` and ``new``: what is in a network, an accelerator or a DRAM, and a start for one's own."""

import json
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from simulator.arch import Accelerator, load_accelerator, numbers, preset_names, save_accelerator
from simulator.arch.library import accelerator_json_schema
from simulator.cli.catalog import accelerator_in_short, dram_in_short
from simulator.cli.field_notes import field_notes
from simulator.cli.outputs import check_file
from simulator.cli.screen import console, print_lines, print_pairs, print_table
from simulator.documents import read_json, write_atomically
from simulator.errors import SimulatorError, did_you_mean
from simulator.memory.dram_config import DramConfig
from simulator.memory.dram_library import dram_preset_names, load_dram
from simulator.report.quantities import count, printable, significant, with_prefix
from simulator.workload import GraphBuilder, LayerGraph, Precision, Provenance, library_names, save_workload
from simulator.workload.files import workload_json_schema
from simulator.workload.layers import Layer


def show_dram(dram: DramConfig) -> None:
    """Print a DRAM system: its organisation, and every number with its source."""
    screen = console()
    print_pairs(screen, [("name", dram.name), ("organisation", dram_in_short(dram))])
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("field", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("source", overflow="fold")
    fields = dram.model_dump(mode="json", exclude={"sources", "name"})
    for section, value in fields.items():
        numbers_of = value if isinstance(value, dict) else {"": value}
        for field, number in numbers_of.items():
            path = f"{section}.{field}" if field else section
            table.add_row(path, str(number), printable(dram.source_of(path) or "default"))
    print_table(screen, table)


def show_accelerator(machine: Accelerator) -> None:
    """Print an accelerator: its organisation, and every number with its source."""
    screen = console()
    about = [
        ("name", machine.name),
        ("organisation", accelerator_in_short(machine)),
        ("paper", machine.paper or "none given"),
    ]
    print_pairs(screen, [(name, printable(text)) for name, text in about])
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("field", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("source", overflow="fold")
    for number in numbers(machine):
        table.add_row(number.path, f"{number.value:,}", printable(number.source))
    print_table(screen, table)
    data = machine.model_dump(mode="json", by_alias=True, exclude={"sources", "name", "paper", "schema_"})
    print_lines(screen, ["all fields, as --set takes them:", json.dumps(data)])


def show_workload(graph: LayerGraph) -> None:
    """Print a network: its layers with shapes, bits and MACs, and the totals."""
    screen = console()
    origin = graph.provenance
    print_pairs(
        screen,
        [
            ("name", printable(graph.name)),
            ("source", printable(origin.source) or "none given"),
            ("licence", printable(origin.licence) or "none given"),
            ("inputs", _tensors(graph, graph.inputs)),
            ("outputs", _tensors(graph, graph.outputs)),
        ],
    )
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in ("layer", "op", "ifmap", "weight", "ofmap", "W/A/O [bit]"):
        table.add_column(title, no_wrap=True)
    for title in ("weight [kB]", "MACs [M]"):
        table.add_column(title, justify="right", no_wrap=True)
    for layer in graph.layers:
        table.add_row(*_layer_row(graph, layer))
    print_table(screen, table)
    weights = sum(tensor.size_bytes for tensor in graph.tensors.values() if tensor.constant)
    macs = with_prefix(graph.total_macs, "MAC", 4)
    print_lines(
        screen,
        [f"{len(graph.layers)} layers, {macs} ({count(graph.total_macs)}), parameters {with_prefix(weights, 'B', 4)}"],
    )


def _layer_row(graph: LayerGraph, layer: Layer) -> tuple[str, ...]:
    tensors = graph.tensors
    macs = graph.macs_of(layer)
    ifmap, ofmap = tensors[layer.inputs[0]] if layer.inputs else None, tensors[layer.outputs[0]]
    weight = tensors[layer.inputs[1]] if len(layer.inputs) > 1 and macs else None
    bits = [str(tensor.precision.bits) for tensor in (weight, ifmap, ofmap) if tensor is not None]
    return (
        printable(layer.name),
        layer.op,
        _shape(ifmap.shape) if ifmap else "",
        _shape(weight.shape) if weight else "",
        _shape(ofmap.shape),
        "/".join(bits),
        significant(weight.size_bytes / 1e3) if weight and weight.constant else "",
        significant(macs / 1e6) if macs else "",
    )


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(str(size) for size in shape) or "scalar"


def _tensors(graph: LayerGraph, names: tuple[str, ...]) -> str:
    found = [(name, graph.tensors[name]) for name in names]
    return printable(", ".join(f"{name} {_shape(tensor.shape)} {tensor.precision.bits} bit" for name, tensor in found))


def is_accelerator(text: str) -> bool:
    """Tell whether ``show TEXT`` means an accelerator: a preset, a ``.cfg``, or a file that says so."""
    if text in preset_names() or text.lower().endswith(".cfg"):
        return True
    if not text.lower().endswith(".json") or not Path(text).is_file():
        return False
    data = read_json(Path(text), SimulatorError)
    return isinstance(data, dict) and (str(data.get("schema")).startswith("simulator.accelerator") or "array" in data)


def show(text: str, shapes: tuple[str, ...], overrides: tuple[str, ...]) -> None:
    """Print a workload or an accelerator.

    Raises
    ------
    SimulatorError
        Neither, or not readable.
    """
    if text in dram_preset_names():
        show_dram(load_dram(text))
        return
    if is_accelerator(text):
        show_accelerator(load_accelerator(text, overrides=overrides))
        return
    if "." not in text and "/" not in text and text not in library_names():
        known = (*library_names(), *preset_names(), *dram_preset_names())
        message = (
            f"show {text!r}: no such workload, accelerator or DRAM{did_you_mean(text, known)}; see `simulator list`"
        )
        raise SimulatorError(message)
    from simulator.cli.running import read_workload

    show_workload(read_workload(text, shapes))


def new(what: str, output: Path | None, *, force: bool) -> None:
    """Write a complete description to start from, and beside it what its fields mean.

    Raises
    ------
    SimulatorError
        Neither ``arch`` nor ``workload``, no name of a JSON file, or a file that is there already.
    """
    if what not in ("arch", "workload"):
        message = f"new {what!r}: no such description{did_you_mean(what, ('arch', 'workload'))}; give arch or workload"
        raise SimulatorError(message)
    path = output or Path("accelerator.json" if what == "arch" else "workload.json")
    check_file(path, "--output")
    if path.suffix != ".json":  # what is to be read again is known by its suffix
        message = f"--output {path}: has no suffix .json; name it {path.with_suffix('.json')}"
        raise SimulatorError(message)
    notes = path.with_name(f"{path.stem}_fields.md")
    check_file(notes, "--output")
    for each in (path, notes):
        if each.exists() and not force:
            message = f"{each}: is there already; name another with -o, or add --force"
            raise SimulatorError(message)
    if what == "arch":
        save_accelerator(_starter_accelerator(), path)
        schema = accelerator_json_schema()
        then = f"simulator show {path}; simulator run resnet50_w4w8 --arch {path}"
    else:
        save_workload(_starter_workload(), path)
        schema = workload_json_schema()
        then = f"simulator show {path}; simulator run {path}"
    page = field_notes(f"The fields of {path.name}", read_json(path, SimulatorError), schema)
    write_atomically(notes, page, SimulatorError)
    lines = [f"wrote {path}: every field is there; change what you need, then: {then}"]
    print_lines(console(), [*lines, f"wrote {notes}: what each field means, its unit and what it may be"])


def _starter_accelerator() -> Accelerator:
    """Return the smallest preset under another name: its numbers keep their sources."""
    return load_accelerator("gemmini_like_16").model_copy(update={"name": "my_accelerator"})


def _starter_workload() -> LayerGraph:
    """Return a small mixed-precision network with one layer of each common kind."""
    net = GraphBuilder("my_workload", weight_precision=Precision(bits=4), activation_precision=Precision(bits=8))
    image = net.input("image", (1, 3, 32, 32))
    x = net.relu(net.conv(image, 16, 3, padding="same", name="stem"), name="stem_relu")
    y = net.relu(net.conv(x, 16, 3, padding="same", name="block"), name="block_relu")
    x = net.max_pool(net.add(x, y, name="residual"), 2, stride=2, name="pool")
    scores = net.gemm(net.flatten(net.global_average_pool(x, name="mean"), name="flatten"), 10, name="classifier")
    note = "shapes follow ONNX: activations [N, C, H, W], convolution weights [K, C/G, R, S]; docs/schema/workload.json"
    return net.build(scores, provenance=Provenance(source="written by `simulator new workload`", note=note))
