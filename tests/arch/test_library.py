"""Presets, files, and the published schema."""

import json

import pytest

from simulator.arch import load_accelerator, numbers, preset_names, save_accelerator
from simulator.arch.library import PRESET_FOLDER, accelerator_json_schema
from simulator.arch.overrides import UNSOURCED
from simulator.errors import ArchitectureError


@pytest.mark.parametrize("name", preset_names())
def test_every_number_of_a_preset_has_a_source(name):
    accelerator = load_accelerator(name)
    assert [number.path for number in numbers(accelerator) if number.source in ("", UNSOURCED)] == []


@pytest.mark.parametrize("name", preset_names())
def test_every_source_of_a_preset_says_which_paper_or_assumed(name):
    accelerator = load_accelerator(name)
    paths = {number.path for number in numbers(accelerator)}
    data = accelerator.model_dump(mode="json", by_alias=True)
    for path, source in accelerator.sources.items():
        published = (
            *("Jouppi et al.", "Genc et al.", "ucb-bar/gemmini", "inside static_power_w"),
            *("Han et al.", "Parashar et al.", "Zhang et al.", "Albericio et al.", "Chen et al.", "Chen, Emer and Sze"),
            *("Sharma et al.", "Ham et al.", "Judd et al.", "Lee et al.", "NVIDIA, ", "NVIDIA A100"),
        )
        assert source.startswith(("assumed", *published)), path
        parents, _, last = path.rpartition(".")
        assert path in paths or last in (data[parents] if parents else data), f"{path} names no field"


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_bears_its_files_name_and_a_paper(name):
    accelerator = load_accelerator(name)
    assert accelerator.name == name
    assert accelerator.paper


def test_published_organisations():
    tpu = load_accelerator("tpu_v1")
    peak_ops_per_second = 2 * tpu.peak_macs_per_cycle * tpu.clock_hz
    assert peak_ops_per_second == pytest.approx(92e12, rel=3e-3)
    assert sum(buffer.capacity_bytes for buffer in tpu.buffers if buffer.name != "weight_fifo") == 28 * 2**20
    assert tpu.buffer_of("weight").capacity_bytes == 4 * 256 * 256
    ridge_macs_per_byte = tpu.peak_macs_per_cycle / tpu.dram_bytes_per_cycle
    assert ridge_macs_per_byte == pytest.approx(1350, rel=1e-3)
    gemmini = load_accelerator("gemmini_like_16")
    assert gemmini.buffer_of("ifmap") is gemmini.buffer_of("weight")


def test_the_published_schema_is_current(project):
    published = json.loads((project / "docs" / "schema" / "accelerator.json").read_text(encoding="utf-8"))
    assert published == accelerator_json_schema(), "rewrite docs/schema/accelerator.json"


def test_a_saved_description_loads_to_the_same(tmp_path):
    before = load_accelerator("gemmini_like_16", overrides=["array.rows=8"])
    save_accelerator(before, tmp_path / "mine.json")
    assert load_accelerator(tmp_path / "mine.json") == before
    assert load_accelerator(before) is before


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("tpu_lik_128", r"did you mean 'tpu_like_128'\?.*presets: bitfusion, .*edge_like_32"),
        ("", "no such preset"),
        ("none.json", "none.json: no such file"),
        ("a/b", "no such file"),
    ],
)
def test_an_unknown_accelerator_is_refused(name, told):
    with pytest.raises(ArchitectureError, match=told):
        load_accelerator(name)


@pytest.mark.parametrize("content", ["[]", "3", "{", '{"name": "a", "name": "b"}', "{}", '{"array": [1]}'])
def test_a_file_without_sense_is_refused(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(ArchitectureError, match=r"a\.json: "):
        load_accelerator(path)


def test_presets_hold_nothing_but_descriptions():
    assert sorted(path.suffix for path in PRESET_FOLDER.iterdir()) == [".json"] * len(preset_names())
