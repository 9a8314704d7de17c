"""``simulator import``: another tool's model as a workload file."""

from pathlib import Path

from simulator.cli.outputs import check_file, refuse_source
from simulator.cli.running import read_workload
from simulator.cli.screen import console, print_lines
from simulator.cli.showing import import_table
from simulator.report.quantities import printable, with_prefix
from simulator.workload import save_workload


def import_model(model: str, output: Path, shapes: tuple[str, ...], *, table: bool, quiet: bool) -> None:
    """Read ``model`` and write it as a workload file.

    Raises
    ------
    SimulatorError
        The model cannot be read or holds unsupported nodes (their table is shown), or the file cannot be written.
    """
    check_file(output, "-o")
    refuse_source(output, "-o", [model])
    graph = read_workload(model, shapes, quiet=quiet)
    save_workload(graph, output)
    if quiet:
        return
    if table:
        import_table(graph.import_table, graph.name)
    macs = with_prefix(graph.total_macs, "MAC", 4)
    fates: dict[str, int] = {}
    for row in graph.import_table:
        fates[row.fate] = fates.get(row.fate, 0) + 1
    nodes = ", ".join(f"{number} {fate}" for fate, number in fates.items())
    hint = "" if table or not nodes else " (--imports-table shows them)"
    print_lines(
        console(),
        [f"wrote {output}: {printable(graph.name)}, {len(graph.layers)} layers, {macs}; {nodes or 'no'} nodes{hint}"],
    )
