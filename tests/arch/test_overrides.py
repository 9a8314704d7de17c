"""``PATH=VALUE`` overrides: what they change, what they mark, what they refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.arch import load_accelerator, numbers
from simulator.arch.overrides import OVERRIDDEN, UNSOURCED
from simulator.errors import ArchitectureError


def overridden(*overrides):
    return load_accelerator("tpu_like_128", overrides=overrides)


def sources(accelerator):
    return {number.path: number.source for number in numbers(accelerator)}


@pytest.mark.parametrize(
    "path", ["buffers.unified.slots", "buffers[0].slots", "buffers.0.slots", " buffers[unified].slots"]
)
def test_a_list_is_entered_by_name_or_index(path):
    accelerator = overridden(f"{path}=1")
    assert accelerator.buffer_of("ifmap").slots == 1
    assert sources(accelerator)["buffers.unified.slots"] == OVERRIDDEN
    assert sources(accelerator)["buffers.unified.banks"].startswith("assumed")


def test_values_are_json_or_a_bare_word():
    accelerator = overridden(
        'array.dataflows=["os"]', "array.weight_shadow=false", "technology.node_nm=28", "name=mine", "clock_hz=1e9"
    )
    assert accelerator.array.dataflows == ("os",)
    assert not accelerator.array.weight_shadow
    assert (accelerator.technology.node_nm, accelerator.name, accelerator.clock_hz) == (28, "mine", 1e9)
    assert overridden("technology.node_nm=28", "technology.node_nm=null").technology.node_nm is None


def test_a_field_the_file_does_not_say_can_be_set():
    accelerator = overridden("array.psum_bus_words_per_cycle=4", "vector.operations_per_element.resize=3")
    assert accelerator.array.psum_bus_words_per_cycle == 4
    assert accelerator.vector.operations_per_element["resize"] == 3
    assert sources(accelerator)["vector.operations_per_element.resize"] == OVERRIDDEN


def test_replacing_a_part_marks_all_of_its_numbers():
    accelerator = overridden('precision={"pairs": [{"ifmap_bits": 16, "weight_bits": 16}]}')
    assert sources(accelerator)["precision.pairs.0.ifmap_bits"] == OVERRIDDEN
    assert not any(path.startswith("precision.pairs.1") for path in accelerator.sources)
    assert sources(accelerator)["precision.pairs.0.macs_per_pe_cycle"] == UNSOURCED  # the default, which nobody chose


def test_a_source_can_be_given_along():
    accelerator = overridden("array.rows=64", "sources.array.rows=my floor plan")
    assert sources(accelerator)["array.rows"] == "my floor plan"


def test_the_described_object_is_not_changed():
    before = load_accelerator("tpu_v1")
    after = load_accelerator(before, overrides=["array.rows=8"])
    assert (before.array.rows, after.array.rows) == (256, 8)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("array.rows", "write PATH=VALUE"),
        ("=3", "write PATH=VALUE"),
        ("array..rows=3", "write PATH=VALUE"),
        ("array.rowz=3", "no field 'rowz' in array (did you mean 'rows'?) (allowed: kind, rows, columns,"),
        ("arrays.rows=3", "no field 'arrays' (did you mean 'array'?)"),
        ("buffers.unified_buffer.slots=3", "no field 'unified_buffer' in buffers (did you mean 'unified'?)"),
        ("buffers[7].slots=3", "no field '7' in buffers"),
        ("buffers[-1].slots=3", "no field '-1' in buffers"),
        ("name.rows=3", "name = 'tpu_like_128' is a plain value"),
        ("array.rows=NaN", "not finite"),
        ("array.rows=1e999", "not finite"),
        ("array.rows=0", "array.rows = 0: input should be greater than or equal to 1; change it"),
        ("array.rows=many", "array.rows = 'many'"),
        ("array.dataflows=os", "give a JSON list, even of one item"),
        ("array={}", "array.rows: is missing"),
        ("buffers=[]", "buffers"),
        ("vector.operations_per_element.softmx.x=3", "no field 'softmx'"),
        ("sources=3", "sources = 3"),
        ("array.rows=" + "[" * 100_000, "nested too deeply"),
        ("name=\ud800", "tpu_like_128"),
    ],
)
def test_an_override_that_leads_nowhere_is_refused(override, told):
    with pytest.raises(ArchitectureError) as caught:
        overridden(override)
    assert told in str(caught.value)


def test_an_override_after_a_spoilt_one_is_refused_not_followed():
    with pytest.raises(ArchitectureError, match="plain value"):
        overridden("buffers=3", "buffers.unified.slots=1")
    with pytest.raises(ArchitectureError, match="sources"):
        overridden("sources=3", "array.rows=64")


@given(st.text(max_size=30), st.text(max_size=10))
def test_any_override_is_obeyed_or_refused(path, value):
    try:
        overridden(f"{path}={value}")
    except ArchitectureError:
        return


@given(st.sampled_from(sorted(sources(load_accelerator("tpu_v1")))), st.integers(1, 64))
def test_every_number_can_be_overridden_by_its_own_path(path, value):
    try:
        accelerator = load_accelerator("tpu_v1", overrides=[f"{path}={value}"])
    except ArchitectureError as refused:
        assert path.rpartition(".")[2] in str(refused)  # noqa: PT017 - a bound of the field, not of the path
        return
    found = {number.path: number for number in numbers(accelerator)}
    assert (found[path].value, found[path].source) == (value, OVERRIDDEN)
