"""Every command with its options. Thin: a command imports its room and calls it."""

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
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Cycle-level simulation of neural-network accelerators: cycles, bytes and energy, layer by layer.",
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback
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
    fidelity: options.Fidelity = "bandwidth",
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
    from simulator.cli import running
    from simulator.cli.outputs import Outputs

    request = running.RunRequest(
        workload=workload,
        arch=arch,
        dram=dram,
        overrides=tuple(overrides or ()),
        shapes=tuple(shape or ()),
        batch=batch,
        dataflow=dataflow,
        sparsity=sparsity,
        fidelity=fidelity,
        compat=compat,
        objective=objective,
        mapping=mapping,
        trace=trace,
        explain=explain,
        imports_table=imports_table,
        quiet=quiet,
    )
    running.run(request, Outputs(json=json, csv=csv, html=html, plots=plots))
