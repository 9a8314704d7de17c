"""The accelerator as a frozen description. Knows structure, clocks and capacities; no workload and no timing law.

One definition gives validation (every fault at once, with path, value and remedy) and the published JSON Schema
(``docs/schema/accelerator.json``).
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.arch.arrays import Array
from simulator.arch.buffer import Buffer
from simulator.arch.compression import Compression
from simulator.arch.forms import Bits, Count, Cycles, Described, refuse_repeats
from simulator.arch.last_level import LastLevelScratchpad
from simulator.units import BITS_PER_BYTE

ClockHz = Annotated[float, Field(ge=1e3, le=1e11, allow_inf_nan=False)]
BytesPerSecond = Annotated[float, Field(ge=1.0, le=1e16, allow_inf_nan=False)]
Factor = Annotated[float, Field(gt=0.0, le=1e3, allow_inf_nan=False)]
Watts = Annotated[float, Field(ge=0.0, le=1e6, allow_inf_nan=False)]
VectorOperator = Literal[
    "activation",
    "add",
    "average_pool",
    "compare",
    "div",
    "max_pool",
    "maximum",
    "minimum",
    "mul",
    "normalization",
    "power",
    "reduction",
    "resize",
    "softmax",
    "sub",
    "where",
]


class BitPair(Described):
    """Operand widths the PE multiplies natively, and how many products a cycle it makes at them."""

    ifmap_bits: Bits
    weight_bits: Bits
    macs_per_pe_cycle: Annotated[int, Field(ge=1, le=256)] = 1


class PrecisionSupport(Described):
    """Bits in, products a PE and cycle out; docs/model/precision.md has the laws and their sources.

    Parameters
    ----------
    law : {"fixed", "packed", "fused", "bit_serial"}
        ``fixed``: a width rounds up to a supported pair. ``packed``: the same, and pairs may make several products a
        cycle (two INT4 in one INT8 multiplier, or in one DSP). ``fused``: small multipliers fuse into one of the pair's
        widths (Bit Fusion). ``bit_serial``: the operand named by ``serial`` enters a few bits a cycle (Stripes, UNPU,
        Loom).
    pairs : tuple of BitPair
        One for ``fused`` (the widest fused product) and ``bit_serial`` (the widest operands; its
        ``macs_per_pe_cycle`` counts the serial lanes of a PE).
    temporal : bool
        Operands wider than every pair run in several passes, ``ceil(a / widest a) * ceil(w / widest w)`` beats a
        product; False refuses them.
    float_bits : int, optional
        Width of the float format the PE multiplies natively, if any [bits].
    packed_along : {"columns", "reduction"}, optional
        Where the products that a ``packed`` pair makes in a cycle lie: neighbouring output channels (None), or one sum.
    brick_bits : int, optional
        Narrowest width a fused multiplier takes: narrower operands run at its rate [bits]. ``fused`` needs it.
    serial : {"ifmap", "weight", "both"}, optional
        What ``bit_serial`` feeds serially.
    serial_bits : int, optional
        Bits a serial operand enters in one beat [bits]; None is 1.
    mac_energy_factor, mac_area_factor : float, optional
        Energy of a beat, and area, of this multiplier as a multiple of a fixed-width one's; None is 1.
    """

    law: Literal["fixed", "packed", "fused", "bit_serial"] = "fixed"
    pairs: Annotated[tuple[BitPair, ...], Field(min_length=1, max_length=64)]
    temporal: bool = True
    float_bits: Bits | None = None
    packed_along: Literal["columns", "reduction"] | None = None
    brick_bits: Bits | None = None
    serial: Literal["ifmap", "weight", "both"] | None = None
    serial_bits: Bits | None = None
    mac_energy_factor: Factor | None = None
    mac_area_factor: Factor | None = None

    @model_validator(mode="after")
    def _pairs_make_sense(self) -> Self:
        refuse_repeats("pairs", [f"{pair.ifmap_bits} x {pair.weight_bits} bit" for pair in self.pairs])
        if self.law == "fixed":
            for index, pair in enumerate(self.pairs):
                if pair.macs_per_pe_cycle != 1:
                    message = (
                        f"pairs[{index}].macs_per_pe_cycle = {pair.macs_per_pe_cycle}: law 'fixed' makes one product "
                        "a PE and cycle; make it 1, or the law 'packed'"
                    )
                    raise ValueError(message)
        if self.law in {"fused", "bit_serial"} and len(self.pairs) != 1:
            message = f"pairs: law {self.law!r} takes one, the widest operands; {len(self.pairs)} were given"
            raise ValueError(message)
        self._options_belong_to_the_law()
        return self

    def _options_belong_to_the_law(self) -> None:
        belongs = {"packed_along": "packed", "brick_bits": "fused", "serial": "bit_serial", "serial_bits": "bit_serial"}
        for field, law in belongs.items():
            if getattr(self, field) is not None and self.law != law:
                message = f"{field} = {getattr(self, field)!r}: belongs to the law {law!r}, not {self.law!r}; drop it"
                raise ValueError(message)
        if self.law == "bit_serial" and self.serial is None:
            message = "serial: law 'bit_serial' needs it; give ifmap, weight or both"
            raise ValueError(message)
        if self.law == "fused":
            pair = self.pairs[0]
            if self.brick_bits is None or self.brick_bits > min(pair.ifmap_bits, pair.weight_bits):
                message = (
                    f"brick_bits = {self.brick_bits}: law 'fused' needs the narrowest width it multiplies, at most the "
                    f"pair's {pair.ifmap_bits} x {pair.weight_bits} bits"
                )
                raise ValueError(message)
            if pair.macs_per_pe_cycle != 1:
                message = "pairs[0].macs_per_pe_cycle: law 'fused' makes one product at its widest pair; make it 1"
                raise ValueError(message)


class VectorUnit(Described):
    """Lanes for everything that is no multiply-accumulate.

    Parameters
    ----------
    lanes : int
        Elements a cycle for a one-operation function.
    fused : tuple of str
        Operators that may run on the array's outputs on their way to memory.
    operations_per_element : mapping of str to int
        Lane operations an element of that operator takes; 1 where absent.
    """

    lanes: Count = 16
    fused: tuple[VectorOperator, ...] = ("activation", "add", "mul", "normalization")
    operations_per_element: dict[VectorOperator, Count] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fused_differ(self) -> Self:
        refuse_repeats("fused", self.fused)
        return self


class Dram(Described):
    """Off-chip memory: bandwidth and latency (fidelity ``bandwidth``), and which DRAM that is (fidelity ``event``).

    Parameters
    ----------
    standard : str
        Name printed in reports, and key of the energy table: DDR3, DDR4, LPDDR4, HBM2...
    bandwidth_bytes_per_second : float
        Peak, all channels, shared by reads and writes [B/s].
    latency_cycles : int
        From the last byte's turn on the bus until it is there [accelerator cycles]; ``event`` has its commands'.
    word_bits : int
        Smallest transfer [bits]: sizes round up to it.
    system : str, optional
        A DRAM preset (``simulator list drams``), its channels and clock such that it has the bandwidth above; or a
        ``.json`` or DRAMsim3 ``.ini`` file of that bandwidth (2, 4, 8 ... times its own: as many times its channels).
        None: the nearest preset of ``standard``.
    layout : {"NHWC", "NCHW", "tiled"}
        Order of feature maps in DRAM; ``tiled`` is N, C / channel_tile, H, W, channel_tile.
    channel_tile : int, optional
        Channels that ``tiled`` keeps together; None is 16.
    weight_layout : {"tiles", "rows"}
        Weights lie tile by tile as the mapping reads them, or one output channel behind the other.
    """

    standard: Annotated[str, Field(min_length=1, max_length=64)] = "DDR4"
    bandwidth_bytes_per_second: BytesPerSecond
    latency_cycles: Cycles = 100
    word_bits: Annotated[int, Field(ge=8, le=65536)] = 512
    system: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    layout: Literal["NHWC", "NCHW", "tiled"] = "NHWC"
    channel_tile: Annotated[int, Field(ge=1, le=4096)] | None = None
    weight_layout: Literal["tiles", "rows"] = "tiles"


class ZeroGating(Described):
    """What a PE of a systolic array leaves out when an operand is zero: energy, never cycles.

    Parameters
    ----------
    by : tuple of {"ifmap", "weight"}
        A zero of any of these keeps the multiplier still, and the register of the operand that stays in the PE.
    gated_share : float, optional
        Of a product's multiplier and register energy, what a gated one still takes; None is nothing.
    """

    by: Annotated[tuple[Literal["ifmap", "weight"], ...], Field(max_length=2)] = ()
    gated_share: Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _operands_differ(self) -> Self:
        refuse_repeats("zero_gating.by", self.by)
        return self


class Technology(Described):
    """Which energy and area table prices the counters; docs/model/energy.md.

    Parameters
    ----------
    profile : str
        Name of a built-in profile (``horowitz-45nm``, ``eyeriss-65nm``, ``eie-45nm``...).
    node_nm : int, optional
        Scale the profile to this node (Stillmaker & Baas); None keeps the profile's own [nm].
    voltage_v : float, optional
        Supply of the target; None is the profile's, moved with the nodes' nominal supplies [V].
    dram_energy_pj_per_bit : float, optional
        Instead of the table's figure for the DRAM standard [pJ/bit].
    static_power_w, clock_power_w : float, optional
        Instead of what the profile gives for leakage and for the clock network [W].
    """

    profile: Annotated[str, Field(min_length=1, max_length=64)] = "horowitz-45nm"
    node_nm: Annotated[int, Field(ge=7, le=130)] | None = None
    voltage_v: Annotated[float, Field(ge=0.3, le=2.0, allow_inf_nan=False)] | None = None
    dram_energy_pj_per_bit: Annotated[float, Field(ge=0.0, le=1e6, allow_inf_nan=False)] | None = None
    static_power_w: Watts | None = None
    clock_power_w: Watts | None = None


class Accelerator(Described):
    """One accelerator.

    Parameters
    ----------
    name : str
    paper : str
        Where the organisation was published.
    clock_hz : float
        Of array, buffers and vector unit [Hz].
    array : SystolicArray, RowStationaryArray
        Told apart by ``kind``, systolic where a file has none: :mod:`simulator.arch.arrays`.
    precision : PrecisionSupport
    buffers : tuple of Buffer
    vector : VectorUnit
    dram : Dram
    cores : int
        Identical cores: each has the array, the buffers and the vector unit; they share the DRAM. docs/model/cores.md.
    core_split : {"auto", "K", "P", "N", "pipeline"}
        How several cores share a network: the output channels or rows of each layer, the images of the batch, or
        neighbouring layers on one core and images in flight. ``auto``: images where the batch has one for each core,
        else channels or rows, layer by layer.
    last_level : LastLevelScratchpad, optional
        Of several cores: keeps what they read alike, so that it comes from DRAM once.
    zero_gating : ZeroGating
        Of systolic arrays; other kinds have their own.
    compression : Compression
        Formats of tensors in DRAM, and the codec. Likewise.
    technology : Technology
    sources : mapping of str to str
        Field path (``buffers.unified.capacity_bytes``) to the source of its number; see :func:`simulator.arch.numbers`.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> load_accelerator("tpu_like_128").array.rows
    128
    """

    schema_: Literal["simulator.accelerator/1"] = Field(default="simulator.accelerator/1", alias="schema")
    name: Annotated[str, Field(min_length=1, max_length=128)]
    paper: str = ""
    clock_hz: ClockHz
    array: Array
    precision: PrecisionSupport
    buffers: Annotated[tuple[Buffer, ...], Field(min_length=1, max_length=16)]
    vector: VectorUnit = VectorUnit()
    dram: Dram
    cores: Annotated[int, Field(ge=1, le=64)] = 1
    core_split: Literal["auto", "K", "P", "N", "pipeline"] = "auto"
    last_level: LastLevelScratchpad | None = None
    zero_gating: ZeroGating = ZeroGating()
    compression: Compression = Compression()
    technology: Technology = Technology()
    sources: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _only_systolic_arrays_gate_here(self) -> Self:
        if self.zero_gating.by and self.array.kind != "systolic":
            message = (
                f"zero_gating.by = {list(self.zero_gating.by)}: array.kind = {self.array.kind!r} says itself what it "
                "makes of zeros; leave zero_gating out"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _buffers_keep_up_with_the_dram(self) -> Self:
        for buffer in self.buffers:
            if buffer.ports is None:
                continue
            where = f"ports = {buffer.ports} of buffer {buffer.name!r}"
            if self.array.kind != "systolic":
                message = (
                    f"{where}: array.kind = {self.array.kind!r} says itself how its memories are read; leave ports out"
                )
                raise ValueError(message)
            if self.compression.is_used:
                message = (
                    f"{where}: with compression ({self.compression.in_short}) the decoder fills it at a rate of its "
                    "own, which the DMA's turns at its banks do not know; leave ports or compression out"
                )
                raise ValueError(message)
            if self.dma_period_cycles(buffer) * buffer.ports <= 1:
                message = (
                    f"{where}: {buffer.banks} banks of {buffer.word_bits} bits take {buffer.line_bits} bits at once, "
                    f"and the DRAM brings {self.dram_bytes_per_cycle * BITS_PER_BYTE:g} bits a cycle, which leaves the "
                    "array no access; raise banks, word_bits or ports"
                )
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _only_systolic_arrays_compress_here(self) -> Self:
        used = self.compression.is_used
        if used and self.array.kind != "systolic":
            message = (
                f"compression ({self.compression.in_short}): array.kind = {self.array.kind!r} says itself how it keeps "
                "tensors; leave compression out"
            )
            raise ValueError(message)
        if used and self.compression.weight.format != "raw" and self.dram.weight_layout == "rows":
            message = (
                f"compression.weight.format = {self.compression.weight.format!r}: encoded weights lie tile by tile, "
                "but dram.weight_layout = 'rows'; make it 'tiles', or the format 'raw'"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _several_cores_can_be_run(self) -> Self:
        if self.cores == 1:
            if self.last_level is not None:
                message = "last_level: one core has nobody to share a scratchpad with; leave it out, or raise cores"
                raise ValueError(message)
            return self
        if self.last_level is not None and any(buffer.name == "last_level" for buffer in self.buffers):
            message = "buffers: one is named 'last_level' beside the scratchpad of that name; name it otherwise"
            raise ValueError(message)
        if self.array.kind != "systolic":
            message = f"cores = {self.cores}: array.kind = {self.array.kind!r} runs on one core; make it 1"
            raise ValueError(message)
        if self.compression.is_used:
            message = (
                f"cores = {self.cores} with compression ({self.compression.in_short}): make cores 1, or formats 'raw'"
            )
            raise ValueError(message)
        for buffer in self.buffers:
            if buffer.resident_share:
                message = (
                    f"cores = {self.cores} with resident_share = {buffer.resident_share} of buffer {buffer.name!r}: "
                    "what one core keeps on chip the others cannot read; make it 0, or cores 1"
                )
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _each_operand_has_one_buffer(self) -> Self:
        refuse_repeats("buffers.name", [buffer.name for buffer in self.buffers])
        for operand in ("ifmap", "weight", "psum"):
            homes = [buffer.name for buffer in self.buffers if operand in buffer.operands]
            if len(homes) != 1:
                where = f"in {len(homes)} buffers {homes}" if homes else "in no buffer"
                message = f"buffers: operand {operand!r} lives {where}; name it in the operands of exactly one"
                raise ValueError(message)
        return self

    def buffer_of(self, operand: str) -> Buffer:
        """Return the buffer where ``operand`` (ifmap, weight or psum) lives."""
        return next(buffer for buffer in self.buffers if operand in buffer.operands)

    def dma_period_cycles(self, buffer: Buffer) -> int:
        """Return how often the DMA has a turn at ``buffer`` to keep up with the DRAM: once in so many cycles."""
        return int(buffer.line_bits / (self.dram_bytes_per_cycle * BITS_PER_BYTE))

    @property
    def dram_bytes_per_cycle(self) -> float:
        """Peak DRAM bandwidth [B/cycle]."""
        return self.dram.bandwidth_bytes_per_second / self.clock_hz

    @property
    def peak_macs_per_cycle(self) -> int:
        """Products a cycle, all cores, where a PE makes one a beat; times ``pack / passes`` at other widths."""
        return self.array.pes * self.cores
