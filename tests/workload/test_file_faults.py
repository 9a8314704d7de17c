"""One line a fault: file, field, value, remedy."""

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from simulator.workload.faults import describe_faults
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
    ("data", "line"),
    [
        (form(layer=[]), "net.json: layer = []: unknown key (did you mean 'layers'?); rename or remove it"),
        (
            altered_layer(strides=[1, 1]),
            (
                "net.json: layers[0].strides (in 'stem') = [1, 1]: unknown key (did you mean 'stride'?); "
                "rename or remove it"
            ),
        ),
        (
            altered_layer(op="conv2"),
            "net.json: layers[0].op (in 'stem') = 'conv2': unknown (did you mean 'conv2d'?); give a known op",
        ),
        (altered_layer(op="teleport"), "net.json: layers[0].op (in 'stem') = 'teleport': unknown; give a known op"),
        (
            altered_tensor(precision={"bits": 8, "signd": True}),
            (
                "net.json: tensors[1].precision.signd (in 'w') = True: unknown key (did you mean 'signed'?); "
                "rename or remove it"
            ),
        ),
        (
            altered_tensor(sparsity={"kind": "uniform", "density": 0.5, "densty": 1}),
            (
                "net.json: tensors[1].sparsity.densty (in 'w') = 1: unknown key (did you mean 'density'?); "
                "rename or remove it"
            ),
        ),
        (
            altered_tensor(sparsity={"kind": "unifrm", "density": 0.5}),
            (
                "net.json: tensors[1].sparsity.kind (in 'w') = 'unifrm': unknown (did you mean 'uniform'?); "
                "give a known kind"
            ),
        ),
        (altered_tensor(sparsity={"density": 0.5}), "net.json: tensors[1].sparsity (in 'w'): has no 'kind'; add it"),
        (
            altered_tensor(precision={"bits": 0}),
            "net.json: tensors[1].precision.bits (in 'w') = 0: Input should be greater than or equal to 1",
        ),
        (
            altered_tensor(precision={"bits": 4, "kind": "imt"}),
            (
                "net.json: tensors[1].precision.kind (in 'w') = 'imt': Input should be 'int' or 'float' "
                "(did you mean 'int'?)"
            ),
        ),
        (
            altered_tensor(sparsity={"kind": "n_of_m", "n": 5, "m": 4}),
            "net.json: tensors[1].sparsity (in 'w'): n = 5 exceeds m = 4; give n <= m (2:4 is n = 2, m = 4)",
        ),
        (
            form(provenance={"licenc": "MIT"}),
            "net.json: provenance.licenc = 'MIT': unknown key (did you mean 'licence'?); rename or remove it",
        ),
    ],
)
def test_fault_names_field_value_and_remedy(data, line):
    assert told(data) == [line]


def test_unknown_key_without_a_near_one_lists_the_few_known():
    (line,) = told(altered_tensor(zzz=1))
    assert "(known: name, shape, precision, constant, sparsity)" in line


def test_missing_key():
    data = form()
    del data["layers"][0]["stride"]
    assert told(data) == ["net.json: layers[0].stride (in 'stem'): is missing; add it"]


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
    assert all(len(line) < 250 for line in lines)


def test_without_schema_or_data_it_still_tells():
    class Model(BaseModel):
        model_config = ConfigDict(extra="forbid")
        size: int

    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"size": "big", "sze": 1})
    lines = describe_faults("a.json", caught.value).splitlines()
    assert lines[0].startswith("a.json: size = 'big': ")
    assert lines[1] == "a.json: sze = 1: unknown key; rename or remove it"
