"""Random small nests, machines and mappings that fit: the cases of the law's and the search's tests."""

import random

from hypothesis import strategies as st

from simulator.dataflow.row_stationary import ConvNest, RowMachine, RowMapping, shortfalls

BITS = (8, 6, 12)


def size(most):
    return st.integers(1, most)


@st.composite
def nests(draw, most=4):
    dilation_h, dilation_w, stride_h, stride_w = (draw(size(2)) for _ in range(4))
    r, s, p, q = draw(size(5)), draw(size(4)), draw(size(most + 1)), draw(size(most))
    pad_h, pad_w = draw(st.integers(0, 1)), draw(st.integers(0, 1))
    height = max(1, (p - 1) * stride_h + (r - 1) * dilation_h + 1 - 2 * pad_h)
    width = max(1, (q - 1) * stride_w + (s - 1) * dilation_w + 1 - 2 * pad_w)
    return ConvNest(
        N=draw(size(3)), G=draw(size(2)), K=draw(size(most + 1)), C=draw(size(most + 1)), P=p, Q=q, R=r, S=s,
        stride_h=stride_h, stride_w=stride_w, dilation_h=dilation_h, dilation_w=dilation_w, pad_h=pad_h, pad_w=pad_w,
        H=height, W=width, repeats=draw(size(2)),
    )  # fmt: skip


@st.composite
def machines(draw):
    return RowMachine(
        rows=draw(size(6)), columns=draw(size(4)), filter_spad_words=draw(st.integers(4, 40)),
        ifmap_spad_words=draw(st.integers(2, 12)), psum_spad_words=draw(size(5)), filter_bus_words=draw(size(3)),
        ifmap_bus_words=draw(size(2)), psum_bus_words=draw(size(3)), pass_setup_cycles=draw(st.integers(0, 3)),
        glb_bits=draw(st.sampled_from([4000, 10**6])), prefetch_bits=10**6,
        link_bits_per_cycle=float(draw(st.sampled_from([3, 8, 19.2, 64]))), link_latency_cycles=draw(st.integers(0, 2)),
        psum_bits=12, compressed=False, multicast=draw(st.booleans()),
    )  # fmt: skip


@st.composite
def mappings(draw, nest, machine):
    """A mapping that fits, or the smallest."""
    for _ in range(6):
        p, t = draw(size(min(nest.K, 3))), draw(size(min(nest.K, 3)))
        mapping = RowMapping(
            m=min(nest.K, p * t * draw(size(2))), n=draw(size(nest.N)), e=draw(size(nest.P)),
            p=p, q=draw(size(nest.C)), r=draw(size(nest.C)), t=t,
        )  # fmt: skip
        if not any(shortfalls(nest, machine, mapping, BITS[:2])):
            return mapping
    return RowMapping(m=1, n=1, e=1, p=1, q=1, r=1, t=1)


def numbers(nest, seed):
    """Ifmap [g][n][c][h][w] and weights [g][k][c][r][s]."""
    source = random.Random(seed)

    def block(*extents):
        return [block(*extents[1:]) for _ in range(extents[0])] if extents else source.randint(-3, 3)

    return block(nest.G, nest.N, nest.C, nest.H, nest.W), block(nest.G, nest.K, nest.C, nest.R, nest.S)
