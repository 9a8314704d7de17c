"""``simulator import``: another tool's model as a workload file."""

from pathlib import Path

from simulator.cli.outputs import check_file, refuse_source
from simulator.cli.running import read_workload
from simulator.cli.screen import console, print_lines
from simulator.cli.showing import import_table
from simulator.report.quantities import printable, with_prefix
from simulator.workload import LayerGraph, save_workload
from simulator.workload.masks import Masks
from simulator.workload.sparsity import Dense, FromFile, Pruned, Sparsity, UniformDensity


def import_model(model: str, output: Path, shapes: tuple[str, ...], *, table: bool, quiet: bool) -> None:
    """Read ``model`` and write it as a workload file.

    Raises
    ------
    SimulatorError
        The model cannot be read or holds unsupported nodes (their table is shown), or the file cannot be written.
    """
    check_file(output, "-o")
    refuse_source(output, "-o", [model])
    graph, lost = _within(read_workload(model, shapes, quiet=quiet), output)
    save_workload(graph, output)
    if quiet:
        return
    if table:
        import_table(graph.import_table, graph.name)
    macs = with_prefix(graph.total_macs, "MAC", 4)
    fates: dict[str, int] = {}
    for row in graph.import_table:
        fates[row.fate] = fates.get(row.fate, 0) + 1
    note = f"; zeros of {lost} weights as densities: their values lie outside {output.parent}" if lost else ""
    nodes = ", ".join(f"{number} {fate}" for fate, number in fates.items())
    hint = "" if table or not nodes else " (--imports-table shows them)"
    said = f"{printable(graph.name)}, {len(graph.layers)} layers, {macs}; {nodes or 'no'} nodes{hint}{note}"
    print_lines(console(), [f"wrote {output}: {said}"])


def _within(graph: LayerGraph, output: Path) -> tuple[LayerGraph, int]:
    """Return the network with its files named from the folder of ``output``; a count of those that lie elsewhere.

    A workload names files below its own folder only: of values elsewhere their density is kept.
    """
    folder, lost = output.absolute().parent, 0
    changed: dict[str, Sparsity] = {}
    masks = Masks(graph)
    for name, tensor in graph.tensors.items():
        sparsity = tensor.sparsity
        if not isinstance(sparsity, FromFile | Pruned) or graph.folder is None:
            continue
        path = (graph.folder / sparsity.file).absolute()
        if path.is_relative_to(folder):
            file = path.relative_to(folder).as_posix()
            changed[name] = sparsity.model_copy(update={"file": file})
        else:
            density, lost = masks.density(name), lost + 1
            changed[name] = Dense(kind="dense") if density == 1 else UniformDensity(kind="uniform", density=density)
    return graph.with_sparsities(changed, folder=folder), lost
