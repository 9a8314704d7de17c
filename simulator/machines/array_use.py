"""Where in a systolic array each layer's products were made, and what crossed its edge for them: fields of results."""

from dataclasses import replace

from simulator.arch.arrays import require_systolic
from simulator.assembly import Run
from simulator.dataflow.edge import edge_of_works
from simulator.dataflow.pe_use import systolic_use
from simulator.results import LayerResult


def with_array_use(run: Run, layers: tuple[LayerResult, ...]) -> tuple[LayerResult, ...]:
    """Return the layers with ``pe_use`` and ``edge`` where they multiply.

    Unchanged where the network did not run, or ran on several cores, each of which has an array of its own.
    """
    if run.tape is None or run.timeline is None or run.accelerator.cores > 1:
        return layers
    array = require_systolic(run.accelerator.name, run.accelerator.array, "this accounting")
    of_row: list[list[int]] = [[] for _ in layers]
    for work, row in enumerate(run.network.row_of_work):
        of_row[row].append(work)
    found = []
    for layer, rows in zip(layers, of_row, strict=True):
        if not layer.macs:
            found.append(layer)
            continue
        tables = run.network.works[rows], run.mapped.mappings[rows], run.tape.counters[rows]
        found.append(
            replace(layer, pe_use=systolic_use(array, tables[0], tables[1]), edge=edge_of_works(array, tables))
        )
    return tuple(found)
