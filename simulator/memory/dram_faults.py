"""What is wrong with a DRAM description, in the words of the file that it was read from."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from simulator.errors import did_you_mean
from simulator.memory.dram_config import DramConfig

_PARTS = ("organization", "timing", "policy", "power")
_KEYS = {
    "protocol": "[dram_structure] protocol",
    "channels": "[system] channels",
    "ranks": "ranks ([system] channel_size over a rank's size)",
    "bank_groups": "[dram_structure] bankgroups",
    "banks_per_group": "[dram_structure] banks_per_group",
    "rows": "[dram_structure] rows",
    "columns": "[dram_structure] columns",
    "device_width_bits": "[dram_structure] device_width",
    "bus_width_bits": "[system] bus_width",
    "burst_length": "[dram_structure] bl",
    "address_mapping": "[system] address_mapping",
    "clock_period_ns": "[timing] tck",
    "trcd_read_cycles": "[timing] trcd (trcdrd)",
    "trcd_write_cycles": "[timing] trcd (trcdwr)",
    "command_queue_entries": "[system] cmd_queue_size",
    "transaction_queue_entries": "[system] trans_queue_size",
    "vdd_v": "[power] vdd",
}
_FIRST = re.compile(rf"^(?:(?:{'|'.join(_PARTS)})(?:\.|: ))?(\w+)(?= is | ')")
_CYCLES = re.compile(r"(?<!\] )\b(\w+)_cycles\b")
_CURRENT = re.compile(r"^power\.(\w+)_ma\b")


def faults(error: ValidationError, *, imported: bool) -> list[str]:
    """Return what is wrong, a line each: field, value and remedy.

    Parameters
    ----------
    error
        Of a :class:`DramConfig`.
    imported
        Whether it was read from an ``.ini`` form: its sections and keys are named then, not our fields.
    """
    lines = [_fault(dict(fault)) for fault in error.errors(include_url=False)]
    return [_in_keys(line) for line in lines] if imported else lines


def _fault(fault: Mapping[str, Any]) -> str:
    path = ".".join(str(part) for part in fault["loc"])
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        return f"unknown key {path!r}{did_you_mean(path.split('.')[-1], _own_fields())}: correct or remove it"
    shown = "" if isinstance(fault["input"], dict) or fault["type"] == "value_error" else f" is {fault['input']!r}"
    return f"{path}{shown}: {message}" if path else message


def _own_fields() -> set[str]:
    fields = set(DramConfig.model_fields)
    for part in _PARTS:
        annotation = DramConfig.model_fields[part].annotation
        fields |= set(getattr(annotation, "model_fields", {}))
    return fields


def _in_keys(line: str) -> str:
    """Return a line with the keys of an ``.ini`` for our fields."""
    found = _FIRST.match(line)
    if found and found[1] in _KEYS:
        line = _KEYS[found[1]] + line[found.end() :]
    line = _CURRENT.sub(r"[power] \1", line.removeprefix("timing."))
    return _CYCLES.sub(r"[timing] \1", line)
