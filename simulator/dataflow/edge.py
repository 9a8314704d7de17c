"""What crosses an array's edge a cycle at most: its buses where it has narrow ones, else as much as the edge takes.

A ceiling of its own for each operand, beside the DRAM's: a layer that reuses a word little inside the array is bound by
it. docs/model/systolic.md draws where each operand enters.
"""

from typing import Any

from simulator.arch.systolic_array import SystolicArray
from simulator.records import IS, MAC_WORK, Table


def edge_words_per_cycle(array: SystolicArray, work: Any, mapping: Any) -> dict[str, float]:  # noqa: ANN401 - records
    """Return the most words of ifmap, weight and psum (each way) that cross the edge in a cycle.

    A beat of ``passes`` cycles takes a word at each row (or column) of the edge an operand enters by: of ``inner_pack``
    neighbours of the reduction, and weights of ``pack`` ofmap channels at once.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> from simulator.records import MAPPING, WORK, table
    >>> work, mapping = table(WORK, 1)[0], table(MAPPING, 1)[0]
    >>> work.pack, work.passes = 2, 1
    >>> edge_words_per_cycle(load_accelerator("gemmini_like_16").array, work, mapping)
    {'ifmap': 16.0, 'weight': 32.0, 'psum': 32.0}
    """
    flow, passes = int(mapping["dataflow"]), max(1, int(work["passes"]))
    inner_pack, pack = max(1, int(work["inner_pack"])), max(1, int(work["pack"]))
    ifmap = array.columns if flow == IS else array.rows
    weight = array.rows if flow == IS else array.columns
    edge = {"ifmap": ifmap * inner_pack, "weight": weight * inner_pack * pack, "psum": array.columns * pack}
    buses = {
        "ifmap": array.ifmap_bus_words_per_cycle,
        "weight": array.weight_bus_words_per_cycle,
        "psum": array.psum_bus_words_per_cycle,
    }
    return {name: min(words / passes, float(buses[name] or words)) for name, words in edge.items()}


def edge_of_works(array: SystolicArray, tables: tuple[Table, Table, Table]) -> dict[str, dict[str, float]]:
    """Return what crossed the edge for a row, and the most it takes (of its works the fastest counts).

    Parameters
    ----------
    array : SystolicArray
    tables : (recarray of WORK, of MAPPING, of COUNTERS)
        Of the row's works.
    """
    rows = [row for row in zip(*tables, strict=True) if row[0]["kind"] == MAC_WORK]
    words = {
        "ifmap": sum(int(counted["ifmap_edge_words"]) for _, _, counted in rows),
        "weight": sum(int(counted["weight_edge_words"]) for _, _, counted in rows),
        "psum": sum(max(int(counted["psum_edge_reads"]), int(counted["psum_edge_writes"])) for _, _, counted in rows),
    }
    most = [edge_words_per_cycle(array, work, mapping) for work, mapping, _ in rows]
    return {name: {"words": count, "words_per_cycle": max(one[name] for one in most)} for name, count in words.items()}
