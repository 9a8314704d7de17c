"""The kinds of array that can run a network, by ``array.kind`` of the description."""

from importlib import import_module

from simulator.arch import Accelerator
from simulator.errors import ArchitectureError
from simulator.machines.contract import Machine

MACHINES: dict[str, str] = {
    "no_local_reuse": "no_local_reuse:run_no_local_reuse",
    "row_stationary": "row_stationary:run_row_stationary",
    "systolic": "systolic:run_systolic",
    "eie": "eie:run_eie",
    "ese": "ese:run_ese_network",
    "scnn": "sparse_engines:run_sparse_engine",
    "cambricon_x": "sparse_engines:run_sparse_engine",
    "cnvlutin": "sparse_engines:run_sparse_engine",
    "eyeriss_v2": "sparse_engines:run_sparse_engine",
    "nm_tensor_core": "sparse_engines:run_sparse_engine",
}
"""``array.kind`` -> what runs it, as module of this room and function: a run loads its own machine and no other.
:func:`simulator.api.simulate` looks here and nowhere else."""


def machine_for(accelerator: Accelerator) -> Machine:
    """Return what runs networks on ``accelerator``.

    Raises
    ------
    ArchitectureError
        Its kind of array can be described but not run.
    """
    kind = accelerator.array.kind
    if kind not in MACHINES:
        message = (
            f"accelerator {accelerator.name}: array.kind = {kind!r} can be described, not run; "
            f"choose one whose array.kind is {' or '.join(MACHINES)}"
        )
        raise ArchitectureError(message)
    module, _, function = MACHINES[kind].partition(":")
    machine: Machine = getattr(import_module(f"simulator.machines.{module}"), function)
    return machine
