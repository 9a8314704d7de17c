"""Where the zeros of a tensor are: concrete masks, made when asked for, the same on every machine.

A random mask depends on the seed, the tensor's name, its shape and its description, and on nothing else: the raw
output of a PCG64 generator (whose stream numpy keeps) is compared with whole-number thresholds.
"""

import hashlib
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.archives import read_arrays
from simulator.errors import WorkloadError, did_you_mean
from simulator.units import ceil_div
from simulator.workload.graph import LayerGraph
from simulator.workload.layers import Tensor
from simulator.workload.reductions import reduction_axes
from simulator.workload.selection import (
    block_counts,
    select,
    select_balanced,
    select_blocks,
    select_channels,
    select_n_of_m,
)
from simulator.workload.sparsity import (
    Balanced,
    Blocks,
    Dense,
    DensityProfile,
    FromFile,
    NOfM,
    Pruned,
    Skewed,
    Sparsity,
    Structured,
    UniformDensity,
    density,
)

Mask = npt.NDArray[np.bool_]
Draws = npt.NDArray[np.uint64]

PATTERNS = (UniformDensity, NOfM, Structured, Blocks, Balanced)
"""What values can be pruned to."""

_ALL = 1 << 64
_SLAB = 1 << 22  # elements drawn at once


class Masks:
    """The masks of one network's tensors.

    Parameters
    ----------
    graph : LayerGraph
    seed : int
        Of all random masks: 0 to 2**63 - 1.

    Raises
    ------
    WorkloadError
        The seed is no such number.

    Examples
    --------
    >>> from simulator.workload import GraphBuilder
    >>> net = GraphBuilder("tiny")
    >>> weight = net.constant("w", (4, 8), sparsity=NOfM(kind="n_of_m", n=2, m=4, axis=1))
    >>> graph = net.build(net.layer("gemm", (net.input("x", (1, 4)), weight)))
    >>> Masks(graph).mask("w").sum(axis=1).tolist()
    [4, 4, 4, 4]
    """

    def __init__(self, graph: LayerGraph, seed: int = 0) -> None:
        if type(seed) is not int or not 0 <= seed < 1 << 63:
            message = f"seed {seed!r}: give a whole number from 0 to {(1 << 63) - 1}"
            raise WorkloadError(message)
        self.graph = graph
        self.seed = seed
        self._axes: dict[str, int] | None = None
        self._made: dict[str, Mask] = {}

    def mask(self, name: str, *, image: int = 0) -> Mask:
        """Return which elements of a tensor are not zero, in its shape.

        Parameters
        ----------
        name : str
            A tensor of the graph.
        image : int
            Of a batch: activations of each image have their own zeros, weights are the same for all.

        Raises
        ------
        WorkloadError
            There is no such tensor, or the file of its mask cannot be read or has another shape.
        """
        tensor = self._tensor(name)
        sparsity = tensor.sparsity
        if isinstance(sparsity, Dense):
            return np.broadcast_to(np.True_, tensor.shape)
        if isinstance(sparsity, Pruned):
            return self._pruned(tensor, sparsity)
        if isinstance(sparsity, FromFile):
            return np.asarray(self._from_file(tensor, sparsity, image) != 0)
        return random_mask(tensor.shape, self._resolved(tensor), self._key(tensor, image))

    def values(self, name: str) -> npt.NDArray[Any] | None:
        """Return a tensor's actual values, or None where only its zeros are described.

        Raises
        ------
        WorkloadError
            As :meth:`mask`.
        """
        tensor = self._tensor(name)
        sparsity = tensor.sparsity
        if isinstance(sparsity, Pruned):
            return np.where(self._pruned(tensor, sparsity), self._checked(tensor, sparsity)[0], 0)
        if not isinstance(sparsity, FromFile) or sparsity.kind != "values":
            return None
        return self._from_file(tensor, sparsity, 0)

    def density(self, name: str) -> float:
        """Return the share of non-zeros: what is declared, or what a file holds (all its samples).

        Patterns (N:M, channels) that do not divide the tensor keep what is left over: their share is the actual one.

        Raises
        ------
        WorkloadError
            As :meth:`mask`.
        """
        tensor = self._tensor(name)
        sparsity = self._resolved(tensor)
        if isinstance(sparsity, Pruned):
            return _share(self._pruned(tensor, sparsity))
        if isinstance(sparsity, FromFile):
            return _share(self._checked(tensor, sparsity)[0])
        if isinstance(sparsity, NOfM):
            size = tensor.shape[-1 if sparsity.axis is None else sparsity.axis]
            groups, rest = divmod(size, sparsity.m)
            return (groups * sparsity.n + min(rest, sparsity.n)) / size  # a ragged last group may be full
        if isinstance(sparsity, Structured):
            line = sparsity.model_copy(update={"axis": 0})
            return _share(random_mask((tensor.shape[sparsity.axis],), line, self._key(tensor)))
        return density(sparsity)

    def check_files(self) -> None:
        """Read every file of masks and values, so that a fault is told before the work.

        Raises
        ------
        WorkloadError
            As :meth:`mask`.
        """
        for tensor in self.graph.tensors.values():
            if isinstance(tensor.sparsity, FromFile | Pruned):
                self._checked(tensor, tensor.sparsity)

    def is_sparse(self, name: str) -> bool:
        """Say whether a tensor is described as anything but dense."""
        return not isinstance(self._tensor(name).sparsity, Dense)

    def _key(self, tensor: Tensor, image: int = 0) -> str:
        return f"{self.seed}/{tensor.name}/{0 if tensor.constant else image}"

    def _tensor(self, name: str) -> Tensor:
        if name not in self.graph.tensors:
            hint = did_you_mean(name, self.graph.tensors)
            message = f"workload {self.graph.name}: no tensor named {name!r}{hint}; see `simulator show`"
            raise WorkloadError(message)
        return self.graph.tensors[name]

    def _resolved(self, tensor: Tensor) -> Sparsity:
        """Give an N:M pattern without an axis the reduction axis of the layer that reads the tensor."""
        return self._with_axis(tensor, tensor.sparsity)

    def _with_axis(self, tensor: Tensor, sparsity: Sparsity) -> Sparsity:
        if not isinstance(sparsity, NOfM) or sparsity.axis is not None:
            return sparsity
        if self._axes is None:
            self._axes = reduction_axes(self.graph)
        axis = self._axes.get(tensor.name, -1)
        return sparsity.model_copy(update={"axis": axis})

    def _pruned(self, tensor: Tensor, sparsity: Pruned) -> Mask:
        """Keep the largest magnitudes; what is zero already stays zero. Made once for each tensor."""
        if tensor.name not in self._made:
            values = self._checked(tensor, sparsity)[0]
            magnitudes = np.abs(values.astype(np.float64 if values.dtype.kind == "f" else np.int64))
            pattern = self._with_axis(tensor, sparsity.to)
            assert isinstance(pattern, PATTERNS)
            self._made[tensor.name] = np.asarray(select(-magnitudes, pattern) & (values != 0))
        return self._made[tensor.name]

    def _from_file(self, tensor: Tensor, sparsity: FromFile, image: int) -> npt.NDArray[Any]:
        array, is_sampled = self._checked(tensor, sparsity)
        return array[image % array.shape[0]] if is_sampled else array

    def _checked(self, tensor: Tensor, sparsity: FromFile | Pruned) -> tuple[npt.NDArray[Any], bool]:
        """Return the array of a file, and whether its first axis counts samples."""
        where = f"workload {self.graph.name}: tensor {tensor.name!r}"
        if self.graph.folder is None:
            message = f"{where}: its {sparsity.kind} {sparsity.file!r} need a folder; load the workload from a file"
            raise WorkloadError(message)
        array = read_stored(self.graph.folder / sparsity.file, sparsity.array)
        if array.shape == tensor.shape:
            return array, False
        is_sampled = not tensor.constant and array.ndim == len(tensor.shape) + 1 and array.shape[0] > 0
        if is_sampled and array.shape[1:] == tensor.shape:
            return array, True
        samples = "" if tensor.constant else ", with or without an axis of samples in front"
        message = (
            f"{where}: array {sparsity.array!r} of {self.graph.folder / sparsity.file} has shape {list(array.shape)}; "
            f"give one of the tensor's shape {list(tensor.shape)}{samples}"
        )
        raise WorkloadError(message)


def read_stored(path: Path, name: str) -> npt.NDArray[Any]:
    """Return one array of an ``.npz`` archive, or one initializer of an ``.onnx`` model, read once for each file.

    Raises
    ------
    WorkloadError
        The file cannot be read, has no array of that name, or it holds no numbers.
    """
    try:
        state = path.stat()
    except (OSError, ValueError) as problem:
        message = f"{path}: cannot be read ({getattr(problem, 'strerror', None) or problem}); check the path"
        raise WorkloadError(message) from None
    return _read(path, name, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=64)
def _read(path: Path, name: str, changed_ns: int, size_bytes: int) -> npt.NDArray[Any]:
    del changed_ns, size_bytes  # parts of the key: a file that changed is read again
    if path.suffix.lower() == ".onnx":
        from simulator.workload.importers.onnx_weights import stored_weights

        weights = stored_weights(path)
        if name not in weights:
            message = f"{path}: no initializer named {name!r}{did_you_mean(name, weights)}; check the name"
            raise WorkloadError(message)
        return weights[name].values()
    arrays = read_arrays(path)
    if name not in arrays:
        message = f"{path}: no array named {name!r}{did_you_mean(name, arrays)}; it holds {', '.join(arrays) or 'none'}"
        raise WorkloadError(message)
    array = arrays[name]
    if array.dtype.kind not in "biuf":
        message = f"{path}: array {name!r} holds {array.dtype} values; give numbers or booleans"
        raise WorkloadError(message)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        message = f"{path}: array {name!r} holds NaN or infinity; give finite values"
        raise WorkloadError(message)
    array.flags.writeable = False
    return array


def _share(array: npt.NDArray[Any]) -> float:
    return float(np.count_nonzero(array)) / array.size if array.size else 1.0


def random_mask(shape: tuple[int, ...], sparsity: Sparsity, key: str) -> Mask:
    """Return a random mask of ``shape``; the same ``key`` gives the same mask everywhere.

    Examples
    --------
    >>> random_mask((2, 4), Structured(kind="structured", axis=1, density=0.5), "0/w/0").sum(axis=1).tolist()
    [2, 2]
    >>> random_mask((1000,), UniformDensity(kind="uniform", density=0.25), "0/w/0").sum()
    np.int64(249)
    """
    generator = np.random.PCG64(int.from_bytes(hashlib.sha256(key.encode()).digest()[:16], "little"))
    if isinstance(sparsity, NOfM):
        return select_n_of_m(_draws(generator, prod(shape)).reshape(shape), sparsity)
    if isinstance(sparsity, Structured):
        groups = ceil_div(shape[sparsity.axis], sparsity.block)
        return select_channels(_draws(generator, groups), sparsity, shape)
    if isinstance(sparsity, Blocks):
        return select_blocks(_draws(generator, prod(block_counts(shape, sparsity.shape))), sparsity, shape)
    if isinstance(sparsity, Balanced):
        return select_balanced(_draws(generator, prod(shape)).reshape(shape), sparsity)
    return _independent(shape, _thresholds(shape, sparsity, generator), generator)


def _draws(generator: np.random.PCG64, count: int) -> Draws:
    return np.asarray(generator.random_raw(count), dtype=np.uint64)


def _thresholds(shape: tuple[int, ...], sparsity: Sparsity, generator: np.random.PCG64) -> npt.NDArray[np.float64]:
    """Return densities that broadcast to ``shape``."""
    if isinstance(sparsity, DensityProfile):
        sides = [1] * len(shape)
        sides[sparsity.axis] = -1
        return np.asarray(sparsity.densities, dtype=np.float64).reshape(sides)
    densities = np.full((1,) * len(shape), density(sparsity))
    if isinstance(sparsity, Skewed):
        for axis, skew in zip(sparsity.axes, sparsity.skews, strict=True):
            size = shape[axis]
            place = np.argsort(_draws(generator, size), kind="stable")
            sides = [1] * len(shape)
            sides[axis] = -1
            densities = densities * (1.0 + skew * ((2 * place + 1 - size) / size)).reshape(sides)
    return densities


def _independent(shape: tuple[int, ...], densities: npt.NDArray[np.float64], generator: np.random.PCG64) -> Mask:
    """Toss for each element: kept where 64 random bits lie below its density x 2**64."""
    mask = np.empty(shape, dtype=np.bool_)
    if not shape:
        mask[()] = _below(_draws(generator, 1), densities.reshape(1))[0]
        return mask
    rest = prod(shape[1:])
    step = max(1, _SLAB // max(1, rest))
    for first in range(0, shape[0], step):
        end = min(first + step, shape[0])
        of_slab = densities[first:end] if densities.shape[0] > 1 else densities
        mask[first:end] = _below(_draws(generator, (end - first) * rest).reshape(end - first, *shape[1:]), of_slab)
    return mask


def _below(draws: Draws, densities: npt.NDArray[np.float64]) -> Mask:
    full = densities >= 1.0
    limits = np.where(full, 0.0, densities * float(_ALL)).astype(np.uint64)
    return np.asarray((draws < limits) | full)
