"""Results read back: what was written, or one error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import load_accelerator, simulate
from simulator.errors import SimulatorError
from simulator.report.result_files import ResultForm, load_result, result_json_schema
from simulator.results import LayerResult, RunResult, Total
from tests.report.sample_results import layer, pool, run, unmapped


def written(tmp_path, data):
    path = tmp_path / "result.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "result", [run(), run(layer("a"), pool(), layer("b", compat_scalesim={"n": 1})), run(unmapped())]
)
def test_a_result_reads_back_as_it_was(tmp_path, result):
    back = load_result(written(tmp_path, result.to_json()))
    assert back == result
    assert back.to_json() == result.to_json()
    assert back.to_csv() == result.to_csv()


def test_fields_of_later_versions_are_let_through(tmp_path):
    data = json.loads(run().to_json())
    data["new_field"] = data["layers"][0]["later_field"] = 1
    assert load_result(written(tmp_path, data)) == run()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("layers", 0, "dram", "read_bytes"), "x", r"layers\[0\]\.dram\.read_bytes \(in 'conv'\)"),
        (("layers", 0, "cycles"), -1, r"layers\[0\]\.cycles"),
        (("clock_hz",), 0, "clock_hz"),
        (("total", "energy_pj"), None, "total.energy_pj"),
        (("layers",), {}, "layers"),
        (("schema",), "simulator.workload/1", "schema = 'simulator.workload/1'"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(tmp_path, path, value, words):
    data = json.loads(run().to_json())
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(SimulatorError, match=rf"result\.json: {words}"):
        load_result(written(tmp_path, data))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "NaN", '{"schema": 1}', "[" * 5000, '{"schema": "simulator.result/1"}']
)
def test_garbage_is_one_error(tmp_path, text):
    with pytest.raises(SimulatorError, match=r"result\.json"):
        load_result(written(tmp_path, text))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(field=st.sampled_from(sorted(json.loads(run().to_json()))), value=json_values)
def test_a_field_of_any_value_is_read_or_is_one_error(tmp_path_factory, field, value):
    data = json.loads(run().to_json()) | {field: value}
    path = tmp_path_factory.mktemp("fuzz") / "result.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    try:
        back = load_result(path)
    except SimulatorError as fault:
        message = str(fault)
    else:
        message = f"result.json {back.to_json()}"
    assert "result.json" in message


def test_the_form_has_every_field_of_a_result():
    schema = result_json_schema()
    assert set(ResultForm.model_fields) == (set(RunResult.__dataclass_fields__) - {"schema", "timeline"}) | {"schema_"}
    assert set(schema["$defs"]["LayerForm"]["properties"]) == set(LayerResult.__dataclass_fields__)
    assert set(schema["$defs"]["TotalForm"]["properties"]) == set(Total.__dataclass_fields__)


def test_the_published_schema_is_current(project):
    published = json.loads((project / "docs" / "schema" / "result.json").read_text(encoding="utf-8"))
    assert published == result_json_schema(), "rewrite docs/schema/result.json"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("layers", 0, "cycles"), 999, r"layers\[0\]\.cycles \(in 'conv'\) = 999: issue \+ idle \+ tail = 1000"),
        (("layers", 0, "tail_cycles"), 7, r"layers\[0\]\.cycles"),
        (("layers", 0, "dram_late_because"), {"bus": 3}, r"layers\[0\]\.dram_late_because .* adds up to 3"),
        (("layers", 0, "utilization"), 7.5, r"layers\[0\]\.utilization \(in 'conv'\) = 7.5: is more than 1"),
        (("total", "cycles"), 1, r"total\.cycles = 1: the layers give 1000"),
        (("layers", 0, "cycles"), "1000", r"layers\[0\]\.cycles \(in 'conv'\) = '1000'"),
    ],
)
def test_a_result_that_contradicts_itself_is_refused(tmp_path, path, value, words):
    test_a_wrong_field_is_named_with_its_file(tmp_path, path, value, words)


def test_layers_without_the_same_parts_still_make_a_csv(tmp_path):
    data = json.loads(run(layer("a"), layer("b", start=1000)).to_json())
    data["layers"][0]["energy_pj"] = {"moonlight": 8e6}
    data["total"]["energy_by_component_pj"] = {"mac": 2e6, "dram": 6e6, "moonlight": 8e6}
    data["layers"][1]["idle_cycles"] = {"moon_phase": 200}
    header, *rows = load_result(written(tmp_path, data)).to_csv().splitlines()
    assert "idle_moon_phase_cycles" in header
    assert {row.count(",") for row in rows} == {header.count(",")}


def _use(path, change):
    data = json.loads(simulate("lenet5_int8", "gemmini_like_16", fidelity="bandwidth").to_json())
    change(data["layers"][0]["pe_use"])
    path.write_text(json.dumps(data), encoding="utf-8")


def test_the_use_of_pes_is_read_back(tmp_path):
    path = tmp_path / "r.json"
    _use(path, lambda use: None)
    result = load_result(path)
    assert result.layers[0].pe_use["rows"] == 16
    assert json.loads(result.to_json())["layers"][0]["pe_use"]["blocks"] == [
        list(block) for block in result.layers[0].pe_use["blocks"]
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda use: use["blocks"].append([0, 0, 1, 1, 5]), "the mean of its PEs"),
        (lambda use: use["blocks"][0].__setitem__(3, 99), "reaches over the 16 x 16 array"),
    ],
)
def test_a_use_of_pes_that_cannot_be_is_refused(tmp_path, change, words):
    path = tmp_path / "r.json"
    _use(path, change)
    with pytest.raises(SimulatorError, match=words):
        load_result(path)


def test_a_cores_part_of_a_layer_adds_up_or_is_refused(tmp_path):
    machine = load_accelerator("gemmini_like_16", overrides=["cores=2", "core_split=K"])
    whole = simulate("lenet5_int8", machine, fidelity="bandwidth")
    path = tmp_path / "cores.json"
    path.write_text(whole.to_json(), encoding="utf-8")
    assert load_result(path).to_json() == whole.to_json()
    data = whole.to_dict()
    index, layer = next((i, one) for i, one in enumerate(data["layers"]) if one.get("cores"))
    changed = [dict(part) for part in layer["cores"]]
    changed[0]["cycles"] += 1
    layer["cores"] = changed
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(SimulatorError, match=rf"layers\[{index}\].cores\[0\].cycles \(in .*: issue \+ idle \+ tail = "):
        load_result(path)
