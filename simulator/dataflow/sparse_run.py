"""What a layer did on a sparse engine, in the same words for all of them. Knows no engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from simulator.units import OPS_PER_MAC

PE_CYCLE_CAUSES = (
    "useful",  # a product of two non-zeros (of anything where an engine skips nothing)
    "padding",  # a slot without a product: padding entries, half-empty words, zeros that are not skipped
    "empty_column",  # a cycle for a column, brick or segment that holds nothing
    "back_pressure",  # the others' full queues
    "starvation",  # operands that were not there
    "bank_conflict",
    "imbalance",  # done, while a neighbour is not; rows and lanes that hold no work
    "fill",  # pipelines filling and draining, register loads
)
"""Where cycles of multipliers go, in the order reports print them."""


@dataclass(frozen=True)
class MemoryAccess:
    """Accesses of one kind of memory, over all its instances: what energy is priced from.

    Parameters
    ----------
    reads, writes
        Words.
    word_bits, capacity_bits
        Of one instance.
    """

    reads: int = 0
    writes: int = 0
    word_bits: int = 16
    capacity_bits: int = 1024 * 8

    def __add__(self, other: "MemoryAccess") -> "MemoryAccess":
        """Add accesses of the same memory."""
        return replace(self, reads=self.reads + other.reads, writes=self.writes + other.writes)


@dataclass(frozen=True)
class SparseRun:
    """A layer on a sparse engine.

    Parameters
    ----------
    cycles
        From the first operand in place to the last result.
    multipliers
        All of the engine's: a PE of several counts once for each.
    pe_cycles
        By :data:`PE_CYCLE_CAUSES`; they sum to ``multipliers`` x ``cycles``, exactly.
    dense_macs
        Products of the layer without any zeros skipped.
    accesses
        By memory.
    pe_load
        Work of each PE, in its own issue slots [pes].
    """

    cycles: int
    multipliers: int
    pe_cycles: Mapping[str, int]
    dense_macs: int
    clock_hz: float
    accesses: Mapping[str, MemoryAccess] = field(default_factory=dict)
    pe_load: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    batches: int = 1

    @property
    def pes(self) -> int:
        """Multipliers: what ``pe_cycles`` is counted in."""
        return self.multipliers

    @property
    def effectual_macs(self) -> int:
        """Products that were worth computing."""
        return self.pe_cycles["useful"]

    @property
    def time_s(self) -> float:
        """Duration [s]."""
        return self.cycles / self.clock_hz

    @property
    def dense_ops_per_second(self) -> float:
        """Throughput as if nothing had been skipped [OP/s]."""
        return OPS_PER_MAC * self.dense_macs / self.time_s if self.cycles else 0.0

    @property
    def effectual_ops_per_second(self) -> float:
        """Throughput of products that were computed [OP/s]."""
        return OPS_PER_MAC * self.effectual_macs / self.time_s if self.cycles else 0.0


def named_pe_cycles(multipliers: int, cycles: int, rest: str, **counted: int) -> dict[str, int]:
    """Return all causes in order; ``rest`` takes what the counted ones leave of ``multipliers`` x ``cycles``.

    Examples
    --------
    >>> named_pe_cycles(2, 10, "fill", useful=12, imbalance=3)["fill"]
    5
    """
    remaining = multipliers * cycles - sum(counted.values())
    counted[rest] = counted.get(rest, 0) + remaining
    assert set(counted) <= set(PE_CYCLE_CAUSES), counted
    assert counted[rest] >= 0, counted
    return {name: counted.get(name, 0) for name in PE_CYCLE_CAUSES}


def add_runs(runs: list[SparseRun]) -> SparseRun:
    """Return runs one behind the other on the same engine as one.

    Examples
    --------
    >>> one = SparseRun(10, 1, named_pe_cycles(1, 10, "fill", useful=4), 8, 1e9)
    >>> both = add_runs([one, one])
    >>> both.cycles, both.pe_cycles["fill"], both.effectual_macs
    (20, 12, 8)
    """
    accesses: dict[str, MemoryAccess] = {}
    for run in runs:
        for name, access in run.accesses.items():
            accesses[name] = accesses[name] + access if name in accesses else access
    return replace(
        runs[0],
        cycles=sum(run.cycles for run in runs),
        pe_cycles={name: sum(run.pe_cycles[name] for run in runs) for name in PE_CYCLE_CAUSES},
        dense_macs=sum(run.dense_macs for run in runs),
        accesses=accesses,
        pe_load=np.add.reduce([run.pe_load for run in runs]),
        batches=sum(run.batches for run in runs),
    )
