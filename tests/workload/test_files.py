"""Workload files: what is written is read back, what is garbage is refused in one breath."""

import json
import math
import os
import stat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.errors import WorkloadError
from simulator.workload import files
from simulator.workload.files import (
    SCHEMA,
    load_workload_json,
    save_workload,
    save_workload_schema,
    workload_json_schema,
    workload_to_dict,
)
from tests.workload.networks import SPARSITIES, every_layer_kind, every_tensor_kind

NETWORKS = [every_layer_kind(), every_tensor_kind()]
VALID = workload_to_dict(every_layer_kind())


def refusal(path, text, encoding="utf-8"):
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    with pytest.raises(WorkloadError) as caught:
        load_workload_json(path)
    assert all(line.startswith(str(path)) for line in str(caught.value).splitlines())
    return str(caught.value)


@pytest.mark.parametrize("graph", NETWORKS, ids=lambda graph: graph.name)
def test_saved_network_is_read_back_equal(graph, tmp_path):
    path = tmp_path / "net.json"
    save_workload(graph, path)
    again = load_workload_json(path)
    assert again == graph
    assert list(again.tensors) == list(graph.tensors)
    second = tmp_path / "again.json"
    save_workload(again, str(second))
    assert second.read_bytes() == path.read_bytes()


def test_file_is_plain_json_with_the_discriminators_and_without_defaults(tmp_path):
    path = tmp_path / "net.json"
    save_workload(every_tensor_kind(), path)
    data = json.loads(path.read_text())
    assert data == workload_to_dict(every_tensor_kind())
    assert data["schema"] == SCHEMA
    tensors = {tensor["name"]: tensor for tensor in data["tensors"]}
    assert tensors["x"] == {"name": "x", "shape": [4, 3, 8]}
    assert [tensors[f"sparse{i}"]["sparsity"]["kind"] for i in range(len(SPARSITIES))] == [s.kind for s in SPARSITIES]
    assert all("op" in layer for layer in data["layers"])
    assert max(len(line) for line in path.read_text().splitlines()) < 300


def test_defaults_may_be_left_out_and_a_byte_order_mark_is_skipped(tmp_path):
    path = tmp_path / "net.json"
    minimal = {"schema": SCHEMA, "name": "n", "inputs": ["x"], "outputs": ["x"], "layers": []}
    minimal["tensors"] = [{"name": "x", "shape": []}]
    path.write_text(json.dumps(minimal), encoding="utf-8-sig")
    assert load_workload_json(path).tensors["x"].elements == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("null", "top level is"),
        ("[]", "top level is"),
        ('"x"', "top level is"),
        ("{}", "schema: is missing"),
        ('{"name": NaN}', "NaN is not a JSON number"),
        ('{"name": -Infinity}', "-Infinity is not a JSON number"),
        ('{"name": "a", "name": "b"}', "key 'name' occurs twice"),
        ("[" * 100_000, "nested too deeply"),
        ('{"name": ' + "[" * 500 + "]" * 500 + "}", "recursion limit"),
        ('{"name": ' + "1" * 5000 + "}", "not valid JSON"),
        ('{"schema": "simulator.workload/9"}', "schema = 'simulator.workload/9'"),
        (b"\xff\xfe\x00{", "cannot be read"),
        (b"\x00" * 100, "not valid JSON"),
        ("\ud800", "not valid JSON"),
    ],
)
def test_garbage_is_refused(text, reason, tmp_path):
    encoded = (
        text.encode("utf-8", "surrogatepass").replace(b"\xed\xa0\x80", b"\\ud800") if isinstance(text, str) else text
    )
    assert reason in refusal(tmp_path / "net.json", encoded)


def spoiled(place, value):
    data = json.loads(json.dumps(VALID))
    holder = data
    for part in place[:-1]:
        holder = holder[part]
    holder[place[-1]] = value
    return data


@pytest.mark.parametrize("value", [0, -1, 2**31, 10**400, 1.5, "8", True, None, [], {}, 1e300])
def test_absurd_dimensions_are_refused(value, tmp_path):
    message = refusal(tmp_path / "net.json", json.dumps(spoiled(("tensors", 0, "shape", 0), value)))
    assert "tensors[0].shape[0] (in 'image') = " in message
    assert len(message) < 400


@pytest.mark.parametrize("value", [True, "8", 8.0, 0, 65, None])
def test_json_types_are_not_bent(value, tmp_path):
    message = refusal(tmp_path / "net.json", json.dumps(spoiled(("tensors", 0, "precision"), {"bits": value})))
    assert "tensors[0].precision.bits (in 'image') = " in message


def test_overflowing_floats_are_refused(tmp_path):
    text = json.dumps(spoiled(("tensors", 0, "sparsity"), {"kind": "uniform", "density": 0.125})).replace(
        "0.125", "1e999"
    )
    assert "1e999" in refusal(tmp_path / "net.json", text)


def test_whole_numbers_serve_as_densities(tmp_path):
    path = tmp_path / "net.json"
    path.write_text(json.dumps(spoiled(("tensors", 0, "sparsity"), {"kind": "uniform", "density": 1})))
    assert load_workload_json(path).tensors["image"].sparsity.density == 1.0


def places(node, prefix=()):
    yield prefix
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from places(value, (*prefix, key))


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8), st.sampled_from(["", "x"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
PLACES = [place for place in places(VALID) if place]


def outcome(path):
    """What a load says: the graph, or the message of the one error that bad input may raise."""
    try:
        return load_workload_json(path)
    except WorkloadError as error:
        return str(error)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=values)
def test_one_spoiled_value_is_accepted_or_refused_but_never_crashes(place, value, tmp_path):
    path = tmp_path / "net.json"
    path.write_text(json.dumps(spoiled(place, value)))
    told = outcome(path)
    if isinstance(told, str):
        assert all(line.startswith(str(path)) and len(line) < 1200 for line in told.splitlines())
    else:
        assert told.total_macs >= 0


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.floats(0, 1), byte=st.integers(0, 255), keep=st.booleans())
def test_one_spoiled_byte_is_accepted_or_refused_but_never_crashes(cut, byte, keep, tmp_path):
    data = bytearray(json.dumps(VALID).encode())
    position = math.floor(cut * (len(data) - 1))
    if keep:
        data[position] = byte
    else:
        del data[position:]
    path = tmp_path / "net.json"
    path.write_bytes(bytes(data))
    told = outcome(path)
    assert not isinstance(told, str) or told.startswith(str(path))


def test_what_is_no_regular_file_is_refused(tmp_path):
    for path, reason in ((tmp_path, "no regular file"), (tmp_path / "none.json", "no such file")):
        with pytest.raises(WorkloadError, match=reason):
            load_workload_json(path)
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)  # reading it would wait for ever
    with pytest.raises(WorkloadError, match="no regular file"):
        load_workload_json(pipe)


def test_missing_folder_is_named(tmp_path):
    path = tmp_path / "none" / "net.json"
    with pytest.raises(WorkloadError, match="give a path in a folder that exists and is writable"):
        save_workload(every_tensor_kind(), path)
    assert not path.parent.exists()


def test_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "net.json"
    path.write_text("old")

    def refuse(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.Path, "replace", refuse)
    with pytest.raises(WorkloadError, match="No space left"):
        save_workload(every_tensor_kind(), path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.json"]
    assert path.read_text() == "old"


def test_written_file_is_readable_by_all(tmp_path):
    path = tmp_path / "net.json"
    save_workload(every_tensor_kind(), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_published_schema_is_current(project, tmp_path):
    """Regenerate with ``python -m simulator.workload.zoo``."""
    save_workload_schema(tmp_path / "workload.json")
    published = project / "docs" / "schema" / "workload.json"
    assert json.loads(published.read_text()) == json.loads((tmp_path / "workload.json").read_text())


def test_schema_describes_the_form():
    schema = workload_json_schema()
    assert set(schema["required"]) == {"schema", "name", "inputs", "outputs", "tensors", "layers"}
    assert schema["additionalProperties"] is False
    assert "conv2d" in schema["properties"]["layers"]["items"]["discriminator"]["mapping"]
