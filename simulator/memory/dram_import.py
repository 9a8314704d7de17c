"""Reading DRAM descriptions: DRAMsim3 ``.ini`` files, the reference's JSON form, and our own. Knows no kernels.

DRAMsim3 ignores a key that it does not know and takes a default instead (a misspelt refresh interval once halved the
refresh rate of fifteen published files). Here an unknown key is an error, and only what the format leaves out by
convention has a default.
"""

import configparser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simulator.documents import read_json
from simulator.errors import ArchitectureError, did_you_mean
from simulator.memory.dram_address import field_positions
from simulator.memory.dram_config import DramConfig, bits_for
from simulator.memory.dram_faults import faults

_STRUCTURE_KEYS = (
    "protocol bankgroups banks_per_group bankgroup_enable rows columns device_width bl num_dies hbm_dual_cmd"
)
_TIMING_KEYS = (
    "tck al cl cwl trcd trcdrd trcdwr trp tras trfc trfc2 trfc4 trfcb trefi refi trefib trpre twpre trrd_s trrd_l "
    "twtr_s twtr_l tfaw t32aw twr twr2 trtp trtp_l trtp_s tccd_s tccd_l tcke tckesr tcksre txs txp trtrs tppd "
    "ideal_memory_latency"
)
_POWER_KEYS = "vdd idd0 ipp0 idd2p idd2n idd3p idd3n idd4w idd4r idd5ab idd5pb idd6x"
_SYSTEM_KEYS = (
    "channel_size channels bus_width address_mapping queue_structure refresh_policy row_buf_policy cmd_queue_size "
    "trans_queue_size unified_queue write_buf_size enable_self_refresh sref_threshold aggressive_precharging_enabled"
)
_REQUIRED_CYCLES = "cl cwl trp tras trfc trefi trrd_s tfaw tccd_s twtr_s twr"
_CURRENTS = "idd0 idd2n idd3n idd4r idd4w idd5ab"

_KNOWN_KEYS = {
    "dram_structure": frozenset(_STRUCTURE_KEYS.split()),
    "timing": frozenset(_TIMING_KEYS.split()),
    "power": frozenset(
        _POWER_KEYS.split(),
    ),
    "system": frozenset(_SYSTEM_KEYS.split()),
}
_IGNORED_SECTIONS = frozenset({"other", "thermal"})
_JSON_KEYS = frozenset({"params", "ini", "inject_width", "row_stride", "cap"})
_REFRESH_POLICIES = {"RANK_LEVEL_STAGGERED": "rank_staggered", "RANK_LEVEL_SIMULTANEOUS": "rank_simultaneous"}
_QUEUE_STRUCTURES = {"PER_BANK": "bank", "PER_RANK": "rank"}
_PAGE_POLICIES = {"OPEN_PAGE": "open", "CLOSE_PAGE": "close"}
_TRUTHS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class _Ini:
    """The sections of one ``.ini`` as text, with a source to name in errors."""

    def __init__(self, sections: Mapping[str, Mapping[str, str]], source: str) -> None:
        self.sections = sections
        self.source = source

    def text(self, section: str, key: str, default: str | None = None) -> str:
        value = self.sections.get(section, {}).get(key, default)
        if value is None:
            raise ArchitectureError(f"{self.source}: [{section}] lacks the key {key!r}: add it")
        return value

    def integer(self, section: str, key: str, default: int | None = None) -> int:
        return int(self._number(section, key, default, int))

    def real(self, section: str, key: str) -> float:
        return float(self._number(section, key, None, float))

    def _number(self, section: str, key: str, default: int | None, kind: type[int] | type[float]) -> float:
        text = self.text(section, key, None if default is None else str(default))
        try:
            return kind(text)
        except ValueError as error:
            wanted = "a whole number" if kind is int else "a number"
            raise ArchitectureError(f"{self.source}: [{section}] {key} is {text!r}: give {wanted}") from error

    def truth(self, section: str, key: str, *, default: bool) -> bool:
        text = self.text(section, key, str(default)).lower()
        return bool(self._one_of(section, key, text, _TRUTHS))

    def choice(self, section: str, key: str, default: str, choices: Mapping[str, str]) -> str:
        return str(self._one_of(section, key, self.text(section, key, default), choices))

    def _one_of(self, section: str, key: str, text: str, choices: Mapping[str, object]) -> object:
        if text not in choices:
            raise ArchitectureError(f"{self.source}: [{section}] {key} is {text!r}: use one of {', '.join(choices)}")
        return choices[text]

    def has(self, section: str, key: str) -> bool:
        return key in self.sections.get(section, {})


def load_dram_config(path: str | Path) -> DramConfig:
    """Read a DRAM description: a DRAMsim3 ``.ini``, the reference's ``{"params", "ini", ...}`` JSON, or our own JSON.

    Parameters
    ----------
    path
        The file; the suffix ``.ini`` chooses that form.

    Raises
    ------
    ArchitectureError
        If the file cannot be read, has an unknown key or one twice, or describes no possible device.
    """
    source = str(path)
    if Path(path).exists() and not Path(path).is_file():  # a pipe or device may never end
        raise ArchitectureError(f"{source}: is no regular file; give the path of an .ini or .json file")
    name = Path(path).stem
    if Path(path).suffix != ".ini":
        content = read_json(Path(path), ArchitectureError)
        if not isinstance(content, dict):
            raise ArchitectureError(f"{source}: the DRAM description must be a JSON object")
        return dram_config_from_mapping(content, source=source, name=name)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ArchitectureError(f"{source}: cannot read the DRAM description: {error}") from error
    return dram_config_from_ini(text, source=source, name=name)


def dram_config_from_mapping(content: Mapping[str, Any], *, source: str, name: str = "dram") -> DramConfig:
    """Return the description in ``content``: the reference's form if it has ``ini``, else our own."""
    if "ini" not in content and "params" not in content:
        return _validated(content, source)
    for key in content:
        if key not in _JSON_KEYS:
            raise ArchitectureError(f"{source}: unknown key {key!r}{did_you_mean(key, _JSON_KEYS)}: remove it")
    sections = content.get("ini")
    if not isinstance(sections, dict) or not all(isinstance(section, dict) for section in sections.values()):
        raise ArchitectureError(f"{source}: 'ini' must map sections to keys and values")
    lowered = _lowered({section: _lowered(keys, source) for section, keys in sections.items()}, source)
    config = _from_sections(lowered, source, name, content.get("inject_width", 1))
    params = content.get("params", {})
    if not isinstance(params, dict):
        raise ArchitectureError(f"{source}: 'params' must be an object of derived numbers")
    _cross_check(config, params, source)
    return config


def dram_config_from_ini(text: str, *, source: str, name: str = "dram", inject_width: int = 1) -> DramConfig:
    """Return the description in DRAMsim3 ``.ini`` ``text``; keys in any case, comments after ``;`` or ``#``."""
    parser = configparser.ConfigParser(inline_comment_prefixes=(";", "#"), interpolation=None)
    try:
        parser.read_string(text, source=source)
    except configparser.Error as error:
        message = " ".join(str(error).split())
        raise ArchitectureError(f"{source}: not an .ini file: {message}") from error
    sections = _lowered({section: dict(parser.items(section)) for section in parser.sections()}, source)
    return _from_sections(sections, source, name, inject_width)


def _lowered(named: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return sections, or the keys of one, by their names in small letters; what is said twice is refused."""
    lowered: dict[str, Any] = {}
    for name, value in named.items():
        if name.lower() in lowered:
            raise ArchitectureError(f"{source}: {name!r} occurs twice, in large and small letters: remove one")
        lowered[name.lower()] = value if isinstance(value, dict) else str(value)
    return lowered


def _from_sections(
    sections: Mapping[str, Mapping[str, str]], source: str, name: str, inject_width: object
) -> DramConfig:
    for section, keys in sections.items():
        if section in _IGNORED_SECTIONS:
            continue
        if section not in _KNOWN_KEYS:
            raise ArchitectureError(f"{source}: unknown section [{section}]{did_you_mean(section, _KNOWN_KEYS)}")
        for key in keys:
            if key not in _KNOWN_KEYS[section]:
                guess = did_you_mean(key, _KNOWN_KEYS[section])
                raise ArchitectureError(
                    f"{source}: [{section}] has the unknown key {key!r}{guess}: correct or remove it"
                )
    cleaned = {
        section: {key: value.split(";")[0].strip() for key, value in keys.items()} for section, keys in sections.items()
    }
    ini = _Ini(cleaned, source)
    content = {
        "name": name,
        "organization": _organization(ini),
        "timing": _timing(ini),
        "policy": _policy(ini),
        "power": _power(ini),
        "inject_width": inject_width,
    }
    return _validated(content, source, imported=True)


def _organization(ini: _Ini) -> dict[str, object]:
    structure, counts = "dram_structure", _counts(ini)
    protocol = ini.text(structure, "protocol")
    groups, banks = counts["bankgroups"], counts["banks_per_group"]
    if not ini.truth(structure, "bankgroup_enable", default=True):
        groups, banks = 1, groups * banks
    columns = counts["columns"]
    if protocol.startswith("GDDR"):
        columns *= counts["bl"]  # the format counts whole bursts there
    elif protocol.startswith("HBM"):
        columns *= 2  # and prefetches of two beats here
    rank_bytes = columns * counts["bus_width"] // 8 * counts["rows"] * groups * banks
    channel_bytes = ini.integer("system", "channel_size") << 20
    if channel_bytes <= 0 or channel_bytes > rank_bytes << 10:
        raise ArchitectureError(
            f"{ini.source}: [system] channel_size is {channel_bytes >> 20} MiB, with ranks of {rank_bytes >> 20} MiB: "
            "give one to 1024 ranks"
        )
    return {
        "protocol": protocol,
        "channels": ini.integer("system", "channels"),
        # A channel smaller than one rank of these devices has one rank all the same, as the format has it.
        "ranks": max(1, channel_bytes // rank_bytes),
        "bank_groups": groups,
        "banks_per_group": banks,
        "rows": counts["rows"],
        "columns": columns,
        "device_width_bits": counts["device_width"],
        "bus_width_bits": counts["bus_width"],
        "burst_length": counts["bl"],
        "address_mapping": ini.text("system", "address_mapping"),
    }


def _counts(ini: _Ini) -> dict[str, int]:
    keys = ("bankgroups", "banks_per_group", "rows", "columns", "device_width", "bl")
    counts = {key: ini.integer("dram_structure", key) for key in keys}
    counts["bus_width"] = ini.integer("system", "bus_width")
    for key, value in counts.items():
        if value <= 0:
            raise ArchitectureError(f"{ini.source}: {key} is {value}: it must be above zero")
        if value & (value - 1):
            raise ArchitectureError(
                f"{ini.source}: {key} is {value}: address bits select it, so it must be a power of two"
            )
    return counts


def _timing(ini: _Ini) -> dict[str, object]:
    section = "timing"
    protocol = ini.text("dram_structure", "protocol")
    if ini.has(section, "refi") and ini.text(section, "refi") != ini.text(section, "trefi"):
        raise ArchitectureError(
            f"{ini.source}: [timing] refi is {ini.text(section, 'refi')} beside trefi = {ini.text(section, 'trefi')}: "
            "keep trefi alone"
        )
    required = _REQUIRED_CYCLES.split()
    cycles = {key: ini.integer(section, key) for key in required}
    grouped = ini.integer("dram_structure", "bankgroups") > 1
    for name in ("trrd", "tccd", "twtr"):
        cycles[f"{name}_l"] = ini.integer(section, f"{name}_l", None if grouped else cycles[f"{name}_s"])
    # What the format leaves out by convention; HBM files give trtp_s/trtp_l, which DRAMsim3 replaces by 5.
    defaults = {"al": 0, "trtp": 5, "trtrs": 2, "tppd": 0, "t32aw": 330}
    cycles |= {key: ini.integer(section, key, default) for key, default in defaults.items()}
    apart = protocol.startswith(("GDDR", "HBM"))
    cycles["trcd_read"] = ini.integer(section, "trcdrd" if apart else "trcd")
    cycles["trcd_write"] = ini.integer(section, "trcdwr" if apart else "trcd")
    timing: dict[str, object] = {f"{key}_cycles": value for key, value in cycles.items()}
    return timing | {"clock_period_ns": ini.real(section, "tck")}


def _policy(ini: _Ini) -> dict[str, object]:
    if ini.truth("system", "enable_self_refresh", default=False):
        raise ArchitectureError(
            f"{ini.source}: [system] enable_self_refresh is on, which is not modelled: switch it off"
        )
    ini.truth("system", "aggressive_precharging_enabled", default=False)  # DRAMsim3 reads it and does nothing with it
    dual_command = ini.truth("dram_structure", "hbm_dual_cmd", default=True)
    return {
        "page": ini.choice("system", "row_buf_policy", "OPEN_PAGE", _PAGE_POLICIES),
        "command_queues": ini.choice("system", "queue_structure", "PER_BANK", _QUEUE_STRUCTURES),
        "command_queue_entries": ini.integer("system", "cmd_queue_size", 16),
        "transaction_queue_entries": ini.integer("system", "trans_queue_size", 32),
        "unified_queue": ini.truth("system", "unified_queue", default=False),
        "dual_command": dual_command and ini.text("dram_structure", "protocol").startswith("HBM"),
        "refresh": ini.choice("system", "refresh_policy", "RANK_LEVEL_STAGGERED", _REFRESH_POLICIES),
        "drains_last_writes": False,  # DRAMsim3 leaves them in the write buffer
    }


def _power(ini: _Ini) -> dict[str, float] | None:
    if "power" not in ini.sections:
        return None
    currents = {f"{key}_ma": ini.real("power", key) for key in _CURRENTS.split()}
    return {"vdd_v": ini.real("power", "vdd"), **currents}


def _validated(content: Mapping[str, Any], source: str, *, imported: bool = False) -> DramConfig:
    try:
        return DramConfig.model_validate(content, strict=False)
    except ValidationError as error:
        raise ArchitectureError(f"{source}: {'; '.join(faults(error, imported=imported))}") from error


def _cross_check(config: DramConfig, params: Mapping[str, object], source: str) -> None:
    """Compare the derived numbers a reference file carries with ours: a difference means a misread file."""
    organization, timing = config.organization, config.timing
    positions = {f"{field}_pos": position for field, position in field_positions(organization).items()}
    derived = {
        "tCK": timing.clock_period_ns,
        "RL": timing.read_latency_cycles,
        "WL": timing.write_latency_cycles,
        "burst_cycle": organization.burst_cycles,
        "request_bytes": organization.request_bytes,
        "ranks": organization.ranks,
        "tREFI_effective": timing.trefi_cycles,
        "channels": organization.channels,
        "shift_bits": bits_for(organization.request_bytes),
        "devices_per_rank": organization.devices_per_rank,
        **positions,
    }
    for key, value in derived.items():
        if key in params and params[key] != value:
            raise ArchitectureError(
                f"{source}: params.{key} is {params[key]!r} but the ini section means {value!r}: "
                "'ini' is authoritative, correct or remove the parameter"
            )
