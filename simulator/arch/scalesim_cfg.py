"""SCALE-Sim configuration files (.cfg): read, checked, and put into our own terms.

The files are ini: ``key : value`` or ``key = value``, keys in any case, under ``[general]``,
``[architecture_presets]``, ``[layout]``, ``[sparsity]`` and ``[run_presets]``. Versions moved keys between sections,
and v3 added some that older files lack: a key counts wherever it stands, and everything v3 added is optional. Keys that
say nothing here are listed, not refused; the tool passes over them too.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from simulator.errors import ArchitectureError, did_you_mean
from simulator.units import KIB

MAX_FILE_BYTES = 1 << 20
MAX_VALUE = 2**31 - 1
ASSUMED_CLOCK_HZ = 1e9

_REQUIRED = ("ArrayHeight", "ArrayWidth", "IfmapSramSzkB", "FilterSramSzkB", "OfmapSramSzkB", "Dataflow")
_OPTIONAL = (
    "run_name",
    "IfmapOffset",
    "FilterOffset",
    "OfmapOffset",
    "Bandwidth",
    "InterfaceBandwidth",
    "SparsitySupport",
    "SparseRep",
    "OptimizedMapping",
    "BlockSize",
    "RandomNumberGeneratorSeed",
)
# SCALE-Sim v1 wrote the sizes without their unit.
_OLDER_NAMES = {"ifmapsramsz": "ifmapsramszkb", "filtersramsz": "filtersramszkb", "ofmapsramsz": "ofmapsramszkb"}
_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True, slots=True)
class ScaleSimConfig:
    """What a SCALE-Sim configuration says.

    Attributes
    ----------
    file : str
    run_name : str
    array_rows, array_columns : int
        Processing elements.
    ifmap_sram_kb, filter_sram_kb, ofmap_sram_kb : int
        Scratchpads [KiB], of 1-byte words, double-buffered.
    dataflow : {"os", "ws", "is"}
    bandwidth_words : tuple of int
        DRAM [words/cycle], one number or one an operand; empty where the file has none.
    interface_bandwidth : {"CALC", "USER"}
        CALC: reads never stall; USER: ``bandwidth_words`` binds.
    ifmap_offset, filter_offset, ofmap_offset : int
        First addresses [words].
    sparsity_support : bool
        Whether the topology's N:M column counts.
    sparse_representation : str
    optimized_mapping : bool
        Row-wise random sparsity instead of the topology's N:M.
    block_size, random_seed : int
        Of the optimized mapping.
    ignored : tuple of str
        Keys that say nothing to us, as ``line 12: [layout] IfmapSRAMBankNum``.
    """

    file: str
    run_name: str
    array_rows: int
    array_columns: int
    ifmap_sram_kb: int
    filter_sram_kb: int
    ofmap_sram_kb: int
    dataflow: Literal["os", "ws", "is"]
    bandwidth_words: tuple[int, ...] = ()
    interface_bandwidth: Literal["CALC", "USER"] = "CALC"
    ifmap_offset: int = 0
    filter_offset: int = 10_000_000
    ofmap_offset: int = 20_000_000
    sparsity_support: bool = False
    sparse_representation: str = "ellpack_block"
    optimized_mapping: bool = False
    block_size: int = 4
    random_seed: int = 40
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    """One ``key : value`` and where it stands."""

    file: str
    line: int
    section: str
    key: str
    value: str

    def error(self, remedy: str) -> ArchitectureError:
        return ArchitectureError(f"{self.file}: line {self.line}: {self.key} = {self.value[:60]!r}; {remedy}")


class _Entries:
    """The file's entries by lower-case key, with one reader for each kind of value."""

    def __init__(self, file: str, entries: Mapping[str, _Entry]) -> None:
        self.file = file
        self.by_key = entries

    def find(self, key: str) -> _Entry | None:
        return self.by_key.get(key.lower())

    def number(self, key: str, default: int, lowest: int = 1) -> int:
        entry = self.find(key)
        return default if entry is None else _whole_number(entry, entry.value, lowest)

    def text(self, key: str, default: str) -> str:
        entry = self.find(key)
        return default if entry is None or not entry.value else entry.value.strip("\"'")

    def flag(self, key: str) -> bool:
        entry = self.find(key)
        if entry is None:
            return False
        if entry.value.lower() not in _BOOLEANS:
            raise entry.error("give true or false")
        return _BOOLEANS[entry.value.lower()]

    def choice(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        entry = self.find(key)
        if entry is None:
            return default
        for word in allowed:
            if entry.value.lower() == word.lower():
                return word
        raise entry.error(f"give one of {', '.join(allowed)}")


def read_scalesim_cfg(path: Path) -> ScaleSimConfig:
    """Read a SCALE-Sim configuration of any version.

    Parameters
    ----------
    path : Path
        The ``.cfg`` file.

    Raises
    ------
    ArchitectureError
        The file cannot be read, a line is no ``key : value``, a key is missing, doubled or has an impossible value:
        names file, line, field, value and remedy.
    """
    entries = _parse(_read(path), str(path))
    _check_required(entries)
    interface = entries.choice("InterfaceBandwidth", ("CALC", "USER"), "CALC")
    return ScaleSimConfig(
        file=str(path),
        run_name=entries.text("run_name", path.stem),
        array_rows=entries.number("ArrayHeight", 1),
        array_columns=entries.number("ArrayWidth", 1),
        ifmap_sram_kb=entries.number("IfmapSramSzkB", 1),
        filter_sram_kb=entries.number("FilterSramSzkB", 1),
        ofmap_sram_kb=entries.number("OfmapSramSzkB", 1),
        dataflow=entries.choice("Dataflow", ("os", "ws", "is"), "ws"),  # type: ignore[arg-type] # one of the allowed
        bandwidth_words=_bandwidth(entries, interface),
        interface_bandwidth=interface,  # type: ignore[arg-type] # one of the allowed
        ifmap_offset=entries.number("IfmapOffset", 0, lowest=0),
        filter_offset=entries.number("FilterOffset", 10_000_000, lowest=0),
        ofmap_offset=entries.number("OfmapOffset", 20_000_000, lowest=0),
        sparsity_support=entries.flag("SparsitySupport"),
        sparse_representation=entries.text("SparseRep", "ellpack_block"),
        optimized_mapping=entries.flag("OptimizedMapping"),
        block_size=entries.number("BlockSize", 4),
        random_seed=entries.number("RandomNumberGeneratorSeed", 40, lowest=0),
        ignored=_ignored(entries),
    )


def _ignored(entries: _Entries) -> tuple[str, ...]:
    return tuple(f"line {entry.line}: [{entry.section}] {entry.key}" for entry in _unread(entries))


def _unread(entries: _Entries) -> list[_Entry]:
    known = {key.lower() for key in (*_REQUIRED, *_OPTIONAL)}
    return [entry for key, entry in entries.by_key.items() if key not in known]


def _check_required(entries: _Entries) -> None:
    for key in _REQUIRED:
        if entries.find(key) is None:
            hint = did_you_mean(key, [entry.key for entry in _unread(entries)])
            message = f"{entries.file}: {key} is missing{hint}; add `{key} : ...` to [architecture_presets]"
            raise ArchitectureError(message)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            message = f"{path}: larger than {MAX_FILE_BYTES} bytes; this is no SCALE-Sim configuration"
            raise ArchitectureError(message)
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        message = f"{path}: no such file; give the path of a SCALE-Sim .cfg"
        raise ArchitectureError(message) from None
    except (OSError, ValueError) as problem:
        message = f"{path}: cannot be read ({problem}); give a readable UTF-8 SCALE-Sim .cfg"
        raise ArchitectureError(message) from None


def _parse(text: str, file: str) -> _Entries:
    entries: dict[str, _Entry] = {}
    section = "no section"
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        line = re.split(r"(?:^|\s)[#;]", raw, maxsplit=1)[0].strip()
        if not line:
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip().lower()
            continue
        key, separator, value = _split(line)
        if not separator or not key:
            message = f"{file}: line {number}: {line[:60]!r} is neither [section] nor key : value; correct or remove it"
            raise ArchitectureError(message)
        entry = _Entry(file, number, section, key, value)
        name = _OLDER_NAMES.get(key.lower(), key.lower())
        if name in entries and entries[name].value != value:
            raise entry.error(f"line {entries[name].line} says {entries[name].value[:60]!r}; keep one of them")
        entries.setdefault(name, entry)
    return _Entries(file, entries)


def _split(line: str) -> tuple[str, str, str]:
    match = re.search(r"[:=]", line)
    if match is None:
        return line, "", ""
    return line[: match.start()].strip(), match.group(), line[match.end() :].strip()


def _whole_number(entry: _Entry, text: str, lowest: int) -> int:
    match = re.fullmatch(r"\+?([0-9]{1,12})(\.0{0,12})?", text.strip())
    if match is None or not lowest <= int(match.group(1)) <= MAX_VALUE:
        raise entry.error(f"give a whole number from {lowest} to {MAX_VALUE}")
    return int(match.group(1))


def _bandwidth(entries: _Entries, interface: str) -> tuple[int, ...]:
    entry = entries.find("Bandwidth")
    if entry is None:
        if interface == "USER":
            message = (
                f"{entries.file}: Bandwidth is missing, which InterfaceBandwidth = USER needs; "
                "add `Bandwidth : 10` (words a cycle) to [architecture_presets], or use CALC"
            )
            raise ArchitectureError(message)
        return ()
    return tuple(_whole_number(entry, part, 1) for part in entry.value.rstrip(", ").split(","))


def to_accelerator_dict(config: ScaleSimConfig) -> dict[str, Any]:
    """Return ``config`` as an accelerator description, yet to be checked by ``parse_accelerator``.

    The tool's own choices are kept where it states them (three double-buffered scratchpads of 1-byte words, folds that
    load before they stream); what it does not have (clock, accumulator width, DRAM latency, energy) is ours and marked
    ``assumed`` in ``sources``. DRAM is one port, shared by the operands, of the ``Bandwidth`` words a cycle (summed
    where the file gives one an operand); in CALC mode, where reads never stall, it is as wide as everything the array
    can ask for in a cycle.

    Parameters
    ----------
    config : ScaleSimConfig

    Returns
    -------
    dict
        In the form of a ``simulator.accelerator/1`` file.
    """
    words_per_cycle = sum(config.bandwidth_words) if config.interface_bandwidth == "USER" else _unstalled(config)
    file = Path(config.file).name
    return {
        "schema": "simulator.accelerator/1",
        "name": config.run_name[:128] or "scalesim",
        "paper": f"SCALE-Sim configuration {file}",
        "clock_hz": ASSUMED_CLOCK_HZ,
        "array": {
            "rows": config.array_rows,
            "columns": config.array_columns,
            "dataflows": [config.dataflow],
            "weight_shadow": False,
            "os_drain": "separate_chain",
        },
        "precision": {"law": "fixed", "pairs": [{"ifmap_bits": 8, "weight_bits": 8}]},
        "buffers": [
            _buffer("ifmap_sram", "ifmap", config.ifmap_sram_kb),
            _buffer("filter_sram", "weight", config.filter_sram_kb),
            _buffer("ofmap_sram", "psum", config.ofmap_sram_kb),
        ],
        "dram": {"bandwidth_bytes_per_second": words_per_cycle * ASSUMED_CLOCK_HZ},
        "sources": _sources(config, file),
    }


def _unstalled(config: ScaleSimConfig) -> int:
    return 4 * (config.array_rows + 2 * config.array_columns)  # both edges and the drain, at 4-byte accumulators


def _buffer(name: str, operand: str, capacity_kb: int) -> dict[str, Any]:
    return {"name": name, "capacity_bytes": capacity_kb * KIB, "operands": [operand], "slots": 2, "word_bits": 8}


def _sources(config: ScaleSimConfig, file: str) -> dict[str, str]:
    user = config.interface_bandwidth == "USER"
    return {
        "clock_hz": "assumed: SCALE-Sim counts cycles only",
        "array.rows": f"{file}: ArrayHeight",
        "array.columns": f"{file}: ArrayWidth",
        "array.dataflows": f"{file}: Dataflow",
        "array.weight_shadow": "SCALE-Sim 3.0.0: each fold loads before it streams",
        "array.os_drain": "SCALE-Sim 3.0.0: a fold of T + rows + columns - 2 cycles leaves none for the drain",
        "array.psum_bits": "assumed: SCALE-Sim has no widths",
        "precision": "assumed: 1-byte words, hence int8",
        "buffers.ifmap_sram": f"{file}: IfmapSramSzkB",
        "buffers.filter_sram": f"{file}: FilterSramSzkB",
        "buffers.ofmap_sram": f"{file}: OfmapSramSzkB",
        "dram.bandwidth_bytes_per_second": f"{file}: Bandwidth, 1-byte words" if user else "assumed: CALC never stalls",
        "dram.latency_cycles": "assumed: SCALE-Sim's DRAM answers at once",
        "technology": "assumed: a SCALE-Sim configuration names none",
    }
