"""Energy of a run on a sparse engine: its products and memory accesses times a technology's prices."""

from math import sqrt

from simulator.arch.description import Technology
from simulator.arch.profiles import load_profile
from simulator.arch.technology import buffer_energy, logic_factor, mac_curve_pj
from simulator.dataflow.sparse_run import MemoryAccess, SparseRun
from simulator.units import BITS_PER_BYTE, KIB

_REGISTERS_BELOW_BITS = KIB * BITS_PER_BYTE
"""Smaller memories are register files: no SRAM that small was measured (assumed)."""


def sparse_energy_pj(
    run: SparseRun, technology: Technology, *, ifmap_bits: int = 16, weight_bits: int = 16
) -> dict[str, float]:
    """Return the energy of a run by component [pJ]: ``mac``, and each of its memories by name.

    A lane without a product is gated and costs nothing (assumed). Crossbars, queues' control, clock and leakage are not
    in it.

    Parameters
    ----------
    ifmap_bits, weight_bits
        Widths of the multipliers.

    Examples
    --------
    >>> import numpy as np
    >>> from simulator.dataflow.cambricon_x import run_cambricon_x
    >>> energy = sparse_energy_pj(run_cambricon_x(np.ones((16, 256)), 1), Technology())
    >>> sorted(energy), round(energy["mac"] / 4096, 2)
    (['input_buffer', 'mac', 'output_buffer', 'weight_buffer'], 0.98)
    """
    curve_pj = mac_curve_pj(load_profile(technology.profile))
    mac_pj = sqrt(curve_pj[ifmap_bits] * curve_pj[weight_bits]) * logic_factor(technology)
    prices = {name: access_energy_pj(access, technology) for name, access in run.accesses.items()}
    return {
        "mac": run.effectual_macs * mac_pj,
        **{
            name: access.reads * prices[name][0] + access.writes * prices[name][1]
            for name, access in run.accesses.items()
        },
    }


def access_energy_pj(access: MemoryAccess, technology: Technology) -> tuple[float, float]:
    """Return what a read and a write of one word cost [pJ].

    Examples
    --------
    >>> from simulator.dataflow.sparse_run import MemoryAccess
    >>> large = MemoryAccess(word_bits=64, capacity_bits=32768 * 8)
    >>> [round(pj, 1) for pj in access_energy_pj(large, Technology(profile="eie-45nm"))][0] > 1
    True
    """
    if access.capacity_bits < _REGISTERS_BELOW_BITS:
        profile, factor = load_profile(technology.profile), logic_factor(technology)
        return (
            access.word_bits * profile.rf_read_pj_per_bit.value * factor,
            access.word_bits * profile.rf_write_pj_per_bit.value * factor,
        )
    energy = buffer_energy(technology, access.capacity_bits / BITS_PER_BYTE, access.word_bits, 1)
    return energy.read_pj, energy.write_pj
