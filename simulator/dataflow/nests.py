"""A layer's loop nest as fields of WORK, and whether its ifmap rows are its producer's rows."""

from simulator.arch.arrays import Array
from simulator.arch.systolic_array import SystolicArray
from simulator.dataflow.widths import Multiplier
from simulator.records import WORK
from simulator.units import ceil_div
from simulator.workload.layers import Conv, Gemm, Layer
from simulator.workload.loops import MacLoops


def reads_rows_in_order(layer: Layer) -> bool:
    """Say whether ifmap row ``h`` of image ``n`` is all that the nest's row ``h`` of image ``n`` reads.

    Not where the ifmap is read transposed, nor in a 3-D convolution, whose images are slices that overlap in depth.
    """
    if isinstance(layer, Gemm):
        return not layer.transpose_ifmap
    return not (isinstance(layer, Conv) and layer.op == "conv3d")


def loop_fields(nest: MacLoops, batch: int) -> dict[str, int]:
    """Loop extents of a nest for ``batch`` times its images."""
    work = dict.fromkeys(WORK.names or (), 0)
    work |= {name: getattr(nest, name) for name in ("N", "G", "K", "C", "P", "Q", "R", "S", "H", "W", "sequence_steps")}
    work |= {
        "stride_h": nest.stride[0],
        "stride_w": nest.stride[1],
        "dilation_h": nest.dilation[0],
        "dilation_w": nest.dilation[1],
        "pad_h": nest.padding[0],
        "pad_w": nest.padding[1],
    }
    if not nest.weight_is_constant:
        work["G"] *= batch
    else:
        work["N"] *= batch
    return work


def group_packing(array: Array, nest: MacLoops, multiplier: Multiplier) -> int:
    """Return how many groups of a grouped product share a fold.

    1 where the array cannot, or none fits beside another.
    """
    if not isinstance(array, SystolicArray) or not array.group_packing or nest.G == 1:
        return 1
    rows = ceil_div(nest.inner, multiplier.inner_pack)
    return max(1, min(array.rows // rows, array.columns * multiplier.pack // nest.K, nest.G))
