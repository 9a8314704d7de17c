"""The options that commands share: their names, their help, and what their text means."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from simulator.errors import ArchitectureError, WorkloadError


def complete_workload(incomplete: str) -> list[str]:
    """Return the library's names that start so, for the shell's Tab key; files are the shell's own offer."""
    from simulator.workload import library_names

    return [name for name in library_names() if name.startswith(incomplete)]


def complete_arch(incomplete: str) -> list[str]:
    """Return the presets that start so."""
    from simulator.arch import preset_names

    return [name for name in preset_names() if name.startswith(incomplete)]


def complete_described(incomplete: str) -> list[str]:
    """Return what `show` can show, and starts so."""
    from simulator.memory.dram_library import dram_preset_names

    drams = [name for name in dram_preset_names() if name.startswith(incomplete)]
    return [*complete_workload(incomplete), *complete_arch(incomplete), *drams]


MODEL, MACHINE, OUTPUT = "What to run", "On what, and how", "What to show and to write"
MAX_BATCH = 65536

Workload = Annotated[
    str,
    typer.Argument(
        help="A library name (`simulator list workloads`), a .json, a .onnx, or a SCALE-Sim .csv.",
        autocompletion=complete_workload,
    ),
]
Shapes = Annotated[
    list[str] | None,
    typer.Option("--shape", metavar="NAME=d0,d1,...", help="Bind an ONNX input's shape.", rich_help_panel=MODEL),
]
Batch = Annotated[
    int, typer.Option(min=1, max=MAX_BATCH, help="Images for each one in the model.", rich_help_panel=MODEL)
]
Sparsity = Annotated[
    str | None,
    typer.Option(
        metavar="[WHERE=]KIND,...",
        help="Declare zeros: 0.3, 2:4, channels:0.5, blocks:4x4:0.5, skewed:0.09:0.5, FILE.npz, values or dense; of "
        "the weights, or activations=0.4, LAYER=2:4, LAYER.activations=0.3.",
        rich_help_panel=MODEL,
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of random zeros.", rich_help_panel=MODEL)]
DepthFirst = Annotated[
    str | None,
    typer.Option(
        metavar="FIRST..LAST:STRIPES,...",
        help="Run chains of layers stripe by stripe through all their layers, for ofmaps that stay on chip.",
        rich_help_panel=MODEL,
    ),
]
Beside = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="WORKLOAD",
        help="Run this network at the same time, on cores of its own. Repeatable.",
        autocompletion=complete_workload,
        rich_help_panel=MODEL,
    ),
]
CoresFor = Annotated[
    str | None,
    typer.Option(
        metavar="N,M,...",
        help="Cores of the workload, and of each --with. Without it: equal shares.",
        rich_help_panel=MACHINE,
    ),
]
ImportsTable = Annotated[
    bool, typer.Option("--imports-table", help="Show what became of each node of the model.", rich_help_panel=MODEL)
]
Arch = Annotated[
    str | None,
    typer.Option(
        help="A preset (`simulator list archs`), a .json, or a SCALE-Sim .cfg. Without it: tpu_like_128.",
        autocompletion=complete_arch,
        rich_help_panel=MACHINE,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Change a field, as array.rows=64. Repeatable.", rich_help_panel=MACHINE
    ),
]
Dram = Annotated[
    str | None,
    typer.Option(
        metavar="PRESET",
        help="Another DRAM: a preset (`simulator list drams`), a .json or a DRAMsim3 .ini.",
        rich_help_panel=MACHINE,
    ),
]
Dataflow = Annotated[
    str | None,
    typer.Option(
        metavar="ws|os|is|auto",
        help="One for all layers, or the best for each. Without it: the accelerator's first.",
        rich_help_panel=MACHINE,
    ),
]
Fidelity = Annotated[
    str | None,
    typer.Option(
        metavar="event|bandwidth",
        help="DRAM command by command, or as latency and bytes a cycle. "
        "Without it: event on systolic arrays, else bandwidth.",
        rich_help_panel=MACHINE,
    ),
]
Objective = Annotated[
    str, typer.Option(metavar="latency|energy|edp", help="What mappings minimise.", rich_help_panel=MACHINE)
]
MappingFile = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        metavar="FILE.json",
        help='Your mappings, {"layer": {"order": .., "tile": {..}}}, or an earlier result: its mappings.',
        rich_help_panel=MACHINE,
    ),
]
Compat = Annotated[
    str | None,
    typer.Option(metavar="scalesim", help="Add that tool's cycle convention to each layer.", rich_help_panel=MACHINE),
]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON.", rich_help_panel=OUTPUT)
]
Csv = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write one line a layer.", rich_help_panel=OUTPUT)
]
Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write a page with table and plots.", rich_help_panel=OUTPUT),
]
Plots = Annotated[
    Path | None,
    typer.Option("--plots", metavar="DIR", help="Write latency, energy and roofline plots.", rich_help_panel=OUTPUT),
]
Trace = Annotated[
    Path | None,
    typer.Option(
        "--trace",
        metavar="FILE.json.gz",
        help="Write the timeline for Perfetto (ui.perfetto.dev).",
        rich_help_panel=OUTPUT,
    ),
]
Explain = Annotated[
    str | None,
    typer.Option("--explain", metavar="LAYER", help="Say in words what bounds a layer.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.", rich_help_panel=OUTPUT)]


def parse_cores(text: str | None, workloads: int) -> list[int | None]:
    """Return how many cores each of several workloads is given; None each where nobody said.

    Raises
    ------
    ArchitectureError
        Not one whole number for each.

    Examples
    --------
    >>> parse_cores("2,1", 2)
    [2, 1]
    """
    if text is None:
        return [None] * workloads
    numbers = text.split(",")
    if len(numbers) != workloads or not all(number.strip().isdecimal() for number in numbers):
        example = ",".join("1" * workloads)
        message = f"--cores-for {text}: give a whole number for each of the {workloads} workloads, as {example}"
        raise ArchitectureError(message)
    return [int(number) for number in numbers]


def parse_shapes(texts: Sequence[str] | None) -> dict[str, tuple[int, ...]]:
    """Return the shapes given as ``NAME=d0,d1,...``.

    Raises
    ------
    WorkloadError
        Not of that form, a dimension below 1, or a name given twice.

    Examples
    --------
    >>> parse_shapes(["input=1,3,224,224"])
    {'input': (1, 3, 224, 224)}
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts or ():
        name, _, sizes = text.rpartition("=")
        parts = [part.strip() for part in sizes.split(",")]
        if not name or not all(part.isascii() and part.isdecimal() and 0 < len(part) <= 10 for part in parts):
            message = f"--shape {text!r}: write NAME=d0,d1,... with whole numbers, for example input=1,3,224,224"
            raise WorkloadError(message)
        shape = tuple(int(part) for part in parts)
        if any(not 1 <= size < 2**31 for size in shape):
            message = f"--shape {text!r}: a dimension lies outside 1 .. 2147483647; give the model's real sizes"
            raise WorkloadError(message)
        if name in shapes:
            message = f"--shape {text!r}: {name!r} is given twice; give each input once"
            raise WorkloadError(message)
        shapes[name] = shape
    return shapes
