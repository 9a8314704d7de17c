"""How many of a tensor's elements are zero, and where. Carried by every tensor; :mod:`.masks` makes it concrete."""

from math import prod
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Density = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Skew = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Extent = Annotated[int, Field(ge=1)]


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Dense(_Described):
    """No zeros to speak of."""

    kind: Literal["dense"]


class UniformDensity(_Described):
    """Non-zeros spread evenly, each element by itself: understates load imbalance."""

    kind: Literal["uniform"]
    density: Density


class DensityProfile(_Described):
    """One density for each index along ``axis``: skewed rows or channels."""

    kind: Literal["profile"]
    axis: int
    densities: tuple[Density, ...]


class Skewed(_Described):
    """Densities that differ along several axes at once, and their mean.

    Along ``axes[i]`` the densities of the indices, in random order, rise evenly from ``1 - skews[i]`` to
    ``1 + skews[i]`` times the mean; the factors of several axes multiply. A skew of s is a coefficient of variation of
    s / sqrt(3) for long axes.
    """

    kind: Literal["skewed"]
    density: Density
    axes: Annotated[tuple[int, ...], Field(min_length=1)]
    skews: Annotated[tuple[Skew, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _stays_a_probability(self) -> Self:
        if len(self.axes) != len(self.skews):
            message = f"skewed: {len(self.axes)} axes but {len(self.skews)} skews; give one skew for each axis"
            raise ValueError(message)
        most = self.density * prod(1.0 + skew for skew in self.skews)
        if most > 1.0:
            message = (
                f"density = {self.density} with skews = {list(self.skews)} would reach {most:.3g} at the fullest; "
                "give a smaller skew or density, so that density x (1 + skew) x ... <= 1"
            )
            raise ValueError(message)
        return self


class NOfM(_Described):
    """At most ``n`` non-zeros in each group of ``m`` neighbours along ``axis``; None is the reduction of its reader."""

    kind: Literal["n_of_m"]
    n: Extent
    m: Extent
    axis: int | None = None

    @model_validator(mode="after")
    def _n_fits_m(self) -> Self:
        if self.n > self.m:
            message = f"n = {self.n} exceeds m = {self.m}; give n <= m (2:4 is n = 2, m = 4)"
            raise ValueError(message)
        return self


class Structured(_Described):
    """Whole channels removed, or whole groups of ``block`` neighbouring channels: indices along ``axis``."""

    kind: Literal["structured"]
    axis: int
    block: Extent = 1
    density: Density


class Blocks(_Described):
    """Whole blocks removed: ``shape`` is their extent along the tensor's last axes."""

    kind: Literal["blocks"]
    shape: Annotated[tuple[Extent, ...], Field(min_length=1)]
    density: Density


class Balanced(_Described):
    """The same number of non-zeros for each of ``pes`` PEs, which share the indices along ``axis`` in turn (ESE)."""

    kind: Literal["balanced"]
    density: Density
    pes: Extent
    axis: int


class _InFile(_Described):
    """An array of the .npz ``file`` beside the workload, or an initializer of its .onnx model."""

    file: Annotated[str, Field(min_length=1)]
    array: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _file_stays_beside(self) -> Self:
        path = PurePosixPath(self.file)
        if path.is_absolute() or ".." in path.parts or "\\" in self.file or ":" in self.file:
            message = f"file = {self.file!r} must be a relative path below the workload's folder, with forward slashes"
            raise ValueError(message)
        return self


class FromFile(_InFile):
    """An actual mask or actual values.

    For an activation the array may have one more axis in front: samples, of which image i of a run takes the i-th.
    """

    kind: Literal["mask", "values"]


class Pruned(_InFile):
    """What magnitude pruning to a pattern leaves of actual values."""

    kind: Literal["pruned"]
    to: Annotated[UniformDensity | NOfM | Structured | Blocks | Balanced, Field(discriminator="kind")]


def check_axes(sparsity: "Sparsity", shape: tuple[int, ...]) -> None:
    """Check that ``sparsity`` can describe a tensor of ``shape``.

    Raises
    ------
    ValueError
        Its axis is not one of the shape's, a profile has another number of densities than that axis has indices, or
        blocks have more axes than the tensor.
    """
    if isinstance(sparsity, Pruned):
        return check_axes(sparsity.to, shape)
    for axis in axes_of(sparsity):
        if not -len(shape) <= axis < len(shape):
            message = f"sparsity.axis = {axis} is not an axis of shape {list(shape)}"
            raise ValueError(message)
    if isinstance(sparsity, Skewed) and len({axis % len(shape) for axis in sparsity.axes}) < len(sparsity.axes):
        message = f"sparsity.axes = {list(sparsity.axes)} name one axis of shape {list(shape)} twice; give each once"
        raise ValueError(message)
    if isinstance(sparsity, Blocks) and len(sparsity.shape) > len(shape):
        message = f"sparsity.shape = {list(sparsity.shape)} has more axes than the tensor's shape {list(shape)}"
        raise ValueError(message)
    if isinstance(sparsity, DensityProfile) and len(sparsity.densities) != shape[sparsity.axis]:
        message = (
            f"sparsity.densities has {len(sparsity.densities)} entries for {shape[sparsity.axis]} indices "
            f"of axis {sparsity.axis}; give one each"
        )
        raise ValueError(message)
    return None


def axes_of(sparsity: "Sparsity") -> tuple[int, ...]:
    """Return the axes that a description names.

    Examples
    --------
    >>> axes_of(Structured(kind="structured", axis=1, density=0.5))
    (1,)
    """
    if isinstance(sparsity, DensityProfile | Structured | Balanced):
        return (sparsity.axis,)
    if isinstance(sparsity, NOfM):
        return () if sparsity.axis is None else (sparsity.axis,)
    return sparsity.axes if isinstance(sparsity, Skewed) else ()


Sparsity = Annotated[
    Dense | UniformDensity | DensityProfile | Skewed | NOfM | Structured | Blocks | Balanced | FromFile | Pruned,
    Field(discriminator="kind"),
]


def density(sparsity: Sparsity) -> float:
    """Return the fraction of non-zero elements that a descriptor declares; 1 where only a file knows it.

    :meth:`simulator.workload.masks.Masks.density` reads the file.

    Examples
    --------
    >>> density(NOfM(kind="n_of_m", n=2, m=4))
    0.5
    """
    if isinstance(sparsity, UniformDensity | Structured | Skewed | Blocks | Balanced):
        return sparsity.density
    if isinstance(sparsity, DensityProfile):
        return sum(sparsity.densities) / len(sparsity.densities)
    return sparsity.n / sparsity.m if isinstance(sparsity, NOfM) else 1.0
