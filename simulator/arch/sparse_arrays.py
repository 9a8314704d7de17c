"""Arrays of engines that skip zeros, as frozen descriptions: docs/model/sparse_engines.md draws them.

Fields are those of the engines in :mod:`simulator.dataflow`, memories inside included; ``pes`` counts multipliers.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.arch.forms import Bits, Count, Described

Neighbours = Annotated[int, Field(ge=1, le=256)]


class _SparseArray(Described):
    psum_bits: Bits = 24
    value_bits: Bits = 16


class ScnnArray(_SparseArray):
    """SCNN: products of non-zero activations and weights, all with all, scattered to accumulator banks."""

    kind: Literal["scnn"] = "scnn"
    dataflows: Annotated[tuple[Literal["scnn"], ...], Field(min_length=1, max_length=1)] = ("scnn",)
    pe_rows: Count = 8
    pe_columns: Count = 8
    activation_lanes: Count = 4
    weight_lanes: Count = 4
    banks: Count = 32
    bank_queue_entries: Count = 4
    accumulator_entries: Count = 1024
    least_group_outputs: Count = 8
    drain_per_cycle: Count = 4
    stages: Count = 5
    index_bits: Bits = 4
    accumulator_bits: Bits = 24
    activation_ram_kib: Count = 10
    weight_fifo_entries: Count = 50

    @property
    def pes(self) -> int:
        """Multipliers."""
        return self.pe_rows * self.pe_columns * self.activation_lanes * self.weight_lanes

    @property
    def in_short(self) -> str:
        """What a list of accelerators says of it."""
        return f"{self.pes} multipliers, SCNN"


class CambriconXArray(_SparseArray):
    """Cambricon-X: each PE picks the inputs of its non-zero weights; zero activations are not skipped."""

    kind: Literal["cambricon_x"] = "cambricon_x"
    dataflows: Annotated[tuple[Literal["cambricon_x"], ...], Field(min_length=1, max_length=1)] = ("cambricon_x",)
    pe_count: Count = 16
    multipliers_per_pe: Count = 16
    candidates: Count = 256
    stages: Count = 6
    step_bits: Bits = 8
    weight_buffer_kib_per_pe: Count = 2
    input_buffer_kib: Count = 8
    output_buffer_kib: Count = 8

    @property
    def pes(self) -> int:
        """Multipliers."""
        return self.pe_count * self.multipliers_per_pe

    @property
    def in_short(self) -> str:
        """What a list of accelerators says of it."""
        return f"{self.pes} multipliers, Cambricon-X"


class CnvlutinArray(_SparseArray):
    """Cnvlutin: lanes skip zero activations, brick by brick; zero weights are not skipped."""

    kind: Literal["cnvlutin"] = "cnvlutin"
    dataflows: Annotated[tuple[Literal["cnvlutin"], ...], Field(min_length=1, max_length=1)] = ("cnvlutin",)
    units: Count = 16
    filters_per_unit: Count = 16
    lanes: Count = 16
    brick: Count = 16
    stages: Count = 4
    activation_buffer_kib: Count = 4096
    weight_buffer_kib_per_unit: Count = 2048

    @property
    def pes(self) -> int:
        """Multipliers."""
        return self.units * self.filters_per_unit * self.lanes

    @property
    def in_short(self) -> str:
        """What a list of accelerators says of it."""
        return f"{self.pes} multipliers, Cnvlutin"


class NmTensorCoreArray(_SparseArray):
    """N:M tensor cores: weights with at most N of M neighbours run as a dense product of the kept ones."""

    kind: Literal["nm_tensor_core"] = "nm_tensor_core"
    dataflows: Annotated[tuple[Literal["nm"], ...], Field(min_length=1, max_length=1)] = ("nm",)
    n: Neighbours = 2
    m: Neighbours = 4
    multiprocessors: Count = 108
    macs_per_cycle: Count = 1024
    block_rows: Count = 128
    block_cols: Count = 128
    block_inner: Count = 32
    buffers: Count = 3
    operand_bytes_per_cycle: Count = 64
    output_bits: Bits = 16
    shared_memory_kib: Count = 164

    @model_validator(mode="after")
    def _n_fits_m(self) -> Self:
        if self.n > self.m:
            message = f"n = {self.n} exceeds m = {self.m}; give n <= m (2:4 is n = 2, m = 4)"
            raise ValueError(message)
        return self

    @property
    def pes(self) -> int:
        """Multipliers."""
        return self.multiprocessors * self.macs_per_cycle

    @property
    def in_short(self) -> str:
        """What a list of accelerators says of it."""
        return f"{self.pes} multipliers, {self.n}:{self.m} tensor cores"


class EyerissV2ClustersArray(_SparseArray):
    """Eyeriss v2: clusters of PEs that take both operands compressed, on pointwise layers."""

    kind: Literal["eyeriss_v2"] = "eyeriss_v2"
    dataflows: Annotated[tuple[Literal["rs_plus"], ...], Field(min_length=1, max_length=1)] = ("rs_plus",)
    psum_bits: Bits = 20
    value_bits: Bits = 8
    clusters: Count = 16
    pes_per_cluster: Count = 12
    lanes: Count = 2
    stages: Count = 7
    count_bits: Annotated[int, Field(ge=1, le=8)] = 4
    activation_entries: Count = 16
    weight_words: Count = 96
    psums: Count = 32
    address_bits: Bits = 7

    @property
    def pes(self) -> int:
        """Multipliers."""
        return self.clusters * self.pes_per_cluster * self.lanes

    @property
    def in_short(self) -> str:
        """What a list of accelerators says of it."""
        return f"{self.pes} multipliers, Eyeriss v2 clusters"


SPARSE_ARRAYS = (ScnnArray, CambriconXArray, CnvlutinArray, NmTensorCoreArray, EyerissV2ClustersArray)
SKIPS = {
    "scnn": "zeros of weights and activations",
    "cambricon_x": "zero weights (zero activations take their time)",
    "cnvlutin": "zero activations (zero weights take their time)",
    "eyeriss_v2": "zeros of weights and activations",
    "nm_tensor_core": "weights that its N:M pattern leaves out, and only those; other weights run dense",
}
"""What each kind leaves out."""
