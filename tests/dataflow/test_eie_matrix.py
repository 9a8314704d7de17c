import numpy as np
import pytest
from hypothesis import given

from simulator.dataflow.eie_matrix import EieMatrix, broadcast_mask, load_stored_layer, store_matrix
from simulator.errors import ArchitectureError, WorkloadError
from tests.dataflow.eie_cases import layers, memories


@given(layers())
def test_store_is_what_each_pe_holds(layer):
    codes, bias, _, pes = layer
    matrix = store_matrix(codes, pes, index_bits=2, bias=bias)
    held = memories(codes, bias, pes, 2)
    assert matrix.entries.T.tolist() == [[len(column) for column in memory] for memory in held]
    assert matrix.padding.T.tolist() == [[column.count(0) for column in memory] for memory in held]
    assert matrix.has_bias == (bias is not None)
    assert matrix.column_totals[1].tolist() == matrix.padding.sum(axis=1).tolist()


def test_activations_above_zero_are_broadcast():
    assert broadcast_mask([0.5, -1.0, 0.0], 3).tolist() == [True, False, False]
    with pytest.raises(WorkloadError, match=r"shape \[2\]; give 3"):
        broadcast_mask([1, 2], 3)
    with pytest.raises(WorkloadError, match="hold <U1"):
        broadcast_mask(np.array(["a"]), 1)


def test_counts_must_make_sense():
    good = np.ones((3, 2), dtype=np.int64)
    for entries, padding, inputs, message in [
        (good, good[:2], 3, "padding has shape"),
        (good, good * 0, 1, "3 columns of entries for 1 activations"),
        (good, good * 2, 3, "column 0 on PE 0 has 1 entries, 2 of them padding.*nor padding exceed"),
        (-good, good * 0, 3, "must not be negative"),
        (good[0], good[0], 2, r"shape \[2\]"),
        (good << 41, good * 0, 3, "no memory holds them"),
    ]:
        with pytest.raises(WorkloadError, match=message):
            EieMatrix(entries, padding, inputs)
    with pytest.raises(ArchitectureError, match="pes = 1048576 PEs and 100 columns take 104857600 counts"):
        store_matrix(np.ones((1, 100), bool), 1 << 20)
    with pytest.raises(WorkloadError, match=r"bias: has shape \[2\]"):
        store_matrix(good, 2, bias=[1, 1])


def test_files_are_read_and_faults_named(tmp_path):
    path = tmp_path / "layer.npz"
    np.savez(
        path, entries_per_column_and_pe=np.ones((3, 2), dtype=np.uint8), activation_nonzero=np.array([True, False])
    )
    matrix, nonzero = load_stored_layer(path)
    assert matrix.has_bias
    assert nonzero.tolist() == [True, False]
    for arrays, message in [
        ({"activation_nonzero": np.ones(3, bool)}, "'entries_per_column_and_pe' is missing"),
        ({"entries_per_column_and_pe": np.ones((3, 2)), "activation_nonzero": np.ones(3, bool)}, "holds float64"),
        ({"entries_per_column_and_pe": np.ones((3, 2), int), "activation_nonzero": np.ones(5, bool)}, "3 columns"),
        (
            {
                "entries_per_column_and_pe": np.full((3, 2), 2**64 - 1, np.uint64),
                "activation_nonzero": np.ones(3, bool),
            },
            "holds 18446744073709551615; no memory",
        ),
        ({"entries_per_column_and_pe": np.ones((3, 2), int), "activation_nonzero": np.ones((3, 1))}, "2-D"),
    ]:
        np.savez(path, **arrays)
        with pytest.raises(WorkloadError, match=message) as caught:
            load_stored_layer(path)
        assert str(path) in str(caught.value)
    path.write_bytes(b"no archive")
    with pytest.raises(WorkloadError, match="cannot be read"):
        load_stored_layer(path)
    np.save(tmp_path / "one.npy", np.ones(3))
    with pytest.raises(WorkloadError, match="cannot be read"):
        load_stored_layer(tmp_path / "one.npy")
    with pytest.raises(WorkloadError, match="cannot be read"):
        load_stored_layer(tmp_path / "absent.npz")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_activations_that_are_no_numbers_are_refused(tmp_path, value):
    path = tmp_path / "layer.npz"
    entries = np.ones((3, 2), np.uint8)
    np.savez(path, entries_per_column_and_pe=entries, activation_nonzero=np.array([1.0, value, 0.0]))
    with pytest.raises(WorkloadError, match=r"layer\.npz: activations: hold NaN or infinity"):
        load_stored_layer(path)
