"""Layers that an engine cannot run: listed as the host's, not timed."""

from collections.abc import Callable
from dataclasses import replace

from simulator.arch import Accelerator
from simulator.assembly import effectual_macs
from simulator.dataflow.binding import BoundNetwork, Row, Untimed
from simulator.errors import ArchitectureError, WorkloadError
from simulator.machines.contract import Request
from simulator.workload.layers import Layer
from simulator.workload.masks import Masks


def leave_to_host(
    network: BoundNetwork, masks: Masks, can_run: Callable[[Layer], bool], form: str, accelerator: Accelerator
) -> BoundNetwork:
    """Return the network with every layer that ``can_run`` refuses left to the host.

    Parameters
    ----------
    network : BoundNetwork
    masks : Masks
        Of the network's tensors: zeros that are known do not count as the host's effectual products.
    can_run : callable
    form : str
        What the engine runs, for the message.
    accelerator : Accelerator

    Raises
    ------
    WorkloadError
        Nothing is left for the engine.
    """
    graph = masks.graph
    rows: list[Row] = []
    host = list(network.untimed)
    for row in network.rows:
        if can_run(graph.layers[row.layer]):
            rows.append(row)
        else:
            effectual = effectual_macs(graph, masks, row.layer, network.batch) if row.macs else 0
            host.append(Untimed(row.name, row.op, "runs on the host", row.macs, effectual))
    if not rows:
        message = (
            f"workload {graph.name}: has no {form} with constant weights, and {accelerator.name} runs nothing else; "
            "choose another accelerator (`simulator list archs`)"
        )
        raise WorkloadError(message)
    return replace(network, rows=tuple(rows), untimed=tuple(host))


def refuse_choices(request: Request) -> None:
    """Check that a request chooses no mapping or dataflow that an engine has not.

    Raises
    ------
    ArchitectureError
        It does.
    """
    name, flow = request.accelerator.name, request.accelerator.array.dataflows[0]
    if request.mappings:
        message = f"accelerator {name}: has no mappings to give; leave them out"
        raise ArchitectureError(message)
    if request.dataflow not in (None, "auto", flow):
        message = f"dataflow {request.dataflow!r}: {name} runs {flow}; leave it out"
        raise ArchitectureError(message)
