"""An accelerator as the records that kernels see."""

from collections.abc import Mapping

from simulator.arch.arrays import require_systolic
from simulator.arch.description import Accelerator
from simulator.errors import ArchitectureError, did_you_mean
from simulator.records import DATAFLOW_NAMES, MEMORY_SPACE, SYSTOLIC_HARDWARE, Table, table
from simulator.units import BITS_PER_BYTE, ceil_div

BUFFERED = ("ifmap", "weight", "psum")
NO_PRICES: Mapping[str, float] = {}


def allowed_dataflows(accelerator: Accelerator, dataflow: str | None = None) -> tuple[str, ...]:
    """Return the dataflows the mapper may choose from: one by name, the description's first (None), or all (``auto``).

    Raises
    ------
    ArchitectureError
        The array cannot run that dataflow.
    """
    known: tuple[str, ...] = accelerator.array.dataflows
    if dataflow == "auto":
        return known
    name = known[0] if dataflow is None else dataflow
    if name not in known:
        message = (
            f"dataflow {name!r}: {accelerator.name} runs {', '.join(known)}{did_you_mean(str(name), known)}; "
            "choose one of them, or auto, or extend array.dataflows"
        )
        raise ArchitectureError(message)
    return (name,)


def hardware_record(accelerator: Accelerator) -> Table:
    """Return the array as SYSTOLIC_HARDWARE records, one for each of DATAFLOW_NAMES."""
    array = require_systolic(accelerator.name, accelerator.array, "this planner")
    records = table(SYSTOLIC_HARDWARE, len(DATAFLOW_NAMES))
    for i in range(len(DATAFLOW_NAMES)):
        records[i] = (
            array.rows,
            array.columns,
            i,
            int(array.weight_shadow),
            int(array.shadow_swap == "wavefront"),
            int(array.os_drain == "separate_chain"),
            int(array.skew_in_array),
        )
    return records


def space_record(
    accelerator: Accelerator,
    *,
    dram_pj_per_byte: float = 0.0,
    buffer_read_pj: Mapping[str, float] = NO_PRICES,
    buffer_write_pj: Mapping[str, float] = NO_PRICES,
) -> Table:
    """Return buffers, DRAM and vector unit as one MEMORY_SPACE record.

    Parameters
    ----------
    accelerator : Accelerator
    dram_pj_per_byte : float
        Price of DRAM traffic that the mapper weighs [pJ/B].
    buffer_read_pj, buffer_write_pj : mapping of buffer name to float
        Price of one buffer word [pJ].
    """
    record = table(MEMORY_SPACE, 1)
    space = record[0]
    for i, buffer in enumerate(accelerator.buffers):
        space.capacity_bits[i] = (buffer.capacity_bytes - buffer.resident_bytes) * BITS_PER_BYTE
        space.slots[i] = buffer.slots
        space.word_bits[i] = buffer.word_bits
        space.banks[i] = buffer.banks
        space.ports[i] = buffer.ports or 0
        space.dma_period_cycles[i] = accelerator.dma_period_cycles(buffer)
        space.buffer_read_pj[i] = buffer_read_pj.get(buffer.name, 0.0)
        space.buffer_write_pj[i] = buffer_write_pj.get(buffer.name, 0.0)
        for operand in buffer.operands:
            space.home[BUFFERED.index(operand)] = i
    array = require_systolic(accelerator.name, accelerator.array, "this planner")
    space.ifmap_bus_words = array.ifmap_bus_words_per_cycle or 0
    space.weight_bus_words = array.weight_bus_words_per_cycle or 0
    space.psum_bus_words = array.psum_bus_words_per_cycle or 0
    space.shared_bus_bits = array.shared_bus_bits_per_cycle or 0
    for shared in array.shared_bus_operands:
        space.on_shared_bus[BUFFERED.index(shared)] = 1
    space.dram_word_bytes = ceil_div(accelerator.dram.word_bits, BITS_PER_BYTE)
    space.dram_latency_cycles = accelerator.dram.latency_cycles
    space.dram_bytes_per_cycle = accelerator.dram_bytes_per_cycle
    space.vector_lanes = accelerator.vector.lanes
    space.dram_pj_per_byte = dram_pj_per_byte
    return record


def shared_space(space: Table, cores: int) -> Table:
    """Return the MEMORY_SPACE that one of several cores may count on: its share of the DRAM's bandwidth."""
    if cores == 1:
        return space
    share = space.copy()
    share[0].dram_bytes_per_cycle /= cores
    return share
