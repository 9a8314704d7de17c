"""What evaluating many assignments gives back. Knows arrays only."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Evaluations:
    """Whole-network costs of ``B`` assignments.

    Attributes
    ----------
    cycles : int64 array [B]
    energy_pj : float64 array [B]
    dram_bytes : int64 array [B]
    layer_cycles : int64 array [B, L]
        Windows of the multiply-accumulate layers; with ``other_cycles`` they sum to ``cycles``.
    layer_energy_pj, layer_dram_bytes : float64, int64 arrays [B, L]
        Likewise, with ``other_energy_pj`` and ``other_dram_bytes``.
    other_cycles, other_energy_pj, other_dram_bytes : arrays [B]
        Of all other layers together.
    """

    cycles: npt.NDArray[np.int64]
    energy_pj: npt.NDArray[np.float64]
    dram_bytes: npt.NDArray[np.int64]
    layer_cycles: npt.NDArray[np.int64]
    layer_energy_pj: npt.NDArray[np.float64]
    layer_dram_bytes: npt.NDArray[np.int64]
    other_cycles: npt.NDArray[np.int64]
    other_energy_pj: npt.NDArray[np.float64]
    other_dram_bytes: npt.NDArray[np.int64]
