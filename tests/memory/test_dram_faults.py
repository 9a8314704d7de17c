"""Messages name what the reader wrote: our fields, or the sections and keys of an ``.ini``."""

import json

import pytest

from simulator.errors import ArchitectureError
from simulator.memory.dram_import import dram_config_from_ini, dram_config_from_mapping
from tests.memory.dram_cases import small_config
from tests.memory.test_dram_import import INI

POWER = "\n[power]\nVDD = 1.2\nIDD2N = 34\nIDD3N = 44\nIDD4R = 140\nIDD4W = 120\nIDD5AB = 250\n"


@pytest.mark.parametrize(
    ("section", "line", "words"),
    [
        ("timing", "tRAS = 20", "[timing] tras is 20, less than tRCD + burst = 17 + 4"),
        ("timing", "tRAS = 20", "a row would close before its first burst; give at least 21"),
        ("timing", "CL = -1", "[timing] cl is -1: Input should be greater than or equal to 0"),
        ("timing", "tRCD = 99999999999", "[timing] trcd (trcdrd) is 99999999999: Input should be less than"),
        ("timing", "tCK = 0", "[timing] tck is 0.0: Input should be greater than 0"),
        ("timing", "tREFI = 400", "[timing] trefi is 400: refreshing (tRFC + tRC = "),
        ("timing", "tCCD_L = 3", "[timing] tccd_l is 3, less than [timing] tccd_s = 4"),
        ("system", "channels = 0", "[system] channels is 0: Input should be greater than 0"),
        ("system", "channels = 3", "[system] channels is 3: address bits select it"),
        ("system", "address_mapping = rochrababgba", "[system] address_mapping 'rochrababgba' doubles the field 'ba'"),
        ("system", "cmd_queue_size = 0", "[system] cmd_queue_size is 0: Input should be greater than 0"),
        ("dram_structure", "protocol = HMC", "[dram_structure] protocol is 'HMC': Input should be 'DDR3'"),
        ("power", "IDD0 = -1", "[power] idd0 is -1.0: Input should be greater than or equal to 0"),
    ],
)
def test_an_imported_file_is_told_in_its_own_keys(section, line, words):
    key = line.split(" = ")[0]
    kept = [one for one in INI.splitlines() if one.split("=")[0].strip() != key]
    power = POWER if section == "power" else ""
    text = ("\n".join(kept) + power).replace(f"[{section}]", f"[{section}]\n{line}")
    with pytest.raises(ArchitectureError) as caught:
        dram_config_from_ini(text, source="faulty.ini")
    assert str(caught.value).startswith("faulty.ini: ")
    assert words in str(caught.value)
    assert "_cycles" not in str(caught.value)


def test_our_own_form_is_told_in_its_own_fields():
    content = json.loads(small_config().model_dump_json())
    content["timing"]["cl_cycles"] = -1
    content["organization"]["channels"] = 0
    with pytest.raises(ArchitectureError, match=r"organization\.channels is 0: .*; timing\.cl_cycles is -1: "):
        dram_config_from_mapping(content, source="own.json")
