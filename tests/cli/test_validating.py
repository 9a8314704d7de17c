"""``simulator validate``."""

import json

from simulator.validation.chips import CHIPS


def test_a_chip_is_shown_with_verdicts_and_written_whole(call, tmp_path):
    path = tmp_path / "eyeriss_v2.json"
    result = call("validate", "eyeriss_v2", "--json", path)
    assert result.exit_code == 0, result.stderr
    assert "verdict" in result.stdout
    data = json.loads(path.read_text())
    assert data["schema"] == "simulator.validation/1"
    assert data["chip"] == "eyeriss_v2"
    assert {"name", "quantity", "unit", "reference", "simulated", "error_pct", "target_pct", "tag", "verdict"} == set(
        data["rows"][0]
    )


def test_the_real_layer_of_eie_is_exact(call, reference_dir):
    path = reference_dir / "eie" / "alex8.npz"
    result = call("validate", "eie", "--data", path, "--queue-depth", "8")
    assert result.exit_code == 0, result.stderr
    assert "7,926" in result.stdout


def test_the_data_is_never_written_over(refused, reference_dir, tmp_path):
    layer = tmp_path / "layer"  # without a suffix, and by another name
    layer.write_bytes((reference_dir / "eie" / "alex8.npz").read_bytes())
    (tmp_path / "link.json").symlink_to(layer)
    before = layer.read_bytes()
    for output in (layer, tmp_path / "link.json"):
        assert "would be replaced" in refused("validate", "eie", "--data", layer, "--json", output)
    folder = tmp_path / "masks"
    folder.mkdir()
    (folder / "cycles.json").write_text("{}")
    assert "would be replaced" in refused("validate", "eyeriss_v2", "--data", folder, "--json", folder / "cycles.json")
    assert layer.read_bytes() == before
    assert (folder / "cycles.json").read_text() == "{}"


def test_an_unknown_chip_is_answered_with_the_known(refused):
    told = refused("validate", "eyeris_v2")
    assert "did you mean 'eyeriss_v2'?" in told
    assert all(chip in told for chip in CHIPS)


def test_options_of_one_chip_need_one(refused, tmp_path):
    assert "name one of" in refused("validate", "--data", tmp_path)
    assert "name one of" in refused("validate", "--json", tmp_path / "a.json")


def test_what_cannot_be_read_or_written_is_named(refused, tmp_path):
    assert "none.npz" in refused("validate", "eie", "--data", tmp_path / "none.npz")
    assert "missing" in refused("validate", "eie", "--json", tmp_path / "missing" / "a.json")
    assert "queue" in refused("validate", "eie", "--queue-depth", "0")


def test_parity_is_drawn_and_sweeps_where_a_chip_has_them(call, refused, tmp_path, reference_dir):
    result = call("validate", "eie", "--plots", tmp_path / "figures")
    assert result.exit_code == 0, result.stderr
    parity = ["eie_parity.csv", "eie_parity.png", "eie_parity.svg"]
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == [
        *parity,
        "eie_sweeps.csv",
        "eie_sweeps.png",
        "eie_sweeps.svg",
    ]
    result = call("validate", "eyeriss_v2", "--plots", tmp_path / "one")
    assert result.exit_code == 0, result.stderr
    assert {path.stem for path in (tmp_path / "one").iterdir()} == {"eyeriss_v2_parity"}
    assert "name one of" in refused("validate", "--plots", tmp_path)


def test_evidence_is_written_for_a_chip(call, refused, tmp_path, reference_dir):
    result = call("validate", "eyeriss_v2", "--write", tmp_path / "evidence")
    assert result.exit_code == 0, result.stderr
    found = sorted(path.name for path in (tmp_path / "evidence").iterdir())
    assert found == ["eyeriss_v2.csv", "eyeriss_v2.md", "eyeriss_v2.png"]
    assert "## eyeriss_v2" in (tmp_path / "evidence" / "eyeriss_v2.md").read_text()
    (tmp_path / "file").touch()
    assert "--write" in refused("validate", "eyeriss_v2", "--write", tmp_path / "file")
