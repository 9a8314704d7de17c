"""Area of an accelerator's parts. Knows structure and node; knows nothing of what runs on it."""

from math import sqrt

from simulator.arch.description import Accelerator
from simulator.arch.precision import widest_integer_bits
from simulator.arch.scaling import area_factor
from simulator.arch.sram import sram_area_mm2
from simulator.arch.technology import pe_area_um2, synthesis, target_node_nm

UM2_PER_MM2 = 1e6


def area_components_mm2(accelerator: Accelerator) -> dict[str, float]:
    """Return the area of the array, the vector unit and each buffer by name [mm2].

    Of all cores. PEs are fixed-width ones at the widest pair, times ``precision.mac_area_factor`` (3.4 for Bit
    Fusion's); logic scales with Stillmaker and Baas. Not included: control, interconnect, DRAM interface, host link.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> list(area_components_mm2(load_accelerator("gemmini_like_16")))
    ['array', 'vector', 'scratchpad', 'accumulator']
    """
    node_nm, table = target_node_nm(accelerator.technology), synthesis()
    ifmap_bits, weight_bits = widest_integer_bits(accelerator.precision)
    bits = max(sqrt(ifmap_bits * weight_bits), accelerator.precision.float_bits or 0)
    pe_um2 = pe_area_um2(bits) * (accelerator.precision.mac_area_factor or 1.0)
    pes_um2 = accelerator.peak_macs_per_cycle * pe_um2 * area_factor(table.node_nm, node_nm)
    lanes_um2 = (
        accelerator.cores * accelerator.vector.lanes * table.lane_area_um2 * area_factor(table.lane_node_nm, node_nm)
    )
    buffers = {
        f"buffer {buffer.name}" if buffer.name in {"array", "vector"} else buffer.name: accelerator.cores
        * sram_area_mm2(buffer.capacity_bytes, buffer.word_bits, node_nm, banks=buffer.banks)
        for buffer in accelerator.buffers
    }
    if accelerator.last_level is not None:
        level = accelerator.last_level
        buffers["last_level"] = sram_area_mm2(level.capacity_bytes, level.word_bits, node_nm, banks=level.banks)
    return {"array": pes_um2 / UM2_PER_MM2, "vector": lanes_um2 / UM2_PER_MM2, **buffers}


def area_mm2(accelerator: Accelerator) -> float:
    """Return the sum of :func:`area_components_mm2` [mm2].

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> area_mm2(load_accelerator("tpu_v1")) > area_mm2(load_accelerator("edge_like_32"))
    True
    """
    return sum(area_components_mm2(accelerator).values())
