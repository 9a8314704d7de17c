"""How much of each work's products switches where zeros gate a PE: energy, never cycles."""

import numpy as np
import numpy.typing as npt

from simulator.arch.description import ZeroGating
from simulator.dataflow.binding import BoundNetwork
from simulator.workload.graph import LayerGraph
from simulator.workload.masks import Masks


def switching_share(
    gating: ZeroGating, graph: LayerGraph, network: BoundNetwork, masks: Masks
) -> npt.NDArray[np.float64]:
    """Return the share of each work's product energy that is spent [works]; 1 where nothing gates.

    A product is gated where one of the gating operands is zero; zeros of both are taken as independent, as in
    ``effectual_macs``.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> from simulator.dataflow.binding import bind
    >>> from simulator.workload import load_workload
    >>> from simulator.workload.transforms.declare import declare_sparsity
    >>> graph = declare_sparsity(load_workload("lenet5_int8"), "activations=0.25")
    >>> network = bind(graph, load_accelerator("gemmini_like_16"))
    >>> switching_share(ZeroGating(by=("ifmap",)), graph, network, Masks(graph)).min()
    np.float64(0.25)
    """
    share = np.ones(len(network.row_of_work))
    if not gating.by:
        return share
    nests: dict[int, int] = {}
    for work, row_index in enumerate(network.row_of_work):
        row = network.rows[row_index]
        loops = graph.loops_of(graph.layers[row.layer]) if row.macs else ()
        if not loops:
            continue
        nest = loops[nests.get(row_index, 0)]  # the works of a row are its nests, in order
        nests[row_index] = nests.get(row_index, 0) + 1
        kept = 1.0
        for operand, name in (("ifmap", nest.ifmap), ("weight", nest.weight)):
            kept *= masks.density(name) if operand in gating.by else 1.0
        share[work] = kept + (1.0 - kept) * (gating.gated_share or 0.0)
    return share
