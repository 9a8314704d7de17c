"""``simulator run``: what it shows and writes, and what it refuses before it works."""

import csv
import io
import json
import re

import pytest

from simulator.arch import load_accelerator
from simulator.cli import compiling, running
from simulator.cli.running import read_mappings
from simulator.errors import MappingError
from simulator.machines.fidelity import DEFAULT_FIDELITY
from simulator.memory.dram_choice import with_dram
from tests.cli.conftest import SMALL


def test_a_run_shows_every_layer_and_the_totals(call):
    shown = call("run", *SMALL)
    assert shown.exit_code == 0, shown.output
    for words in ("lenet5_int8, batch 1", "gemmini_like_16", "horowitz-45nm", "c5", "latency", "prices", "OP/s/W"):
        assert words in shown.stdout


def test_the_default_accelerator_is_named_as_such(call):
    assert "tpu_like_128 (" in (shown := call("run", "lenet5_int8").stdout)
    assert "the default" in shown


def test_the_table_agrees_with_the_json(call, small_json):
    data = json.loads(small_json.read_text(encoding="utf-8"))
    shown = call("report", small_json).stdout
    assert f"({data['total']['cycles']:,} cycles)" in shown
    for layer in data["layers"]:
        assert f"{layer['cycles']:,}" in shown
    assert sum(layer["cycles"] for layer in data["layers"]) == data["total"]["cycles"]


def test_files_are_written_and_quiet_is_silent(call, tmp_path):
    files = [
        "--json",
        tmp_path / "r.json",
        "--csv",
        tmp_path / "r.csv",
        "--plots",
        tmp_path / "p",
        "--html",
        tmp_path / "h",
    ]
    shown = call("run", *SMALL, *files, "--quiet")
    assert (shown.exit_code, shown.output) == (0, "")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text(encoding="utf-8"))))
    data = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in rows] == [layer["name"] for layer in data["layers"]] + ["total"]
    assert len(list((tmp_path / "p").iterdir())) == 18


def test_options_reach_the_simulation(call, tmp_path):
    options = [
        "--batch",
        "2",
        "--dataflow",
        "os",
        "--objective",
        "energy",
        "--compat",
        "scalesim",
        "--set",
        "clock_hz=5e8",
    ]
    assert call("run", *SMALL, *options, "--json", tmp_path / "r.json").exit_code == 0
    data = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert (data["batch"], data["dataflow"], data["objective"], data["clock_hz"]) == (2, "os", "energy", 5e8)
    assert data["layers"][0]["compat_scalesim"]["total_cycles"] > 0


def test_mappings_of_a_result_can_be_given_back(call, small_json, tmp_path):
    assert call("run", *SMALL, "--mapping", small_json, "--json", tmp_path / "r.json").exit_code == 0
    before, after = (json.loads(path.read_text(encoding="utf-8")) for path in (small_json, tmp_path / "r.json"))
    assert after["total"] == before["total"]


def test_sparsity_changes_effectual_counts_and_warns(call, tmp_path):
    shown = call("run", *SMALL, "--sparsity", "2:4", "--json", tmp_path / "r.json")
    total = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["total"]
    assert 0.5 < total["effectual_macs"] / total["macs"] < 0.75  # c1 has one channel: 2:4 keeps it whole
    assert "nothing: gemmini_like_16 multiplies and moves zeros" in shown.stdout


def test_explain_and_the_imports_table_are_shown_on_request(call):
    shown = call("run", *SMALL, "--explain", "c3", "--imports-table").stdout
    assert "c3 (conv2d, ws):" in shown
    assert "no importer was needed" in shown


TOO_SMALL = [*SMALL]
for field, value in {"word_bits": 8, "banks": 1, "ports": "null", "capacity_bytes": 2}.items():
    TOO_SMALL += ["--set", f"buffers.accumulator.{field}={value}"]
REFUSED = [
    (["nonet"], "no such library workload"),
    (["lenet5_int"], "did you mean 'lenet5_int8'"),
    (["lenet5", "--arch", "tpu"], "no such preset"),
    (["lenet5", "--arch", ""], "no such preset"),
    (["lenet5", "--batch", "0"], "'--batch'"),
    (["lenet5", "--batch", "-1"], "'--batch'"),
    (["lenet5", "--batch", str(10**30)], "'--batch'"),
    (["lenet5", "--batch", "1.5"], "'--batch'"),
    (["lenet5", "--dataflow", "rs"], "dataflow 'rs'"),
    (["lenet5", "--fidelity", "exact"], "fidelity 'exact'"),
    (["lenet5", "--dram", "DDR4"], "DRAM 'DDR4': no such preset"),
    (["lenet5", "--trace", "none/t.json.gz"], "there is no folder none"),
    (["lenet5", "--compat", "timeloop"], "compat 'timeloop'"),
    (["lenet5", "--objective", "speed"], "objective 'speed'"),
    (["lenet5", "--sparsity", "1.5"], "--sparsity '1.5'"),
    (["lenet5", "--sparsity", "4:2"], "--sparsity '4:2'"),
    (["lenet5", "--sparsity", "m.npz"], "m.npz: cannot be read"),
    (["lenet5", "--sparsity", "c9=0.5"], "no multiply-accumulate layer 'c9'"),
    (["lenet5", "--seed", "-1"], "'--seed'"),
    (["lenet5", "--shape", "image=1,1,32,32"], "only ONNX models"),
    (["lenet5", "--set", "array.row=1"], "did you mean 'rows'"),
    (["lenet5", "--set", "array.rows=NaN"], "not finite"),
    (["lenet5", "--set", "array.rows=0"], "array.rows"),
    (["lenet5", "--set", "buffers.unified.capacity_bytes=-5"], "capacity_bytes"),
    (TOO_SMALL, "buffer 'accumulator' (2 bytes, 2 slots, for psum) is 6 bytes short"),
    (["lenet5", "--mapping", "none.json"], "none.json"),
    (["lenet5", "--explain", "c9"], "no such layer"),
    (["lenet5", "--json", "none/r.json"], "there is no folder none"),
    (["lenet5", "--plots", "none/p"], "there is no folder none"),
]


@pytest.mark.parametrize(("arguments", "words"), REFUSED, ids=[" ".join(case[0])[:60] for case in REFUSED])
def test_bad_input_is_one_message_and_no_file(refused, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    outputs = [] if "--json" in arguments else ["--json", "out.json"]
    assert words in refused("run", *arguments, *outputs)
    assert not list(tmp_path.iterdir())


LAYER = '{"name": "l", "op": "gemm", "inputs": ["x", "w"], "outputs": ["y"]}'
TENSORS = (
    '[{"name": "x", "shape": [1, 4]}, {"name": "w", "shape": [4, 4], "constant": true}, {"name": "y", "shape": [1, 4]}]'
)


def workload(**changes):
    parts = {"schema": '"simulator.workload/1"', "name": '"n"', "inputs": '["x"]', "outputs": '["y"]'}
    parts |= {"tensors": TENSORS, "layers": f"[{LAYER}]"} | changes
    return "{" + ", ".join(f'"{key}": {text}' for key, text in parts.items()) + "}"


HOSTILE = {
    "empty": "",
    "truncated": workload()[:60],
    "not utf-8": b"\xff\xfe\x00{",
    "deep": "[" * 100_000,
    "nan": workload(tensors=TENSORS.replace("[1, 4]", "[NaN, 4]")),
    "negative": workload(tensors=TENSORS.replace("[4, 4]", "[-4, 4]")),
    "absurd": workload(tensors=TENSORS.replace("[1, 4]", "[1e300, 4]")),
    "huge": workload(tensors=TENSORS.replace("[1, 4]", "[99999999999999999999, 4]")),
    "cycle": workload(layers=f"[{LAYER.replace(chr(34) + 'x', chr(34) + 'z')}, {LAYER.replace('l', 'm', 1)}]"),
    "self": workload(layers=f"[{LAYER.replace(chr(34) + 'x', chr(34) + 'y')}]", inputs="[]"),
    "unknown op": workload(layers=f"[{LAYER.replace('gemm', 'gem')}]"),
    "unknown key": workload(colour='"red"'),
    "wrong types": workload(layers='{"a": 1}'),
    "no layers": workload(layers="[]"),
    "another form": '{"schema": "simulator.result/1"}',
    "twice": '{"name": 1, "name": 2}',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_workload_is_one_message(refused, tmp_path, kind):
    path = tmp_path / "model.json"
    path.write_bytes(HOSTILE[kind] if isinstance(HOSTILE[kind], bytes) else HOSTILE[kind].encode())
    assert "n" in refused("run", path, "--json", tmp_path / "out.json")
    assert [item.name for item in tmp_path.iterdir()] == ["model.json"]


@pytest.mark.parametrize("suffix", [".onnx", ".csv", ".cfg"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\xff" * 50, b"[[[", b"a,b,c\n1,2,3\n", b"\x08\x08\x12\x04abcd"],
    ids=lambda text: f"{len(text)} bytes",
)
def test_a_hostile_file_of_another_tool_is_one_message(refused, tmp_path, suffix, content):
    path = tmp_path / f"model{suffix}"
    path.write_bytes(content)
    arguments = ["lenet5", "--arch", path] if suffix == ".cfg" else [path]
    assert f"model{suffix}" in refused("run", *arguments, "--json", tmp_path / "out.json")
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("text", ["[]", "1", '{"a": 1}', "{", '{"layers": 3, "x": 1}'])
def test_a_file_that_holds_no_mappings_is_refused(tmp_path, text):
    path = tmp_path / "m.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MappingError, match=r"m\.json"):
        read_mappings(path)


def test_the_files_that_are_read_are_not_written_over(refused, call, tmp_path):
    network, machine, mapping = (tmp_path / name for name in ("net.json", "machine.json", "mapping.json"))
    assert call("new", "workload", "-o", network).exit_code == 0
    assert call("new", "arch", "-o", machine).exit_code == 0
    mapping.write_text("{}", encoding="utf-8")
    before = [path.read_bytes() for path in (network, machine, mapping)]
    for option, path in (("--json", network), ("--csv", machine), ("--html", mapping)):
        message = refused("run", network, "--arch", machine, "--mapping", mapping, option, path)
        assert message.startswith(f"error: {option} {path}: is read by this command")
    assert [path.read_bytes() for path in (network, machine, mapping)] == before


def test_chains_run_depth_first(call, tmp_path):
    chain = ["--depth-first", "c1..s2:4", "--set", "buffers.scratchpad.resident_share=0.2", "--fidelity", "bandwidth"]
    run = ["run", "lenet5_int8", "--arch", "gemmini_like_16", *chain, "--explain", "c1@2"]
    shown = call(*run, "--json", tmp_path / "r.json").stdout
    assert "chains run stripe by stripe: DRAM traffic" in shown
    assert "c1@2 (conv2d, ws):" in shown
    total = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["total"]
    assert total["dram_bytes_without_depth_first"] > 0


def test_a_wrong_mapping_names_its_file(refused, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"nowhere": {"tile": {"P": 1}}}', encoding="utf-8")
    message = refused("run", *SMALL, "--mapping", path)
    assert f"--mapping {path}: mapping for 'nowhere': no such timed layer" in message


@pytest.mark.parametrize(
    ("arch", "options", "kernels"),
    [
        ("tpu_like_128", {}, "event"),
        ("tpu_like_128", {"fidelity": "event"}, "event"),
        ("tpu_like_128", {"fidelity": "bandwidth"}, "run"),
        ("eyeriss_v1", {}, "engine"),
    ],
)
def test_the_kernels_compiled_ahead_are_those_of_the_fidelity_that_runs(arch, options, kernels):
    """Event is the default: what a plain run needs is compiled in all processes at once, with a line that says so."""
    request = running.RunRequest("lenet5", arch, **options)
    assert running._kernels_of(request, load_accelerator(arch)) == kernels


def test_a_machine_without_a_known_dram_compiles_no_dram_unless_one_is_given():
    tpu = load_accelerator("tpu_like_128")
    machine = tpu.model_copy(update={"dram": tpu.dram.model_copy(update={"system": None, "standard": "link"})})
    assert running._kernels_of(running.RunRequest("lenet5"), machine) == "run"
    assert running._kernels_of(running.RunRequest("lenet5"), with_dram(machine, "ddr4_2400")) == "event"


def test_cores_that_share_a_scratchpad_have_kernels_of_their_own():
    machine = load_accelerator("edge_like_32", overrides=["cores=2", "last_level.capacity_bytes=65536"])
    for fidelity, work in ((None, "shared event"), ("bandwidth", "shared run")):
        assert running._kernels_of(running.RunRequest("lenet5", fidelity=fidelity), machine) == work
        assert work in compiling.STAGES


def test_another_dram_is_the_one_explained_shown_and_changed(call, tmp_path):
    files = ["--json", tmp_path / "r.json", "--html", tmp_path / "h.html"]
    shown = call("run", "lenet5_int8", "--arch", "edge_like_32", "--dram", "hbm2", "--explain", "c5", *files).stdout
    layers = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["layers"]
    cycles = next(layer["cycles"] for layer in layers if layer["name"] == "c5")
    assert re.search(rf"What helps c5 most: .*: {cycles:,} to ", shown)
    page = (tmp_path / "h.html").read_text(encoding="utf-8")
    assert '256,000,000,000.0</td><td class="left source">hbm2, given by the user' in page


def test_a_field_that_is_set_is_set_in_another_dram_too():
    overrides = ("clock_hz=5e8", "dram.bandwidth_bytes_per_second=512e9")
    machine = running._accelerator(running.RunRequest("lenet5", arch="edge_like_32", dram="hbm2", overrides=overrides))
    assert (machine.dram.system, machine.dram.bandwidth_bytes_per_second) == ("hbm2", 512e9)
    assert machine.dram.latency_cycles == 15  # 30 ns of that DRAM at the clock that was set


def test_several_workloads_run_at_once(call, tmp_path):
    files = ("--json", tmp_path / "both.json", "--html", tmp_path / "h.html", "--trace", tmp_path / "t.json.gz")
    together = ("--with", "lenet5", "--set", "cores=3", "--cores-for", "1,2", "--fidelity", "bandwidth")
    shown = call("run", *SMALL, *together, *files)
    assert shown.exit_code == 0, shown.output
    data = json.loads((tmp_path / "both.json").read_text(encoding="utf-8"))
    assert [(row["name"], row["cores"]) for row in data["workloads"]] == [("lenet5_int8", [0]), ("lenet5", [1, 2])]
    assert "lenet5, batch 1, on cores 1, 2" in shown.stdout
    assert f"({data['workloads'][0]['cycles']:,} cycles), alone" in shown.stdout
    assert "lenet5/c5" in (tmp_path / "h.html").read_text(encoding="utf-8")
    again = call("report", tmp_path / "both.json").stdout
    assert "waited while the DRAM served" in again


def test_one_workload_on_some_of_the_cores(call, tmp_path):
    shown = call("run", *SMALL, "--set", "cores=3", "--cores-for", "2", "--json", tmp_path / "r.json", "--quiet")
    assert shown.exit_code == 0, shown.output
    (row,) = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["workloads"]
    assert (row["cores"], row["slowdown"]) == ([0, 1], 1.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--with", "lenet5"), "2 workloads on 2 cores, and it has 1; give it more (--set cores=2)"),
        (("--with", "lenet5", "--cores-for", "2"), "--cores-for 2: give a whole number for each of the 2 workloads"),
        (("--with", "lenet5", "--cores-for", "1,x"), "--cores-for 1,x: give a whole number"),
        (("--with", "lenet5", "--set", "cores=2", "--explain", "c5"), "--explain c5: not with --with"),
        (("--with", "lenet5", "--compat", "scalesim"), "--compat scalesim: not with --with"),
        (("--with", "nosuch", "--set", "cores=2"), "workload 'nosuch'"),
    ],
)
def test_workloads_that_cannot_run_at_once_are_refused(refused, arguments, words):
    assert words in refused("run", *SMALL, *arguments)


def test_the_help_names_the_default_fidelity_that_runs(call):
    shown = " ".join(call("run", "--help").stdout.replace("│", " ").split())
    assert f"Without it: {DEFAULT_FIDELITY} on systolic arrays" in shown
