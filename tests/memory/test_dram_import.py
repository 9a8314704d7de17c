"""The reference's own file forms are read exactly, and nothing in them is ignored in silence."""

import json

import pytest

from simulator.errors import ArchitectureError
from simulator.memory.dram_import import dram_config_from_ini, dram_config_from_mapping, load_dram_config
from tests.memory.dram_cases import small_config

INI = """
[dram_structure]
protocol = DDR4 ; the standard
bankgroups = 4
banks_per_group = 4
rows = 65536
columns = 1024
device_width = 8
BL = 8
[timing]
tCK = 0.83
CL = 17
CWL = 12
tRCD = 17
tRP = 17
tRAS = 39
tRFC = 420
tREFI = 9360
tRRD_S = 4
tRRD_L = 6
tWTR_S = 3
tWTR_L = 9
tFAW = 26
tWR = 18
tRTP = 9
tCCD_S = 4
tCCD_L = 6
tRTRS = 1
[system]
channel_size = 16384
channels = 1
bus_width = 64
address_mapping = rochrababgco
cmd_queue_size = 8
trans_queue_size = 32
[thermal]
anything = goes
"""


def reference_form(**changes):
    config = {"dram_structure": {}, "timing": {}, "system": {}}
    section = None
    for line in INI.strip().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif section in config:
            key, value = line.split(";")[0].split("=")
            config[section][key.strip().lower()] = value.strip()
    return {"ini": config, "params": {}, "inject_width": 1, "row_stride": 1, "cap": 1} | changes


def test_both_forms_mean_the_same():
    from_ini = dram_config_from_ini(INI, source="a.ini")
    assert from_ini == dram_config_from_mapping(reference_form(), source="a.json")
    assert from_ini.organization.ranks == 2
    assert from_ini.timing.trcd_write_cycles == 17
    assert not from_ini.policy.drains_last_writes
    assert not from_ini.policy.dual_command


def test_our_own_form_round_trips(tmp_path):
    config = small_config()
    path = tmp_path / "small.json"
    path.write_text(config.model_dump_json(), encoding="utf-8")
    assert load_dram_config(path) == config


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[timing]\ntRASS = 39", "unknown key 'trass' \\(did you mean 'tras'\\?\\)"),
        ("[timng]\ntRAS = 39", "unknown section \\[timng\\] \\(did you mean 'timing'\\?\\)"),
        ("[timing]\nREFI = 7800", "refi is 7800 beside trefi = 9360"),
        ("[timing]\nCL = fast", "cl is 'fast': give a whole number"),
        ("[timing]\nCL = 17.5", "cl is '17.5': give a whole number"),
        ("[timing]\ntCK = fast", "tck is 'fast': give a number"),
        ("[system]\nchannels = 0", "channels is 0"),
        ("[system]\nqueue_structure = PER_CHANNEL", "use one of PER_BANK, PER_RANK"),
        ("[system]\nrefresh_policy = BANK_LEVEL_STAGGERED", "use one of RANK_LEVEL"),
        ("[system]\nenable_self_refresh = True", "not modelled"),
        ("[system]\naddress_mapping = rochrabababgco", "doubles the field 'ba'"),
        ("[dram_structure]\nrows = 0", "rows is 0"),
        ("[dram_structure]\nrows = 65535", "rows is 65535: .* power of two"),
    ],
)
def test_a_fault_in_a_file_is_named_with_file_and_field(line, words):
    section, entry = line.split("\n")
    key = entry.split("=")[0].strip()
    kept = [one for one in INI.splitlines() if one.split("=")[0].strip() != key]
    text = "\n".join(kept)
    text = text.replace(section, line) if section in text else f"{text}\n{line}"
    with pytest.raises(ArchitectureError, match=words) as caught:
        dram_config_from_ini(text, source="faulty.ini")
    assert "faulty.ini" in str(caught.value)


@pytest.mark.parametrize("key", ["CL", "tREFI", "tCCD_L", "protocol", "bus_width"])
def test_a_missing_number_is_not_guessed(key):
    text = "\n".join(line for line in INI.splitlines() if line.split("=")[0].strip() != key)
    with pytest.raises(ArchitectureError, match=f"lacks the key '{key.lower()}'"):
        dram_config_from_ini(text, source="short.ini")


@pytest.mark.parametrize("text", ["[timing", "[timing]\nCL = 1\nCL = 2", "no section = 1", "[timing]\n= 3"])
def test_text_that_is_no_ini_file_is_refused(text):
    with pytest.raises(ArchitectureError):
        dram_config_from_ini(text, source="broken.ini")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inject_widht": 1}, "did you mean 'inject_width'"),
        ({"ini": 3}, "'ini' must map"),
        ({"ini": {"timing": [1]}}, "'ini' must map"),
        ({"params": {"RL": 99}}, "params.RL is 99 but the ini section means 17"),
        ({"params": []}, "'params' must be an object"),
        ({"inject_width": 0}, "inject_width is 0"),
        ({"inject_width": "many"}, "inject_width is 'many'"),
    ],
)
def test_a_fault_in_the_reference_form_is_named(changes, words):
    with pytest.raises(ArchitectureError, match=words):
        dram_config_from_mapping(reference_form(**changes), source="faulty.json")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[1, 2]", b"{", b"null", b"[" * 100_000])
def test_a_file_that_is_no_description_is_refused(tmp_path, content):
    path = tmp_path / "faulty.json"
    path.write_bytes(content)
    with pytest.raises(ArchitectureError, match=r"faulty\.json"):
        load_dram_config(path)
    with pytest.raises(ArchitectureError, match=r"absent\.ini"):
        load_dram_config(tmp_path / "absent.ini")


def test_a_number_said_twice_is_no_number(tmp_path):
    path = tmp_path / "twice.json"
    text = json.dumps(reference_form()).replace('"tras": ', '"tras": "40", "tras": ')
    path.write_text(text)
    with pytest.raises(ArchitectureError, match=r"twice\.json.*key 'tras' occurs twice"):
        load_dram_config(path)
    path.write_text(text.replace('"tras": "40"', '"tRAS": "40"'))
    with pytest.raises(ArchitectureError, match=r"twice\.json: 'tras' occurs twice, in large and small letters"):
        load_dram_config(path)
    for again in ("[timing]", "[TIMING]"):
        with pytest.raises(ArchitectureError, match=r"twice\.ini.*(already exists|'TIMING' occurs twice)"):
            dram_config_from_ini(f"{INI}{again}\ntRAS = 40\n", source="twice.ini")


def test_an_unknown_field_of_our_own_form_gets_a_suggestion():
    content = json.loads(small_config().model_dump_json())
    content["timing"]["trass_cycles"] = 3
    with pytest.raises(ArchitectureError, match=r"timing\.trass_cycles' \(did you mean 'tras_cycles'"):
        dram_config_from_mapping(content, source="own.json")


def test_hbm_and_gddr_count_columns_their_own_way():
    hbm = INI.replace("= DDR4 ;", "= HBM ;").replace("tRCD = 17", "tRCDRD = 17\ntRCDWR = 16").replace("tRTP = 9\n", "")
    config = dram_config_from_ini(hbm, source="hbm.ini")
    assert config.organization.columns == 2048
    assert config.policy.dual_command
    assert (config.timing.trcd_write_cycles, config.timing.trtp_cycles) == (16, 5)
    gddr = hbm.replace("= HBM ;", "= GDDR5 ;")
    assert dram_config_from_ini(gddr, source="gddr.ini").organization.columns == 8192


def test_every_reference_configuration_is_read(reference_dir):
    paths = sorted((reference_dir / "dram" / "configs").glob("*.json"))
    assert paths
    for path in paths:
        config = load_dram_config(path)
        content = json.loads(path.read_text(encoding="utf-8"))
        assert config.organization.capacity_bytes == content["cap"]


def test_what_dramsim3_reads_and_does_nothing_with_is_taken():
    text = INI.replace("[system]", "[system]\naggressive_precharging_enabled = True\nwrite_buf_size = 16")
    assert dram_config_from_ini(text, source="x.ini") == dram_config_from_ini(INI, source="x.ini")


def test_queues_of_ranks_are_taken():
    text = INI.replace("[system]", "[system]\nqueue_structure = PER_RANK")
    assert dram_config_from_ini(text, source="x.ini").policy.command_queues == "rank"
