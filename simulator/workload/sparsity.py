"""How many of a tensor's elements are zero, and where. Carried by every tensor, used by the sparse engines."""

from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Density = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Dense(_Described):
    """No zeros to speak of."""

    kind: Literal["dense"]


class UniformDensity(_Described):
    """Non-zeros spread evenly: understates load imbalance."""

    kind: Literal["uniform"]
    density: Density


class DensityProfile(_Described):
    """One density for each index along ``axis``: skewed rows or channels."""

    kind: Literal["profile"]
    axis: int
    densities: tuple[Density, ...]


class NOfM(_Described):
    """At most ``n`` non-zeros in each group of ``m`` consecutive elements along the reduction."""

    kind: Literal["n_of_m"]
    n: Annotated[int, Field(ge=1)]
    m: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _n_fits_m(self) -> Self:
        if self.n > self.m:
            message = f"n = {self.n} exceeds m = {self.m}; give n <= m (2:4 is n = 2, m = 4)"
            raise ValueError(message)
        return self


class Structured(_Described):
    """Whole channels or blocks removed."""

    kind: Literal["structured"]
    axis: int
    block: Annotated[int, Field(ge=1)] = 1
    density: Density


class FromFile(_Described):
    """An actual mask or actual values: ``array`` of the .npz ``file`` beside the workload."""

    kind: Literal["mask", "values"]
    file: Annotated[str, Field(min_length=1)]
    array: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _file_stays_beside(self) -> Self:
        path = PurePosixPath(self.file)
        if path.is_absolute() or ".." in path.parts or "\\" in self.file or ":" in self.file:
            message = f"file = {self.file!r} must be a relative path below the workload's folder, with forward slashes"
            raise ValueError(message)
        return self


def check_axes(sparsity: "Sparsity", shape: tuple[int, ...]) -> None:
    """Check that ``sparsity`` can describe a tensor of ``shape``.

    Raises
    ------
    ValueError
        Its axis is not one of the shape's, or a profile has another number of densities than that axis has indices.
    """
    if not isinstance(sparsity, DensityProfile | Structured):
        return
    if not -len(shape) <= sparsity.axis < len(shape):
        message = f"sparsity.axis = {sparsity.axis} is not an axis of shape {list(shape)}"
        raise ValueError(message)
    if isinstance(sparsity, DensityProfile) and len(sparsity.densities) != shape[sparsity.axis]:
        message = (
            f"sparsity.densities has {len(sparsity.densities)} entries for {shape[sparsity.axis]} indices "
            f"of axis {sparsity.axis}; give one each"
        )
        raise ValueError(message)


Sparsity = Annotated[
    Dense | UniformDensity | DensityProfile | NOfM | Structured | FromFile,
    Field(discriminator="kind"),
]


def density(sparsity: Sparsity) -> float:
    """Return the fraction of non-zero elements that a descriptor declares; 1 where the values themselves are not read.

    Examples
    --------
    >>> density(NOfM(kind="n_of_m", n=2, m=4))
    0.5
    """
    if isinstance(sparsity, UniformDensity | Structured):
        return sparsity.density
    if isinstance(sparsity, DensityProfile):
        return sum(sparsity.densities) / len(sparsity.densities)
    return sparsity.n / sparsity.m if isinstance(sparsity, NOfM) else 1.0
