"""EIE's energy from activity: the published power of each module of a PE, spread over the events of one real layer.

The powers are Han et al., ISCA 2016, table II (45 nm, 800 MHz). Which activity they belong to is not published; the
real Alex-8 layer is taken (inferred), whose events are known exactly. On that layer the chip's power is thus an input.
"""

from dataclasses import dataclass

from simulator.dataflow.eie import EieRun

POWER_MW_PER_PE = {
    "activation_queue": 0.112,
    "pointer_read": 1.807,
    "sparse_matrix_read": 4.955,
    "arithmetic": 1.162,
    "activation_rw": 1.122,
}
"""Published power of each module of a PE [mW], clock included: 9.158 mW (published total: 9.157)."""

CHIP_POWER_MW = 590.0
"""Published power of the chip [mW]; what the PEs do not explain is the non-zero detection."""

_CLOCK_HZ = 800e6
_PES = 64
_PJ_PER_S_AND_MW = 1e9


@dataclass(frozen=True)
class _Activity:
    """Events of Alex-8 (AlexNet FC8, 4096 -> 1000, with bias) on 64 PEs at queue depth 8: exact counts."""

    cycles: int = 7926
    broadcasts: int = 1760
    pointer_reads: int = 112_640
    weight_row_reads: int = 100_900
    entries: int = 453_748


_ALEX_8 = _Activity()


def _events(run: EieRun | _Activity, entries: int, useful: int) -> dict[str, int]:
    return {
        "activation_queue": run.pointer_reads,  # each activation is written to and read from each queue once
        "pointer_read": run.pointer_reads,
        "sparse_matrix_read": run.weight_row_reads,
        "arithmetic": entries,
        "activation_rw": useful,  # padding does not write
        "nonzero_detection": run.broadcasts,
    }


def event_energy_pj() -> dict[str, float]:
    """Return the energy of one event of each module [pJ].

    Examples
    --------
    >>> {name: round(price, 1) for name, price in event_energy_pj().items() if name.endswith("read")}
    {'pointer_read': 10.2, 'sparse_matrix_read': 31.1}
    """
    power = {name: per_pe * _PES for name, per_pe in POWER_MW_PER_PE.items()}
    power["nonzero_detection"] = CHIP_POWER_MW - sum(power.values())
    duration_s = _ALEX_8.cycles / _CLOCK_HZ
    events = _events(_ALEX_8, _ALEX_8.entries, _ALEX_8.entries)
    return {name: power[name] * _PJ_PER_S_AND_MW * duration_s / events[name] for name in events}


def eie_energy_pj(run: EieRun) -> dict[str, float]:
    """Return the energy of a run by module [pJ], for a chip of the published widths.

    Examples
    --------
    >>> import numpy as np
    >>> from simulator.dataflow.eie import run_columns
    >>> from simulator.dataflow.eie_matrix import store_matrix
    >>> sorted(eie_energy_pj(run_columns(store_matrix(np.eye(64, dtype=bool), 64), np.ones(64))))[:2]
    ['activation_queue', 'activation_rw']
    """
    useful = run.pe_cycles["useful"]
    prices = event_energy_pj()
    return {
        name: count * prices[name] for name, count in _events(run, useful + run.pe_cycles["padding"], useful).items()
    }
