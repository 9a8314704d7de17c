"""The kinds of array that can run a network, by ``array.kind`` of the description."""

from simulator.arch import Accelerator
from simulator.errors import ArchitectureError
from simulator.machines.contract import Machine
from simulator.machines.eie import run_eie
from simulator.machines.ese import run_ese_network
from simulator.machines.no_local_reuse import run_no_local_reuse
from simulator.machines.row_stationary import run_row_stationary
from simulator.machines.sparse_engines import ENGINES, run_sparse_engine
from simulator.machines.systolic import run_systolic

MACHINES: dict[str, Machine] = {
    "no_local_reuse": run_no_local_reuse,
    "row_stationary": run_row_stationary,
    "systolic": run_systolic,
    "eie": run_eie,
    "ese": run_ese_network,
    **dict.fromkeys(ENGINES, run_sparse_engine),
}
"""``array.kind`` -> what runs it; :func:`simulator.api.simulate` looks here and nowhere else."""


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
    return MACHINES[kind]
