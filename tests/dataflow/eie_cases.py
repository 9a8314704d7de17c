"""Random EIE layers for the oracle: codes on PEs, skewed densities, empty columns, any lanes and depths."""

import numpy as np
from hypothesis import strategies as st

from tests.oracle.formats_oracle import relative_columns


@st.composite
def layers(draw):
    """Return (codes [outputs, inputs], bias [outputs] or None, activations [inputs], pes)."""
    outputs, inputs = draw(st.integers(1, 24)), draw(st.integers(1, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    skew = draw(st.sampled_from([0.0, 0.5, 2.0]))
    density = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])) * rng.random((outputs, 1)) ** skew
    codes = (rng.random((outputs, inputs)) < density) * rng.integers(1, 16, (outputs, inputs))
    bias = rng.integers(0, 2, outputs) if draw(st.booleans()) else None
    activations = rng.random(inputs) < draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    return codes, bias, activations, draw(st.integers(1, 7))


def memories(codes, bias, pes, index_bits):
    """Lists of codes [pe][column] as the oracle takes them, the bias's column last."""
    matrix = codes if bias is None else np.column_stack((codes, bias))
    return [[[code for code, _ in column] for column in memory] for memory in relative_columns(matrix, pes, index_bits)]
