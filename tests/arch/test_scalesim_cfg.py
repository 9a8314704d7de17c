import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.arch import load_accelerator, scalesim_cfg
from simulator.arch.scalesim_cfg import ScaleSimConfig, read_scalesim_cfg, to_accelerator_dict
from simulator.errors import ArchitectureError

WHOLE = """\
[general]
run_name = "tpu"

[architecture_presets]
ArrayHeight:    12
ArrayWidth = 14
IfmapSramSzkB:   36
FilterSramSzkB:   64
OfmapSramSzkB:    32
IfmapOffset:    1
FilterOffset:   2
OfmapOffset:    3
Bandwidth : 10, 20, 30
Dataflow : ws
MemoryBanks:   1

[layout]
IfmapCustomLayout: False

[sparsity]
SparsitySupport : true
SparseRep : csr
OptimizedMapping : false
BlockSize : 8
RandomNumberGeneratorSeed : 41

[run_presets]
InterfaceBandwidth: USER
UseRamulatorTrace: False
"""
LEAST = """\
[architecture_presets]
ArrayHeight: 4
ArrayWidth: 8
IfmapSramSzkB: 1
FilterSramSzkB: 2
OfmapSramSzkB: 3
Dataflow: os
"""


@pytest.fixture
def config(tmp_path):
    def write(text: str | bytes) -> ScaleSimConfig:
        path = tmp_path / "x.cfg"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_scalesim_cfg(path)

    return write


def test_a_whole_configuration(config, tmp_path):
    assert config(WHOLE) == ScaleSimConfig(
        file=str(tmp_path / "x.cfg"),
        run_name="tpu",
        array_rows=12,
        array_columns=14,
        ifmap_sram_kb=36,
        filter_sram_kb=64,
        ofmap_sram_kb=32,
        dataflow="ws",
        bandwidth_words=(10, 20, 30),
        interface_bandwidth="USER",
        ifmap_offset=1,
        filter_offset=2,
        ofmap_offset=3,
        sparsity_support=True,
        sparse_representation="csr",
        optimized_mapping=False,
        block_size=8,
        random_seed=41,
        ignored=(
            "line 15: [architecture_presets] MemoryBanks",
            "line 18: [layout] IfmapCustomLayout",
            "line 29: [run_presets] UseRamulatorTrace",
        ),
    )


def test_everything_v3_added_is_optional(config, tmp_path):
    assert config(LEAST) == ScaleSimConfig(str(tmp_path / "x.cfg"), "x", 4, 8, 1, 2, 3, "os")


@pytest.mark.parametrize(
    "text",
    [
        LEAST.replace("\n", "\r\n"),
        "\ufeff" + LEAST,
        LEAST.upper(),
        LEAST.replace(":", " = "),
        LEAST.replace("[architecture_presets]\n", ""),
        LEAST.replace("\n", "   # a remark\n"),
        LEAST.replace("\n", "\n; remark: with a colon\n"),
        LEAST.replace("\n", "\n   "),
        LEAST.replace("SzkB", "Sz"),
        LEAST.replace("ArrayWidth: 8", "ArrayWidth: 8.0"),
        LEAST + "ArrayWidth: 8\n",
    ],
)
def test_every_spelling_reads_the_same(config, text):
    assert config(text) == config(LEAST)


def test_keys_count_in_whatever_section_they_stand(config):
    text = LEAST + "SparsitySupport : yes\nInterfaceBandwidth: user\n[sparsity]\nBandwidth : 60\n"
    read = config(text)
    assert (read.sparsity_support, read.interface_bandwidth, read.bandwidth_words) == (True, "USER", (60,))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ArrayWidth: 8\n", "", "ArrayWidth is missing; add"),
        ("ArrayWidth", "ArrayWith", "ArrayWidth is missing (did you mean 'ArrayWith'?)"),
        ("Dataflow: os\n", "", "Dataflow is missing"),
        ("Width: 8", "Width: 0", "line 3: ArrayWidth = '0'; give a whole number from 1"),
        ("Width: 8", "Width: eight", "line 3: ArrayWidth = 'eight'; give a whole number"),
        ("Width: 8", "Width: 8.5", "line 3: ArrayWidth = '8.5'"),
        ("Width: 8", "Width: 99999999999", "line 3: ArrayWidth = '99999999999'"),
        ("Width: 8", "Width:", "line 3: ArrayWidth = ''"),
        ("Width: 8", "Width 8", "line 3: 'ArrayWidth 8' is neither"),
        ("Width: 8", "Width: 8\narraywidth: 9", "line 4: arraywidth = '9'; line 3 says '8'"),
        ("Dataflow: os", "Dataflow: rs", "line 7: Dataflow = 'rs'; give one of os, ws, is"),
        (
            "Dataflow: os",
            "Dataflow: os\nInterfaceBandwidth: FAST",
            "line 8: InterfaceBandwidth = 'FAST'; give one of CALC",
        ),
        ("Dataflow: os", "Dataflow: os\nInterfaceBandwidth: USER", "Bandwidth is missing"),
        ("Dataflow: os", "Dataflow: os\nBandwidth: 1,,2", "line 8: Bandwidth = '1,,2'"),
        (
            "Dataflow: os",
            "Dataflow: os\nSparsitySupport: maybe",
            "line 8: SparsitySupport = 'maybe'; give true or false",
        ),
        ("Dataflow: os", "Dataflow: os\nBlockSize: -1", "line 8: BlockSize = '-1'"),
    ],
)
def test_errors_name_line_field_value_and_remedy(config, old, new, words):
    assert old in LEAST
    with pytest.raises(ArchitectureError, match=r"x\.cfg: ") as caught:
        config(LEAST.replace(old, new))
    assert words in str(caught.value)


def test_files_that_are_no_configuration(config, tmp_path, monkeypatch):
    with pytest.raises(ArchitectureError, match="no such file"):
        read_scalesim_cfg(tmp_path / "none.cfg")
    with pytest.raises(ArchitectureError, match="cannot be read"):
        read_scalesim_cfg(tmp_path)
    with pytest.raises(ArchitectureError, match="cannot be read"):
        config(b"\xff\xfe\x00")
    monkeypatch.setattr(scalesim_cfg, "MAX_FILE_BYTES", 10)
    with pytest.raises(ArchitectureError, match="larger than 10 bytes"):
        config(LEAST)


def file_or_error(config, text: str | bytes) -> str:
    try:
        return config(text).file
    except ArchitectureError as error:
        return str(error)


@given(st.text(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_configuration_or_one_clear_error(config, text):
    assert "x.cfg" in file_or_error(config, text.encode("utf-8", "surrogatepass"))


@given(
    st.lists(st.sampled_from([*LEAST.splitlines(), "Dataflow: is", "=", ":", "[", "x:", "Bandwidth: 3"]), max_size=12)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shuffled_lines_are_a_configuration_or_one_clear_error(config, lines):
    assert "x.cfg" in file_or_error(config, "\n".join(lines))


def test_the_accelerator_has_the_files_array_and_buffers(config, tmp_path):
    read = config(WHOLE)
    accelerator = load_accelerator(tmp_path / "x.cfg")
    assert accelerator.name == "tpu"
    assert (accelerator.array.rows, accelerator.array.columns, accelerator.array.dataflows) == (12, 14, ("ws",))
    assert {
        operand: (accelerator.buffer_of(operand).capacity_bytes, accelerator.buffer_of(operand).slots)
        for operand in ("ifmap", "weight", "psum")
    } == {"ifmap": (36 * 1024, 2), "weight": (64 * 1024, 2), "psum": (32 * 1024, 2)}
    assert accelerator.dram_bytes_per_cycle == 60
    assert read.interface_bandwidth == "USER"
    assert "Bandwidth" in accelerator.sources["dram.bandwidth_bytes_per_second"]


def test_calc_mode_has_bandwidth_for_all_the_array_asks(config):
    described = to_accelerator_dict(config(LEAST))
    assert described["dram"]["bandwidth_bytes_per_second"] / described["clock_hz"] >= 4 + 8 + 4 * 8
    assumed = {key for key, source in described["sources"].items() if source.startswith("assumed")}
    assert {"clock_hz", "dram.bandwidth_bytes_per_second", "dram.latency_cycles", "array.psum_bits"} <= assumed


def test_an_array_larger_than_ours_is_refused_clearly(config, tmp_path):
    config(LEAST.replace("ArrayHeight: 4", "ArrayHeight: 5000"))
    with pytest.raises(ArchitectureError, match=r"x\.cfg[\s\S]*rows"):
        load_accelerator(tmp_path / "x.cfg")
