import hashlib
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.errors import WorkloadError
from simulator.workload import INT8, load_workload, save_workload
from simulator.workload.importers import scalesim
from simulator.workload.importers.scalesim import import_scalesim_topology
from simulator.workload.sparsity import Dense, NOfM

CONV_HEADER = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"


@pytest.fixture
def topology(tmp_path):
    def write(text: str | bytes, name: str = "net.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return import_scalesim_topology(path)

    return write


def loops(graph):
    return [graph.loops_of(layer)[0] for layer in graph.layers]


def test_a_convolution_row(topology):
    graph = topology(f"{CONV_HEADER}\nConv1,224,200,7,5,3,64,2,\n")
    (nest,) = loops(graph)
    assert (nest.N, nest.G, nest.K, nest.C, nest.R, nest.S) == (1, 1, 64, 3, 7, 5)
    assert (nest.P, nest.Q) == (110, 99)  # ceil((224 - 7 + 2) / 2), ceil((200 - 5 + 2) / 2)
    assert graph.tensors["Conv1.ifmap"].shape == (1, 3, 224, 200)
    assert graph.tensors["Conv1.weight"].shape == (64, 3, 7, 5)


def test_a_matrix_product_row_is_m_by_k_times_k_by_n(topology):
    graph = topology("Layer,M,N,K,\nfc,100,10,64,\n")
    (nest,) = loops(graph)
    assert (nest.rows, nest.K, nest.inner) == (100, 10, 64)
    assert graph.tensors["fc.ifmap"].shape == (100, 64)
    assert graph.tensors["fc.weight"].shape == (64, 10)
    assert graph.tensors["fc.ofmap"].shape == (100, 10)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 12), st.integers(1, 12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_ragged_windows_count(topology, size, kernel, stride, other_stride):
    kernel = min(size, kernel)
    graph = topology(f"{CONV_HEADER}\nc,{size},{size + 3},{kernel},1,2,2,{stride},{other_stride}\n")
    (nest,) = loops(graph)
    windows = (nest.P, nest.Q)
    assert windows == (
        math.ceil((size - kernel + stride) / stride),
        math.ceil((size + 2 + other_stride) / other_stride),
    )
    assert nest.stride == (stride, other_stride)
    (layer,) = graph.layers
    assert all(begin == 0 and 0 <= end < step for (begin, end), step in zip(layer.padding, layer.stride, strict=True))


def test_a_depthwise_row_becomes_a_layer_a_channel(topology):
    graph = topology(f"{CONV_HEADER}\nfirst,9,9,3,3,3,4,1,\ndwDP_conv,9,9,3,3,3,2,1,\n")
    assert [layer.name for layer in graph.layers] == ["first", *(f"dwDP_convChannel_{i}" for i in range(3))]
    assert [(nest.C, nest.K) for nest in loops(graph)] == [(3, 4), (1, 2), (1, 2), (1, 2)]
    assert "3 layers of one channel" in graph.import_table[1].detail


def test_a_matrix_product_is_never_depthwise(topology):
    assert len(topology("Layer,M,N,K,\nDP,4,5,6,\n").layers) == 1


def test_doubled_and_empty_names_become_unique(topology):
    graph = topology("Layer,M,N,K,\na,1,1,1\na,1,1,1\na_2,1,1,1\na,1,1,1\n,1,1,1\n")
    names = [layer.name for layer in graph.layers]
    assert names == ["a", "a_2", "a_2_2", "a_3", "line_6"]


def test_many_layers_of_one_name_take_no_quadratic_time(topology):
    graph = topology("Layer,M,N,K,\n" + "a,1,1,1\n" * 5000)
    assert len({layer.name for layer in graph.layers}) == 5000


def test_n_of_m_is_the_weights_sparsity(topology):
    graph = topology("Layer, M, N, K, Sparsity,\ns,16,24,64,1:4,\nd,16,24,64,\n")
    assert graph.tensors["s.weight"].sparsity == NOfM(kind="n_of_m", n=1, m=4)
    assert graph.tensors["d.weight"].sparsity == Dense(kind="dense")
    assert graph.tensors["s.ifmap"].sparsity == Dense(kind="dense")


def test_every_layer_stands_alone_at_int8_and_the_file_is_named(topology, tmp_path):
    graph = topology("Layer,M,N,K,\na,1,2,3\nb,4,5,6\n")
    assert graph.name == "net"
    assert graph.inputs == ("a.ifmap", "b.ifmap")
    assert graph.outputs == ("a.ofmap", "b.ofmap")
    assert {tensor.precision for tensor in graph.tensors.values()} == {INT8}
    assert all(tensor.constant == name.endswith("weight") for name, tensor in graph.tensors.items())
    assert "net.csv" in graph.provenance.source
    assert "int8 is assumed" in graph.provenance.note
    assert graph.provenance.sha256 == hashlib.sha256((tmp_path / "net.csv").read_bytes()).hexdigest()


def test_a_batch_size_is_the_batch(topology):
    graph = topology(f"{CONV_HEADER} Batch Size,\nc,9,9,3,3,3,2,1,8,\n")
    assert loops(graph)[0].N == 8


def test_titles_and_remarks_are_reported_not_dropped(topology):
    graph = topology(f"{CONV_HEADER}\nAlexnet,\nc,9,9,3,3,3,2,1,relu\n")
    assert [(row.operator, row.fate) for row in graph.import_table] == [("title", "folded"), ("conv2d", "mapped")]
    assert graph.import_table[1].detail == "line 3, not read: relu"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_text_of_any_common_encoding(topology, encoding):
    graph = topology("Layer,M,N,K,\nd\u00e9j\u00e0,1,2,3\n".encode(encoding))
    assert graph.layers[0].name == "d\u00e9j\u00e0"


def test_the_finder_knows_topologies_and_they_survive_as_json(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(f"{CONV_HEADER}\nc,9,8,3,3,3,2,2,2:4,\n", encoding="utf-8")
    graph = load_workload(path)
    save_workload(graph, tmp_path / "x.json")
    again = load_workload(tmp_path / "x.json")
    assert (again.layers, dict(again.tensors)) == (graph.layers, dict(graph.tensors))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no layer rows"),
        ("Layer,M,N,K,\n", "no layer rows"),
        ("Layer,M,N,K,\ntitle\n", "no layer rows"),
        (b"PK\x03\x04\0\0", "byte 4 is 0"),
        (f"{CONV_HEADER}\nDP,9,9,3,3,70000,1,1,", "line 2 ('DP') brings the topology to 70000 layers"),
        ("Layer,M,N,K,\nbig,2000000000,2000000000,2000000000,", "overflow"),
    ],
)
def test_files_that_are_no_topology(topology, content, words):
    with pytest.raises(WorkloadError, match=r"net\.csv: ") as caught:
        topology(content)
    assert words in str(caught.value)


def test_missing_folder_and_oversized_files(tmp_path, monkeypatch):
    with pytest.raises(WorkloadError, match="no such file"):
        import_scalesim_topology(tmp_path / "none.csv")
    with pytest.raises(WorkloadError, match="cannot be read"):
        import_scalesim_topology(tmp_path)
    monkeypatch.setattr(scalesim, "MAX_FILE_BYTES", 10)
    (tmp_path / "long.csv").write_text("Layer,M,N,K,\na,1,1,1", encoding="utf-8")
    with pytest.raises(WorkloadError, match="larger than 10 bytes"):
        import_scalesim_topology(tmp_path / "long.csv")


@given(st.one_of(st.binary(max_size=80), st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass"))))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_graph_or_a_workload_error(topology, content):
    try:
        graph = topology(content)
    except WorkloadError:
        return
    assert graph.layers
