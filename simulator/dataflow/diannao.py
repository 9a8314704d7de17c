"""DianNao: 16 outputs x 16 inputs a cycle, every weight multiplied (docs/model/sparse_engines.md).

Source: Chen et al., *DianNao: A Small-Footprint High-Throughput Accelerator for Ubiquitous Machine-Learning*,
ASPLOS 2014. The dense machine that Cambricon-X is compared with.
"""

from dataclasses import dataclass

import numpy as np

from simulator.dataflow.engine_checks import check_clock, check_counts, check_rate
from simulator.dataflow.streamed_product import StreamBuffers, StreamedWeights, StreamRun, run_stream
from simulator.units import BITS_PER_BYTE, KIB, ceil_div

ENGINE = "DianNao"
_NOT_COUNTS = ("clock_hz", "dram_bytes_per_second")


@dataclass(frozen=True)
class DianNaoHardware:
    """A DianNao; the defaults are the published one.

    Parameters
    ----------
    outputs, inputs
        Adder trees, and multipliers before each of them.
    stages
        Pipeline from the operands to the sum.
    dram_bytes_per_second
        Loads, and as much for stores.
    """

    outputs: int = 16
    inputs: int = 16
    stages: int = 6
    value_bits: int = 16
    weight_buffer_kib: int = 32
    input_buffer_kib: int = 2
    output_buffer_kib: int = 2
    dram_latency_cycles: int = 100
    clock_hz: float = 0.98e9
    dram_bytes_per_second: float = 250e9

    def __post_init__(self) -> None:
        check_counts(ENGINE, {name: value for name, value in vars(self).items() if name not in _NOT_COUNTS})
        check_clock(ENGINE, self.clock_hz)
        check_rate(ENGINE, "dram_bytes_per_second", self.dram_bytes_per_second, "bandwidth in bytes a second")

    @property
    def buffers(self) -> StreamBuffers:
        """Halves of NBin, NBout and SB; a unit of SB is a row, a weight for every multiplier."""
        row_bits = self.outputs * self.inputs * self.value_bits
        return StreamBuffers(
            input_values=self.input_buffer_kib * KIB * BITS_PER_BYTE // 2 // self.value_bits,
            output_values=self.output_buffer_kib * KIB * BITS_PER_BYTE // 2 // self.value_bits,
            weight_units=self.weight_buffer_kib * KIB * BITS_PER_BYTE // 2 // row_bits,
            value_bits=self.value_bits,
            dram_bits_per_cycle=self.dram_bytes_per_second * BITS_PER_BYTE / self.clock_hz,
            dram_latency_cycles=self.dram_latency_cycles,
            drain_cycles=self.stages - 1,
        )


SOURCES: dict[str, str] = {
    **dict.fromkeys(("outputs", "inputs"), "Chen et al., ASPLOS 2014 (recalled with high confidence): Tn = 16"),
    **dict.fromkeys(
        ("weight_buffer_kib", "input_buffer_kib", "output_buffer_kib"),
        "Chen et al., ASPLOS 2014 (recalled with high confidence): SB 32 KB, NBin 2 KB, NBout 2 KB",
    ),
    "clock_hz": "Chen et al., ASPLOS 2014 (recalled with high confidence): 0.98 GHz in 65 nm",
    "value_bits": "Chen et al., ASPLOS 2014: 16-bit fixed point",
    "dram_bytes_per_second": "Chen et al., ASPLOS 2014 (recalled with high confidence): 250 GB/s",
    "stages": "assumed: as many as Cambricon-X's",
    "dram_latency_cycles": "assumed",
}
"""Where each number of the default comes from."""

assert set(SOURCES) == set(vars(DianNaoHardware()))


def run_diannao(outputs: int, inputs: int, positions: int, hardware: DianNaoHardware | None = None) -> StreamRun:
    """Run a layer from DRAM to DRAM: every weight is loaded and multiplied.

    Parameters
    ----------
    outputs, inputs
        Of the weights; a convolution's inputs are its reduction R x S x C.
    positions
        Output positions (and images) that the same weights serve.

    Raises
    ------
    ArchitectureError
        A count is no positive whole number.
    MappingError
        The buffers hold no tile.

    Examples
    --------
    >>> run = run_diannao(4096, 4096, 1)
    >>> run.work_cycles, round(run.cycles / run.work_cycles, 2)  # half the weights a cycle that it could multiply
    (65536, 2.03)
    """
    hardware = DianNaoHardware() if hardware is None else hardware
    check_counts(ENGINE, {"outputs": outputs, "inputs": inputs, "positions": positions})
    of_groups = _cut(outputs, hardware.outputs)
    of_segments = _cut(inputs, hardware.inputs)
    rows = np.ones((of_groups.size, of_segments.size), dtype=np.int64)
    weights = StreamedWeights(
        cycles=rows,
        stored_bits=np.outer(of_groups, of_segments) * hardware.value_bits,
        slot_units=rows,
        inputs=of_segments,
        outputs=of_groups,
    )
    return run_stream(weights, positions, hardware.buffers)


def _cut(extent: int, size: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the sizes of the pieces."""
    return np.minimum(size, extent - np.arange(ceil_div(extent, size), dtype=np.int64) * size)
