"""The kinds of processing array a description can hold. Knows their names; each has a module of its own.

An array's class gives ``kind dataflows psum_bits pes in_short``; what runs it is in :mod:`simulator.machines`.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from simulator.arch.eie_array import EieArray
from simulator.arch.ese_array import EseArray
from simulator.arch.no_local_reuse_array import NoLocalReuseArray
from simulator.arch.row_stationary_array import RowStationaryArray
from simulator.arch.sparse_arrays import (
    CambriconXArray,
    CnvlutinArray,
    EyerissV2ClustersArray,
    NmTensorCoreArray,
    ScnnArray,
)
from simulator.arch.systolic_array import SystolicArray
from simulator.errors import ArchitectureError

DEFAULT_KIND = "systolic"
Array = Annotated[
    SystolicArray
    | RowStationaryArray
    | NoLocalReuseArray
    | EieArray
    | EseArray
    | ScnnArray
    | CambriconXArray
    | CnvlutinArray
    | NmTensorCoreArray
    | EyerissV2ClustersArray,
    Field(discriminator="kind"),
]


def with_kind(data: object) -> object:
    """Return a description whose array names its kind: systolic where it does not say.

    Examples
    --------
    >>> with_kind({"array": {"rows": 4}})
    {'array': {'kind': 'systolic', 'rows': 4}}
    """
    array = data.get("array") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(array, Mapping) or "kind" in array:
        return data
    return data | {"array": {"kind": DEFAULT_KIND, **array}}


def is_systolic(array: object) -> bool:
    """Say whether an array is a systolic one."""
    return isinstance(array, SystolicArray)


def require_systolic(name: str, array: Any, what: str) -> SystolicArray:  # noqa: ANN401 - any kind of array
    """Return ``array`` where it is a systolic one, which ``what`` needs.

    Raises
    ------
    ArchitectureError
        It is of another kind.
    """
    if isinstance(array, SystolicArray):
        return array
    message = (
        f"accelerator {name}: array.kind = {array.kind!r}; {what} knows systolic arrays only: "
        "choose an accelerator whose array.kind is 'systolic'"
    )
    raise ArchitectureError(message)


def require_one_core(name: str, cores: int, what: str) -> None:
    """Refuse an accelerator of several cores where ``what`` prices each layer by itself.

    Raises
    ------
    ArchitectureError
        It has several.

    Examples
    --------
    >>> require_one_core("mine", 1, "the evaluator")
    """
    if cores > 1:
        message = f"accelerator {name}: cores = {cores}: {what} knows one core; set cores to 1, or use simulate()"
        raise ArchitectureError(message)
