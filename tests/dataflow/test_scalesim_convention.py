"""The closed form against that tool's own way of counting, fold by fold and element by element.

Numbers in parametrized cases are from runs of SCALE-Sim 3.0.0.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.dataflow.scalesim_convention import ScaleSimCounts, compressed_inner, scalesim_layer
from simulator.errors import ArchitectureError, WorkloadError
from simulator.workload import MacLoops
from simulator.workload.sparsity import NOfM


def product(rows: int, cols: int, inner: int, **more: int) -> MacLoops:
    return MacLoops(**{"N": 1, "G": 1, "K": cols, "C": inner, "P": rows, "Q": 1, "R": 1, "S": 1, **more})


def n_of_m(n: int, m: int) -> NOfM:
    return NOfM(kind="n_of_m", n=n, m=m)


def count_by_folds(product_rows, cols, inner, array, dataflow, block):
    """Lay every element on the array, fold by fold, as ``systolic_compute_*.py`` does."""
    kept = [k for k in range(inner) if k % block[1] < block[0]]
    spatial_rows, spatial_columns, stream = {
        "os": (range(product_rows), range(cols), kept),
        "ws": (kept, range(cols), range(product_rows)),
        "is": (kept, range(product_rows), range(cols)),
    }[dataflow]
    cycles = row_reads = column_reads = 0
    efficiencies = []
    for column in range(0, len(spatial_columns), array[1]):
        for row in range(0, len(spatial_rows), array[0]):
            used_rows = len(spatial_rows[row : row + array[0]])
            used_columns = len(spatial_columns[column : column + array[1]])
            efficiencies.append(used_rows * used_columns / (array[0] * array[1]))
            cycles += len(stream) + array[0] + array[1] - 2 + (0 if dataflow == "os" else array[0])
            row_reads += len(stream) * used_rows
            column_reads += (len(stream) if dataflow == "os" else used_rows) * used_columns
    ifmap, weight = (column_reads, row_reads) if dataflow == "is" else (row_reads, column_reads)
    if dataflow == "ws":
        ifmap = ifmap * block[1] / block[0]
    return cycles - 1, 100 * sum(efficiencies) / len(efficiencies), ifmap, weight


sizes = st.integers(1, 30)


@given(
    sizes, sizes, sizes, st.tuples(st.integers(1, 9), st.integers(1, 9)), st.sampled_from(["os", "ws", "is"]), st.data()
)
def test_closed_form_equals_counting_by_folds(rows, cols, inner, array, dataflow, data):
    m = data.draw(st.integers(1, 8))
    n = data.draw(st.integers(1, m))
    counts = scalesim_layer(product(rows, cols, inner), *array, dataflow, n_of_m=n_of_m(n, m), sparsity_support=True)
    cycles, efficiency, ifmap, weight = count_by_folds(rows, cols, inner, array, dataflow, (n, m))
    assert (counts.total_cycles, counts.filter_sram_reads) == (cycles, weight)
    assert counts.mapping_efficiency_pct == pytest.approx(efficiency)
    assert counts.ifmap_sram_reads == pytest.approx(ifmap)
    if cycles:
        dense = rows * cols * inner * 100 / (cycles * array[0] * array[1])
        assert counts.overall_utilization_pct == pytest.approx(dense)


@pytest.mark.parametrize(
    ("shape", "array", "dataflow", "expected"),
    [
        ((144, 256, 2304), (128, 128), "os", (10231, 50.66953376991496, 56.25, 663552, 1179648)),
        ((1, 1, 1), (16, 16), "os", (30, 0.013020833333333334, 0.390625, 1, 1)),
        ((1, 64, 64), (32, 32), "ws", (379, 1.0554089709762533, 100.0, 128, 4096)),
        ((1, 64, 64), (32, 32), "is", (315, 1.2698412698412698, 3.125, 64, 4096)),
    ],
)
def test_dense_layers_of_the_tool(shape, array, dataflow, expected):
    assert scalesim_layer(product(*shape), *array, dataflow) == ScaleSimCounts(*expected)


@pytest.mark.parametrize(
    ("shape", "block", "expected"),
    [
        ((5, 6, 45), (3, 4), (134, 15.74160447761194, 63.75, 226.66666666666666, 204)),
        ((5, 6, 9), (4, 4), (53, 7.959905660377358, 42.1875, 45, 54)),
        ((7, 3, 13), (2, 4), (28, 15.234375, 32.8125, 98, 21)),
        ((16, 24, 64), (1, 4), (227, 169.16299559471366, 100.0, 3072, 384)),
    ],
)
def test_sparse_weight_stationary_layers_of_the_tool(shape, block, expected):
    counts = scalesim_layer(product(*shape), 8, 8, "ws", n_of_m=n_of_m(*block), sparsity_support=True)
    assert tuple(counts.to_dict().values()) == pytest.approx(expected, rel=1e-12)


def test_without_sparsity_support_the_ratio_is_ignored():
    dense = scalesim_layer(product(16, 24, 64), 8, 8, "ws")
    assert scalesim_layer(product(16, 24, 64), 8, 8, "ws", n_of_m=n_of_m(1, 4)) == dense
    assert scalesim_layer(product(16, 24, 64), 8, 8, "ws", sparsity_support=True) == dense


def test_a_convolution_is_its_window_matrix_and_batch_adds_rows():
    conv = MacLoops(N=2, G=1, K=6, C=2, P=4, Q=5, R=3, S=2)
    assert scalesim_layer(conv, 8, 8, "os") == scalesim_layer(product(40, 6, 12), 8, 8, "os")


def test_groups_and_steps_run_one_after_the_other_like_depthwise_rows():
    one = scalesim_layer(product(49, 1, 9), 16, 16, "os")
    assert one.total_cycles == 155
    grouped = scalesim_layer(product(49, 1, 9, G=3, sequence_steps=2), 16, 16, "os")
    assert grouped.total_cycles == 6 * one.total_cycles
    assert grouped.filter_sram_reads == 6 * one.filter_sram_reads
    assert grouped.ifmap_sram_reads == 6 * one.ifmap_sram_reads
    assert grouped.overall_utilization_pct == pytest.approx(one.overall_utilization_pct)
    assert grouped.mapping_efficiency_pct == pytest.approx(one.mapping_efficiency_pct)
    assert grouped == scalesim_layer([product(49, 1, 9)] * 6, 16, 16, "os")


def test_ifmap_reads_are_whole_where_words_are():
    counts = scalesim_layer(product(3, 5, 16), 8, 8, "ws", n_of_m=n_of_m(3, 4), sparsity_support=True)
    assert counts.ifmap_sram_reads == 48
    assert isinstance(counts.ifmap_sram_reads, int)


def test_a_layer_of_no_cycles_has_no_utilization():
    assert scalesim_layer(product(1, 1, 1), 1, 1, "os").overall_utilization_pct == 0.0


def test_names_are_those_of_the_result():
    assert list(scalesim_layer(product(1, 1, 1), 2, 2, "OS").to_dict()) == [
        "total_cycles",
        "overall_utilization_pct",
        "mapping_efficiency_pct",
        "ifmap_sram_reads",
        "filter_sram_reads",
    ]


@pytest.mark.parametrize(("inner", "n", "m", "left"), [(45, 2, 8, 12), (9, 4, 4, 9), (3, 2, 4, 2), (1, 1, 1, 1)])
def test_compressed_inner(inner, n, m, left):
    assert compressed_inner(inner, n, m) == left


@pytest.mark.parametrize(
    ("array", "dataflow", "words"),
    [((0, 4), "os", "rows = 0"), ((4, -1), "os", "columns = -1"), ((4, 4), "rs", "'rs'")],
)
def test_arrays_the_tool_cannot_have(array, dataflow, words):
    with pytest.raises(ArchitectureError, match=words):
        scalesim_layer(product(1, 1, 1), *array, dataflow)


def test_a_layer_that_multiplies_nothing():
    with pytest.raises(WorkloadError, match="multiplies nothing"):
        scalesim_layer((), 4, 4, "os")
