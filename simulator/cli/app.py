"""Every command with its options. Thin: a command imports its room and calls it."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated

import typer

from simulator import __version__
from simulator.cli import options
from simulator.cli.commands import Commands

app = typer.Typer(
    cls=Commands,
    name="simulator",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Cycle-level simulation of neural-network accelerators: cycles, bytes and energy, layer by layer.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"simulator {__version__}")
        raise typer.Exit


@app.callback()
def version_option(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Cycle-level simulation of neural-network accelerators: cycles, bytes and energy, layer by layer."""


@app.command()
def run(
    workload: options.Workload,
    arch: options.Arch = None,
    dram: options.Dram = None,
    overrides: options.Overrides = None,
    shape: options.Shapes = None,
    batch: options.Batch = 1,
    dataflow: options.Dataflow = None,
    sparsity: options.Sparsity = None,
    seed: options.Seed = 0,
    depth_first: options.DepthFirst = None,
    beside: options.Beside = None,
    cores_for: options.CoresFor = None,
    fidelity: options.Fidelity = None,
    compat: options.Compat = None,
    objective: options.Objective = "latency",
    mapping: options.MappingFile = None,
    json: options.Json = None,
    csv: options.Csv = None,
    html: options.Html = None,
    trace: options.Trace = None,
    plots: options.Plots = None,
    explain: options.Explain = None,
    imports_table: options.ImportsTable = False,
    quiet: options.Quiet = False,
) -> None:
    """Simulate a network on an accelerator, layer by layer."""
    given = locals()
    from simulator.cli.outputs import Outputs
    from simulator.cli.running import RunRequest
    from simulator.cli.running import run as run_request

    request = RunRequest(**{field.name: given[field.name] for field in fields(RunRequest)})
    run_request(request, Outputs(json=json, csv=csv, html=html, plots=plots, trace=trace))


@app.command(name="import")
def import_model(
    model: Annotated[str, typer.Argument(help="A .onnx, or a SCALE-Sim topology .csv.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="WORKLOAD.json", help="The file to write.")],
    shape: options.Shapes = None,
    imports_table: options.ImportsTable = False,
    quiet: options.Quiet = False,
) -> None:
    """Write another tool's model as a workload file."""
    from simulator.cli.importing import import_model as run_import

    run_import(model, output, tuple(shape or ()), table=imports_table, quiet=quiet)


@app.command(name="list")
def list_names(what: Annotated[str, typer.Argument(metavar="workloads|archs|dataflows|drams")]) -> None:
    """List what there is."""
    from simulator.cli.catalog import list_names as print_names

    print_names(what)


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(metavar="WORKLOAD|ARCH", help="A name or a file.", autocompletion=options.complete_described),
    ],
    shape: options.Shapes = None,
    overrides: options.Overrides = None,
) -> None:
    """Show a workload's layers, or an accelerator's numbers with their sources."""
    from simulator.cli.describing import show as print_description

    print_description(name, tuple(shape or ()), tuple(overrides or ()))


@app.command()
def new(
    what: Annotated[str, typer.Argument(metavar="arch|workload")],
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="The file to write.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a complete description to start from, and what its fields mean."""
    from simulator.cli.describing import new as write_description

    write_description(what, output, force=force)


@app.command()
def compare(
    results: Annotated[list[Path], typer.Argument(metavar="A.json B.json ...", help="Results; the first is 1.0.")],
    layers: Annotated[bool, typer.Option("--layers/--totals", help="With or without a line a layer.")] = True,
    html: options.Html = None,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="DIR", help="Draw cycles and energy of the runs as bars.")
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Compare results: totals, and each layer as a factor of the first."""
    from simulator.cli.comparing import compare as print_comparison

    print_comparison(results, layers=layers, html=html, plots=plots, quiet=quiet)


@app.command()
def report(
    results: Annotated[list[Path], typer.Argument(metavar="RESULT.json ...", help="Written by `run --json`.")],
    csv: options.Csv = None,
    html: options.Html = None,
    plots: options.Plots = None,
    explain: options.Explain = None,
    quiet: options.Quiet = False,
) -> None:
    """Show results once more, without simulating."""
    from simulator.cli.comparing import report as print_report
    from simulator.cli.outputs import Outputs

    print_report(results, Outputs(csv=csv, html=html, plots=plots), explain=explain, quiet=quiet)


@app.command()
def dram(
    config: Annotated[
        str, typer.Argument(metavar="CONFIG", help="A preset (simulator list drams), a DRAMsim3 .ini, or a .json.")
    ],
    trace: Annotated[Path, typer.Argument(metavar="TRACE.npz", help="Arrays addr, is_write and arrival.")],
    json: options.Json = None,
    log: Annotated[Path | None, typer.Option("--log", metavar="FILE", help="Every command issued, as CSV.")] = None,
    quiet: options.Quiet = False,
) -> None:
    """Run a request trace through a DRAM system by itself."""
    from simulator.cli.dram import DramOutputs, run_dram

    run_dram(config, trace, DramOutputs(json, log), quiet=quiet)


@app.command()
def validate(
    chip: Annotated[
        str | None, typer.Argument(metavar="[CHIP]", help="One chip; all of them where none is named.")
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="PATH", help="Layers in the reference's form.")] = None,
    queue_depth: Annotated[int | None, typer.Option("--queue-depth", metavar="N", help="Slots of a queue.")] = None,
    json: options.Json = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            "--plots", metavar="DIR", help="Draw reference against simulated, and the sweeps of the chip's paper."
        ),
    ] = None,
    write: Annotated[
        Path | None, typer.Option("--write", metavar="DIR", help="Markdown, CSV and a parity plot of each chip.")
    ] = None,
) -> None:
    """Show published or reference numbers beside ours."""
    from simulator.cli.validating import run_validation

    run_validation(chip, data, queue_depth, json, plots, write)


@app.command()
def lut(
    model: options.Workload,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="A .npy (HAQ), .yaml (OFA), .csv, .json or .parquet.")
    ],
    wbits: Annotated[str, typer.Option("--wbits", metavar="2,4,8", help="Weight widths [bits]; or 1-8.")] = "1-8",
    abits: Annotated[str, typer.Option("--abits", metavar="4,8", help="Activation widths [bits].")] = "1-8",
    arch: options.Arch = None,
    overrides: options.Overrides = None,
    shape: options.Shapes = None,
    batch: options.Batch = 1,
    fixed: Annotated[
        list[str] | None, typer.Option("--fixed", metavar="LAYER=W/A", help="A layer that keeps its widths.")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", metavar="haq|hawq|ofa|...", help="Instead of the suffix's.")
    ] = None,
    cache: Annotated[Path | None, typer.Option("--cache", metavar="FILE", help="Keep mappings between runs.")] = None,
    quiet: options.Quiet = False,
) -> None:
    """Make a latency table for search: every layer at every pair of widths, on your hardware."""
    from simulator.cli.searching import LutRequest, make_lut

    make_lut(
        LutRequest(
            model, output, wbits, abits, arch, form, tuple(fixed or ()), tuple(overrides or ()), tuple(shape or ()),
            batch, cache, quiet=quiet,
        )
    )  # fmt: skip


@app.command()
def proxies(
    model: options.Workload,
    arch: Annotated[
        list[str] | None, typer.Option("--arch", help="An accelerator; repeatable. Without it: tpu_like_128.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE.md", help="Write the page.")] = None,
    samples: Annotated[
        int, typer.Option(min=0, max=100000, help="Random configurations beside the uniform ones.")
    ] = 24,
    widths: Annotated[str, typer.Option(metavar="2,4,8", help="Allowed widths [bits].")] = "2,4,8",
    seed: Annotated[int, typer.Option(min=0, help="Of the random configurations.")] = 0,
    shape: options.Shapes = None,
    batch: options.Batch = 1,
    quiet: options.Quiet = False,
) -> None:
    """Try FLOPs, BOPs, parameters and arithmetic intensity against simulated cycles and energy."""
    from simulator.cli.searching import try_proxies

    try_proxies(model, tuple(arch or ()), tuple(shape or ()), output, (samples, widths, seed, batch), quiet=quiet)


@app.command()
def sweep(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.json", help="Workloads, accelerators, bits, ...: lists.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="A .csv, .parquet or .db; resumed if it is there.")
    ] = Path("sweep.csv"),
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Local processes.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="A Dask scheduler, in place of local processes.")
    ] = None,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="DIR", help="Draw cycles against energy, and their front.")
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Run every combination of a spec; a killed sweep goes on where it stopped."""
    from simulator.cli.searching import sweep as run_spec

    run_spec(spec, output, workers, scheduler, plots=plots, quiet=quiet)


@app.command()
def warmup(quiet: options.Quiet = False) -> None:
    """Compile all kernels ahead of the first run."""
    from simulator.cli.upkeep import warmup as compile_kernels

    compile_kernels(quiet=quiet)


@app.command()
def doctor() -> None:
    """Check this installation: versions, data, cache, and a few known numbers."""
    from simulator.cli.upkeep import doctor as check_installation

    check_installation()
