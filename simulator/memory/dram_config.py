"""What a DRAM system is: organisation, timing, controller policy, currents. Knows no file formats and no kernels.

Frozen descriptions that refuse what no device can be: every error names the field, its value and the remedy.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

FewInt = Annotated[int, Field(gt=0, le=1 << 10)]
ManyInt = Annotated[int, Field(gt=0, le=1 << 30)]
CycleCount = Annotated[int, Field(ge=0, le=1 << 18)]

Protocol = Literal["DDR3", "DDR4", "LPDDR", "LPDDR3", "LPDDR4", "LPDDR5", "GDDR5", "GDDR5X", "GDDR6", "HBM", "HBM2"]

_BEATS_PER_CYCLE = {"LPDDR5": 8, "GDDR5": 4, "GDDR5X": 8, "GDDR6": 16}  # LPDDR5: the data clock is 4 x CK
_SPACED_PRECHARGES = ("LPDDR4", "LPDDR5", "GDDR5", "GDDR5X", "GDDR6")  # tPPD
_ADDRESS_BITS = 62
_COUNTS = "channels ranks bank_groups banks_per_group rows columns device_width_bits bus_width_bits burst_length"

MOST_RANKS, MOST_GROUPS, MOST_BANKS = 32, 128, 512
"""Of a channel: a simulated channel is a record of fixed size, one type for all systems (DDR5 has 32 banks a rank)."""

ADDRESS_FIELDS = ("ch", "ra", "bg", "ba", "ro", "co")
"""Channel, rank, bank group, bank, row, column: the fields of an address mapping, most significant first."""


def bits_for(count: int) -> int:
    """Return the number of bits that select one of ``count`` things, a power of two.

    Examples
    --------
    >>> bits_for(16)
    4
    """
    return count.bit_length() - 1


class _Description(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DramOrganization(_Description):
    """Channels, ranks, banks, rows and columns, and how an address selects them.

    ``columns`` counts device columns of ``device_width_bits``; ``address_mapping`` names the six fields from the most
    to the least significant (``"rochrababgco"``); ``bank_hash`` ``"row_xor"`` adds the low row bits to bank group and
    bank, so that rows of one bank in address order spread over all banks.
    """

    protocol: Protocol
    channels: FewInt = 1
    ranks: FewInt = 1
    bank_groups: FewInt
    banks_per_group: FewInt
    rows: ManyInt
    columns: ManyInt
    device_width_bits: ManyInt
    bus_width_bits: ManyInt
    burst_length: ManyInt
    address_mapping: str
    bank_hash: Literal["none", "row_xor"] = "none"

    @model_validator(mode="after")
    def _is_addressable(self) -> "DramOrganization":
        for name in _COUNTS.split():
            value = getattr(self, name)
            if value & (value - 1):
                message = f"{name} is {value}: address bits select it, so it must be a power of two"
                raise ValueError(message)
        self._check_bus()
        self._check_mapping()
        self._check_banks()
        if self.address_bits > _ADDRESS_BITS:
            message = (
                f"the capacity of 2^{self.address_bits} bytes lies beyond the address space of 2^{_ADDRESS_BITS}: "
                "use fewer rows, columns, ranks or channels"
            )
            raise ValueError(message)
        return self

    def _check_bus(self) -> None:
        if self.bus_width_bits < max(8, self.device_width_bits):
            message = (
                f"bus_width_bits is {self.bus_width_bits}: it must hold a byte and one device of "
                f"{self.device_width_bits} bits"
            )
            raise ValueError(message)
        if self.columns < self.burst_length:
            message = f"columns is {self.columns}, less than one burst_length of {self.burst_length}"
            raise ValueError(message)
        if self.burst_length < self._beats_per_cycle:
            message = f"burst_length is {self.burst_length}, less than one cycle of {self.protocol}"
            raise ValueError(message)

    def _check_banks(self) -> None:
        """Refuse a channel beyond what a simulated one has room for."""
        groups, banks = self.ranks * self.bank_groups, self.ranks * self.banks_per_rank
        for name, value, most in (
            ("ranks", self.ranks, MOST_RANKS),
            ("ranks x bank_groups", groups, MOST_GROUPS),
            ("ranks x bank_groups x banks_per_group", banks, MOST_BANKS),
        ):
            if value > most:
                message = f"{name} is {value} a channel, more than the {most} simulated: use fewer, or more channels"
                raise ValueError(message)

    def _check_mapping(self) -> None:
        mapping = self.address_mapping
        fields = [mapping[at : at + 2] for at in range(0, len(mapping), 2)]
        for field in fields:
            if field not in ADDRESS_FIELDS:
                message = f"address_mapping {mapping!r} has the unknown field {field!r}: use {' '.join(ADDRESS_FIELDS)}"
                raise ValueError(message)
        for field in ADDRESS_FIELDS:
            if fields.count(field) != 1:
                fault = "lacks" if field not in fields else "doubles"
                message = f"address_mapping {mapping!r} {fault} the field {field!r}: name each of the six fields once"
                raise ValueError(message)

    @property
    def _beats_per_cycle(self) -> int:
        return _BEATS_PER_CYCLE.get(self.protocol, 2)

    @property
    def burst_cycles(self) -> int:
        """Cycles for which one burst holds the data bus."""
        return self.burst_length // self._beats_per_cycle

    @property
    def request_bytes(self) -> int:
        """Bytes moved by one column command."""
        return self.bus_width_bits // 8 * self.burst_length

    @property
    def banks_per_rank(self) -> int:
        """Banks of one rank, all groups."""
        return self.bank_groups * self.banks_per_group

    @property
    def devices_per_rank(self) -> int:
        """Devices that share a rank's command, each with its own current."""
        return self.bus_width_bits // self.device_width_bits

    @property
    def field_bits(self) -> dict[str, int]:
        """Address bits of each field; the column field counts bursts."""
        return {
            "ch": bits_for(self.channels),
            "ra": bits_for(self.ranks),
            "bg": bits_for(self.bank_groups),
            "ba": bits_for(self.banks_per_group),
            "ro": bits_for(self.rows),
            "co": bits_for(self.columns) - bits_for(self.burst_length),
        }

    @property
    def address_bits(self) -> int:
        """Address bits of the whole system, the offset in a burst included."""
        return sum(self.field_bits.values()) + bits_for(self.request_bytes)

    @property
    def capacity_bytes(self) -> int:
        """Bytes of the whole system."""
        return 1 << self.address_bits


class DramTiming(_Description):
    """JEDEC timing parameters, in cycles of ``clock_period_ns``; ``_s``/``_l``: other / same bank group."""

    clock_period_ns: Annotated[float, Field(gt=0)]
    al_cycles: CycleCount = 0
    cl_cycles: CycleCount
    cwl_cycles: CycleCount
    trcd_read_cycles: CycleCount
    trcd_write_cycles: CycleCount
    trp_cycles: CycleCount
    tras_cycles: CycleCount
    trfc_cycles: CycleCount
    trefi_cycles: ManyInt
    trrd_s_cycles: CycleCount
    trrd_l_cycles: CycleCount
    tfaw_cycles: CycleCount
    t32aw_cycles: CycleCount = 0
    tccd_s_cycles: CycleCount
    tccd_l_cycles: CycleCount
    twtr_s_cycles: CycleCount
    twtr_l_cycles: CycleCount
    twr_cycles: CycleCount
    trtp_cycles: CycleCount
    trtrs_cycles: CycleCount = 2
    tppd_cycles: CycleCount = 0

    @property
    def read_latency_cycles(self) -> int:
        """RL = AL + CL."""
        return self.al_cycles + self.cl_cycles

    @property
    def write_latency_cycles(self) -> int:
        """WL = AL + CWL."""
        return self.al_cycles + self.cwl_cycles

    @property
    def row_cycle_cycles(self) -> int:
        """TRC = tRAS + tRP."""
        return self.tras_cycles + self.trp_cycles

    def refresh_intervals(self, ranks: int, policy: str) -> dict[str, int]:
        """Return how often refreshes fall due [cycles] and for how many ranks at once."""
        if policy == "rank_simultaneous":
            return {"refresh_interval": self.trefi_cycles, "refresh_ranks": ranks}
        return {"refresh_interval": self.trefi_cycles // ranks, "refresh_ranks": 1}

    def distances(self, organization: DramOrganization) -> dict[str, int]:
        """Return the command-to-command distances [cycles] that these parameters mean for ``organization``.

        Without bank groups the ``_s`` values hold within the only group. tPPD exists in LPDDR4, LPDDR5 and GDDR alone,
        the 32-activate window in GDDR.
        """
        burst = organization.burst_cycles
        read_latency, write_latency = self.read_latency_cycles, self.write_latency_cycles
        grouped = organization.bank_groups > 1
        tccd_same = self.tccd_l_cycles if grouped else self.tccd_s_cycles
        twtr_same = self.twtr_l_cycles if grouped else self.twtr_s_cycles
        read_precharge = self.al_cycles + self.trtp_cycles
        write_precharge = write_latency + burst + self.twr_cycles
        return {
            "read_delay": read_latency + burst,
            "write_delay": write_latency + burst,
            "read_read_same": max(burst, tccd_same),
            "read_read_other": max(burst, self.tccd_s_cycles),
            "read_read_rank": burst + self.trtrs_cycles,
            "read_write": read_latency + burst - write_latency + self.trtrs_cycles,
            "read_write_rank": read_latency + burst - write_latency + self.trtrs_cycles,
            "write_write_same": max(burst, tccd_same),
            "write_write_other": max(burst, self.tccd_s_cycles),
            "write_write_rank": burst,
            "write_read_same": write_latency + burst + twtr_same,
            "write_read_other": write_latency + burst + self.twtr_s_cycles,
            "write_read_rank": write_latency + burst + self.trtrs_cycles - read_latency,
            "read_precharge": read_precharge,
            "write_precharge": write_precharge,
            "read_auto_activate": read_precharge + burst + self.trp_cycles,
            "read_auto_refresh": read_precharge + self.trp_cycles,
            "write_auto_activate": write_precharge + self.trp_cycles,
            "activate_read": self.trcd_read_cycles - self.al_cycles,
            "activate_write": self.trcd_write_cycles - self.al_cycles,
            "activate_activate": self.row_cycle_cycles,
            "activate_same": self.trrd_l_cycles if grouped else self.trrd_s_cycles,
            "activate_other": self.trrd_s_cycles,
            "activate_precharge": self.tras_cycles,
            "precharge_activate": self.trp_cycles,
            "precharge_precharge": self.tppd_cycles if organization.protocol in _SPACED_PRECHARGES else 0,
            "refresh_activate": self.trfc_cycles,
            "four_activates": self.tfaw_cycles,
            "thirty_two_activates": self.t32aw_cycles if organization.protocol.startswith("GDDR") else 0,
        }


class DramPolicy(_Description):
    """The controller: queues, page policy, refresh, write batching. ``dramsim3`` is the only policy so far.

    ``write_low_level`` and ``row_hit_limit`` are that policy's constants: an idle controller drains a write buffer that
    holds more than the former; a row that served the latter may be closed over pending hits. DRAMsim3 itself never
    drains the last ``write_low_level`` writes; with ``drains_last_writes`` they leave when nothing else waits.
    ``command_queues``: one a bank, or one a rank (``PER_RANK``), each of ``command_queue_entries``.
    """

    name: Literal["dramsim3"] = "dramsim3"
    page: Literal["open", "close"] = "open"
    command_queues: Literal["bank", "rank"] = "bank"
    command_queue_entries: Annotated[int, Field(gt=0, le=1 << 12)] = 8
    transaction_queue_entries: Annotated[int, Field(gt=0, le=1 << 16)] = 32
    unified_queue: bool = False
    dual_command: bool = False
    refresh: Literal["rank_staggered", "rank_simultaneous"] = "rank_staggered"
    write_low_level: Annotated[int, Field(ge=0, le=1 << 30)] = 8
    row_hit_limit: ManyInt = 4
    drains_last_writes: bool = True


class DramPower(_Description):
    """Supply voltage [V] and currents per device [mA], as in a data sheet.

    Data-sheet currents leave out the pins: ``io_pj_per_bit`` is what drivers and termination cost per bit moved [pJ].
    """

    vdd_v: Annotated[float, Field(gt=0)]
    idd0_ma: Annotated[float, Field(ge=0)]
    idd2n_ma: Annotated[float, Field(ge=0)]
    idd3n_ma: Annotated[float, Field(ge=0)]
    idd4r_ma: Annotated[float, Field(ge=0)]
    idd4w_ma: Annotated[float, Field(ge=0)]
    idd5ab_ma: Annotated[float, Field(ge=0)]
    io_pj_per_bit: Annotated[float, Field(ge=0)] = 0.0


class DramConfig(_Description):
    """A whole DRAM system and its front end, which offers up to ``inject_width`` requests per cycle.

    ``sources`` says of a field path (``timing.cl_cycles``) or of a section where its numbers come from.
    """

    name: str = "dram"
    organization: DramOrganization
    timing: DramTiming
    policy: DramPolicy = DramPolicy()
    power: DramPower | None = None
    inject_width: ManyInt = 1
    sources: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_possible(self) -> "DramConfig":
        timing, burst = self.timing, self.organization.burst_cycles
        distances = timing.distances(self.organization)
        trcd_cycles = max(timing.trcd_read_cycles, timing.trcd_write_cycles)
        _demand(
            timing.tras_cycles >= trcd_cycles + burst,
            f"tras_cycles is {timing.tras_cycles}, less than tRCD + burst = {trcd_cycles} + {burst}: "
            f"a row would close before its first burst; give at least {trcd_cycles + burst}",
        )
        for name in ("activate_read", "activate_write"):
            _demand(distances[name] > 0, f"al_cycles is {timing.al_cycles}: it must be less than tRCD ({trcd_cycles})")
        _demand(
            distances["read_write"] > 0,
            f"cwl_cycles is {timing.cwl_cycles}: a write could precede the read before it (cl_cycles is "
            f"{timing.cl_cycles}, burst {burst}, trtrs_cycles {timing.trtrs_cycles}); give less",
        )
        self._check_groups()
        interval = timing.refresh_intervals(self.organization.ranks, self.policy.refresh)["refresh_interval"]
        busy_cycles = timing.trfc_cycles + timing.row_cycle_cycles
        _demand(
            timing.trefi_cycles > busy_cycles and interval > 0,
            f"trefi_cycles is {timing.trefi_cycles}: refreshing (tRFC + tRC = {busy_cycles}) would never end; "
            "give more",
        )
        above = timing.trp_cycles > 0 and timing.trfc_cycles > 0
        _demand(above, "trp_cycles and trfc_cycles must be above zero; raise them")
        return self

    def _check_groups(self) -> None:
        if self.organization.bank_groups == 1:
            return
        for name in ("tccd", "twtr", "trrd"):
            other = getattr(self.timing, f"{name}_s_cycles")
            same = getattr(self.timing, f"{name}_l_cycles")
            _demand(same >= other, f"{name}_l_cycles is {same}, less than {name}_s_cycles = {other}: swap them")

    def source_of(self, path: str) -> str | None:
        """Return where the number at ``path`` comes from: said of it, or of the section it is in; None if unsaid."""
        return self.sources.get(path) or self.sources.get(path.split(".", maxsplit=1)[0])

    @property
    def clock_hz(self) -> float:
        """Command clock [Hz]."""
        return 1e9 / self.timing.clock_period_ns

    @property
    def peak_bytes_per_second(self) -> float:
        """Bytes per second when every data bus is always busy."""
        return self.peak_bytes_per_cycle * self.clock_hz

    @property
    def peak_bytes_per_cycle(self) -> float:
        """Bytes per cycle when every data bus is always busy."""
        return self.organization.channels * self.organization.request_bytes / self.organization.burst_cycles


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)
