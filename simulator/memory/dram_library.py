"""Finding DRAM systems: preset names and description files. Knows no kernels."""

from pathlib import Path

from simulator.errors import ArchitectureError, did_you_mean
from simulator.memory.dram_config import DramConfig
from simulator.memory.dram_import import load_dram_config

DRAM_PRESET_FOLDER = Path(__file__).resolve().parent / "dram_presets"


def dram_preset_names() -> tuple[str, ...]:
    """Return the names of the built-in DRAM systems, sorted.

    Examples
    --------
    >>> dram_preset_names()
    ('ddr3_1600', 'ddr4_2400', 'ddr4_3200', 'hbm2', 'lpddr4_3200', 'lpddr5_6400')
    """
    return tuple(sorted(path.stem for path in DRAM_PRESET_FOLDER.glob("*.json")))


def load_dram(dram: DramConfig | str | Path) -> DramConfig:
    """Return a DRAM system from a preset name, a ``.json`` description or a DRAMsim3 ``.ini``.

    Parameters
    ----------
    dram : DramConfig, str or Path
        A description is returned as it is. Preset names are read with ``-`` for ``_`` and in any case.

    Raises
    ------
    ArchitectureError
        Unknown preset, unreadable file, unknown or impossible field.

    Examples
    --------
    >>> load_dram("DDR4-2400").peak_bytes_per_second
    19200000000.0
    """
    if isinstance(dram, DramConfig):
        return dram
    text = str(dram)
    if isinstance(dram, Path) or "/" in text or text.lower().endswith((".json", ".ini")):
        return load_dram_config(dram)
    names = dram_preset_names()
    name = text.lower().replace("-", "_")
    if name not in names:
        message = (
            f"DRAM {text!r}: no such preset{did_you_mean(name, names)} (presets: {', '.join(names)}); "
            "give one of them, or a .json or .ini file"
        )
        raise ArchitectureError(message)
    return load_dram_config(DRAM_PRESET_FOLDER / f"{name}.json")
