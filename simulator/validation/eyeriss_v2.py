"""Eyeriss v2's PE on real masks: an ideal PE beside its reference to the cycle, the published one shown."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.archives import read_arrays
from simulator.dataflow.eyeriss_v2_pe import preset, run_pe
from simulator.documents import read_json
from simulator.errors import ArchitectureError, WorkloadError
from simulator.validation.rows import Quantity, ValidationReport, ValidationRow, compare, reference_file

CHIP = "eyeriss_v2"

PUBLISHED_CYCLES = {"L07": 1_702_140, "L13": 1_144_158, "L21": 1_677_684, "L25": 948_572}
"""1x1 layers of sparse MobileNet-0.5 on one ideal PE: data of the Sparseloop artifact (MICRO 2022)."""

_CYCLES = Quantity("cycles", "cycles", "published", 0.0)
_SIMD_CYCLES = Quantity("simd2_cycles", "cycles", "predicted")
_NOTES = (
    "cycles: preset eyeriss_v2_pe_1mac, one multiplication a cycle and no fill: it checks masks, not timing.",
    "simd2_cycles: preset eyeriss_v2_pe, two lanes and seven stages, checked by its oracle only.",
    "The whole layer is one pass: the scratchpads' capacity limits are lifted.",
)


@dataclass(frozen=True)
class _Layer:
    name: str
    channels: int | None
    weights_shape: int | None
    pixels: int | None
    cycles: int | None


def validate_eyeriss_v2(data: Path | None = None, queue_depth: int | None = None) -> ValidationReport:
    """Compare the ideal PE with its reference cycles on real masks.

    Parameters
    ----------
    data
        A folder with one ``.npz`` of masks (``<layer>_weights_mc`` [outputs, channels / 8] and ``<layer>_iacts_pc``
        [pixels, channels / 8], bits packed along the channels) and a ``cycles.json`` of shapes and cycles.
    queue_depth
        The PE has no queues: must be None.

    Raises
    ------
    WorkloadError
        A file cannot be read, or masks and shapes do not fit.
    ArchitectureError
        A queue depth was given.
    """
    if queue_depth is not None:
        message = f"eyeriss_v2: queue depth {queue_depth} was given, but this PE has no queues; leave it out"
        raise ArchitectureError(message)
    folder = reference_file(CHIP) if data is None else data
    if folder is None:
        rows = tuple(compare(name, _CYCLES, cycles, None) for name, cycles in PUBLISHED_CYCLES.items())
        note = f"Not run: folder {CHIP} is absent; set SIMULATOR_REFERENCE_DIR or use --data."
        return ValidationReport(CHIP, rows, (*_NOTES, note))
    if not folder.is_dir():
        message = f"{folder}: is no folder; give one that holds cycles.json and an .npz of masks"
        raise WorkloadError(message)
    masks, path = _masks(folder)
    rows_of = [_layer_rows(layer, masks, path) for layer in _layers(folder / "cycles.json")]
    return ValidationReport(CHIP, tuple(row for rows in rows_of for row in rows), _NOTES)


def _layers(path: Path) -> list[_Layer]:
    document = read_json(path, WorkloadError)
    listed = document.get("layers") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not listed:
        message = f"{path}: has no list 'layers'; give one object for each layer: layer, C, M, P, cycles"
        raise WorkloadError(message)
    layers = [_layer(entry, f"{path}: layers[{i}]") for i, entry in enumerate(listed)]
    for i, layer in enumerate(layers):
        if layer.name in {other.name for other in layers[:i]}:
            message = f"{path}: layers[{i}].layer = {layer.name!r} is there twice; give each layer once"
            raise WorkloadError(message)
    return layers


def _layer(entry: Any, where: str) -> _Layer:  # noqa: ANN401 - any JSON value
    if not isinstance(entry, dict) or not isinstance(entry.get("layer"), str):
        message = f"{where}: names no layer; give an object with layer, C, M, P and cycles"
        raise WorkloadError(message)
    numbers = []
    for field in ("C", "M", "P", "cycles"):
        value = entry.get(field)
        least = 0 if field == "cycles" else 1
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
            message = f"{where}.{field} = {value!r}: is no count; give a whole number from {least}, or leave it out"
            raise WorkloadError(message)
        numbers.append(value)
    return _Layer(entry["layer"], *numbers)


def _masks(folder: Path) -> tuple[dict[str, npt.NDArray[Any]], Path]:
    archives = sorted(folder.glob("*.npz"))
    if len(archives) != 1:
        message = f"{folder}: holds {len(archives)} .npz files; give one, of masks packed along the channels"
        raise WorkloadError(message)
    return read_arrays(archives[0]), archives[0]


def _layer_rows(layer: _Layer, masks: dict[str, npt.NDArray[Any]], path: Path) -> list[ValidationRow]:
    weights = _unpacked(masks, f"{layer.name}_weights_mc", (layer.weights_shape, layer.channels), path)
    activations = _unpacked(masks, f"{layer.name}_iacts_pc", (layer.pixels, layer.channels), path)
    try:
        ideal = run_pe(weights, activations, preset("eyeriss_v2_pe_1mac"), lift_limits=True)
        simd = run_pe(weights, activations, preset("eyeriss_v2_pe"), lift_limits=True)
    except WorkloadError as problem:
        message = f"{path}: layer {layer.name!r}: {problem}"
        raise WorkloadError(message) from None
    return [
        compare(layer.name, _CYCLES, layer.cycles, ideal.cycles),
        compare(f"{layer.name}: SIMD-2", _SIMD_CYCLES, None, simd.cycles),
    ]


def _unpacked(
    masks: dict[str, npt.NDArray[Any]], name: str, shape: tuple[int | None, int | None], path: Path
) -> npt.NDArray[np.uint8]:
    if name not in masks:
        message = f"{path}: the array {name!r} is missing; it holds {', '.join(sorted(masks)) or 'nothing'}"
        raise WorkloadError(message)
    packed, (rows, channels) = masks[name], shape
    columns = None if channels is None else -(-channels // 8)
    fits = packed.ndim == 2 and rows in {None, packed.shape[0]} and columns in {None, packed.shape[1]}
    if packed.dtype != np.uint8 or not fits:
        message = (
            f"{path}: {name} is {list(packed.shape)} of {packed.dtype}; give uint8 of [{rows or 'rows'}, "
            f"{columns or 'channels / 8'}], bits packed along the channels"
        )
        raise WorkloadError(message)
    mask = np.unpackbits(packed, axis=1)
    beyond = mask[:, channels:] if channels is not None else mask[:, :0]
    if beyond.any():
        row, bit = (int(i) for i in np.argwhere(beyond)[0])
        message = (
            f"{path}: {name}[{row}] has a non-zero at channel {bit + int(channels or 0)}, but cycles.json says C = "
            f"{channels}; correct C, or clear the bits behind the last channel"
        )
        raise WorkloadError(message)
    return mask[:, :channels]
