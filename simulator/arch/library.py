"""Finding accelerators: preset names, description files, and ``PATH=VALUE`` overrides."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulator.arch.arrays import with_kind
from simulator.arch.description import Accelerator
from simulator.arch.overrides import apply_override
from simulator.arch.profiles import load_profile
from simulator.documents import parse_form, read_json, write_atomically
from simulator.errors import ArchitectureError, did_you_mean

PRESET_FOLDER = Path(__file__).resolve().parent / "presets"


def preset_names() -> tuple[str, ...]:
    """Return the names of the built-in accelerators, sorted.

    Examples
    --------
    >>> "eyeriss_v1" in preset_names()
    True
    """
    return tuple(sorted(path.stem for path in PRESET_FOLDER.glob("*.json")))


def load_accelerator(accelerator: Accelerator | str | Path, *, overrides: Sequence[str] = ()) -> Accelerator:
    """Return an accelerator from a preset name, a ``.json`` description or a SCALE-Sim ``.cfg``.

    Parameters
    ----------
    accelerator : Accelerator, str or Path
        A description is returned as it is (after overrides).
    overrides : sequence of str
        ``PATH=VALUE`` with a dotted path; a list is entered by ``name`` or index, a value is JSON or a bare word.

    Raises
    ------
    ArchitectureError
        Unknown preset, unreadable file, unknown or impossible field.

    Examples
    --------
    >>> load_accelerator("tpu_like_128", overrides=["array.rows=64", "buffers.unified.slots=1"]).array.rows
    64
    """
    described = accelerator if isinstance(accelerator, Accelerator) else _load(str(accelerator))
    if not overrides:
        return described
    where = described.name if isinstance(accelerator, Accelerator) else str(accelerator)
    data = described.model_dump(mode="json", by_alias=True)
    for override in overrides:
        apply_override(data, override)
    return parse_accelerator(data, f"{where} --set {' '.join(overrides)}")


def _load(text: str) -> Accelerator:
    if text.lower().endswith(".cfg"):
        from simulator.arch.scalesim_cfg import read_scalesim_cfg, to_accelerator_dict

        return parse_accelerator(to_accelerator_dict(read_scalesim_cfg(Path(text))), text)
    if text.lower().endswith(".json") or "/" in text:
        return parse_accelerator(read_json(Path(text), ArchitectureError), text)
    names = preset_names()
    if text not in names:
        message = (
            f"accelerator {text!r}: no such preset{did_you_mean(text, names)} (presets: {', '.join(names)}); "
            "give one of them, or a .json or .cfg file"
        )
        raise ArchitectureError(message)
    return parse_accelerator(read_json(PRESET_FOLDER / f"{text}.json", ArchitectureError), text)


def parse_accelerator(data: object, where: str) -> Accelerator:
    """Check a description given as a JSON value; ``where`` is named in errors.

    Raises
    ------
    ArchitectureError
        With every fault of form at once, or an energy profile that does not exist.
    """
    accelerator = parse_form(Accelerator, with_kind(data), where, ArchitectureError)
    load_profile(accelerator.technology.profile)
    return accelerator


def save_accelerator(accelerator: Accelerator, path: Path | str) -> None:
    """Write a description to ``path``, whole or not at all.

    Raises
    ------
    ArchitectureError
        The folder is missing or not writable.
    """
    data = accelerator.model_dump(mode="json", by_alias=True)
    write_atomically(Path(path), json.dumps(data, indent=2, ensure_ascii=False) + "\n", ArchitectureError)


def accelerator_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of accelerator descriptions, published as ``docs/schema/accelerator.json``."""
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "simulator.accelerator/1"}
    return about | Accelerator.model_json_schema(by_alias=True)
