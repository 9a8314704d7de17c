"""One line a fault: file, field, value, remedy."""

import pytest
from pydantic import ValidationError

from simulator.documents import describe_faults
from simulator.workload.files import SCHEMA, WorkloadFile, workload_json_schema


def form(**changes):
    layer = {"op": "conv2d", "name": "stem", "inputs": ["x", "w"], "outputs": ["y"]}
    layer |= {"stride": [1, 1], "dilation": [1, 1], "padding": [[0, 0], [0, 0]]}
    tensors = [{"name": "x", "shape": [1, 3, 8, 8]}, {"name": "w", "shape": [4, 3, 3, 3], "constant": True}]
    ends = {"inputs": ["x"], "outputs": ["y"]}
    return {"schema": SCHEMA, "name": "n", **ends, "tensors": tensors, "layers": [layer], **changes}


def told(data):
    with pytest.raises(ValidationError) as caught:
        WorkloadFile.model_validate(data)
    return describe_faults("net.json", caught.value, workload_json_schema(), data).splitlines()


def altered_layer(**changes):
    data = form()
    data["layers"][0] |= changes
    return data


def altered_tensor(**changes):
    data = form()
    data["tensors"][1] |= changes
    return data


@pytest.mark.parametrize(
    ("data", "told_of"),
    [
        (form(layer=[]), ("layer = []", "'layers'")),
        (altered_layer(strides=[1, 1]), ("layers[0].strides (in 'stem') = [1, 1]", "'stride'", "remove it")),
        (altered_layer(op="conv2"), ("layers[0]", "(in 'stem')", "op", "= 'conv2'", "did you mean 'conv2d'?")),
        (altered_layer(op="teleport"), ("layers[0]", "'teleport': unknown", "give a known op")),
        (altered_tensor(precision={"bits": 8, "signd": True}), ("precision.signd (in 'w') = True", "'signed'")),
        (
            altered_tensor(sparsity={"kind": "uniform", "density": 0.5, "densty": 1}),
            ("tensors[1].sparsity.densty (in 'w') = 1", "did you mean 'density'?"),
        ),
        (
            altered_tensor(sparsity={"kind": "unifrm", "density": 0.5}),
            ("tensors[1].sparsity", "'unifrm': unknown (did you mean 'uniform'?)"),
        ),
        (altered_tensor(sparsity={"density": 0.5}), ("tensors[1].sparsity (in 'w')", "kind", "add it")),
        (altered_tensor(precision={"bits": 0}), ("precision.bits (in 'w') = 0", "greater than or equal to 1")),
        (altered_tensor(precision={"bits": 4, "kind": "imt"}), ("precision.kind (in 'w') = 'imt'", "'int'")),
        (altered_tensor(sparsity={"kind": "n_of_m", "n": 5, "m": 4}), ("n = 5 exceeds m = 4", "give n <= m")),
        (form(provenance={"licenc": "MIT"}), ("provenance.licenc = 'MIT'", "'licence'")),
    ],
)
def test_fault_names_field_value_and_remedy(data, told_of):
    (line,) = told(data)
    assert line.startswith("net.json: ")
    assert all(part in line for part in told_of), line


def test_unknown_key_without_a_near_one_lists_the_known():
    (line,) = told(altered_tensor(zzz=1))
    assert "name, shape, precision, constant, sparsity" in line


def test_missing_key():
    data = form()
    del data["layers"][0]["stride"]
    (line,) = told(data)
    assert "layers[0].stride (in 'stem')" in line
    assert "missing" in line


def test_many_faults_are_counted_not_listed():
    lines = told(form(**{f"key_{i}": i for i in range(30)}))
    assert len(lines) == 9
    assert lines[-1] == "net.json: ... and 22 more faults"


def test_faults_stay_on_their_line_and_short():
    deep: object = 1
    for _ in range(500):
        deep = [deep]
    lines = told(form(**{"multi\nline": "a\nb", "long": "x" * 10_000, "deep": deep, "wide": list(range(10_000))}))
    assert len(lines) == 4
    assert all(len(line) < 1200 for line in lines)
