"""Operand widths to products a PE and beat: the precision law. Knows bits; knows no layer and no cycle."""

from dataclasses import dataclass

from simulator.arch.description import BitPair, PrecisionSupport
from simulator.errors import ArchitectureError
from simulator.units import ceil_div


@dataclass(frozen=True, slots=True)
class ProductRate:
    """How a PE multiplies operands of given widths.

    Parameters
    ----------
    pack : int
        Products a PE makes in one beat.
    passes : int
        Beats a product takes: above 1 only where operands are wider than the multiplier.
    ifmap_bits, weight_bits : int
        Widths of the pair that multiplies: the operands rounded up, or the widest pair when ``passes`` is above 1
        [bits].
    """

    pack: int
    passes: int
    ifmap_bits: int
    weight_bits: int

    @property
    def macs_per_pe_cycle(self) -> float:
        """Products a PE and cycle."""
        return self.pack / self.passes


def product_rate(support: PrecisionSupport, ifmap_bits: int, weight_bits: int) -> ProductRate:
    """Return how a PE multiplies ``ifmap_bits`` by ``weight_bits``.

    Among the pairs with both widths at least the operand's, the one with most products a PE and cycle is used, of those
    the narrowest (least product of widths, then narrowest ifmap). Where no pair is wide enough and the support is
    ``temporal``, a product takes ``ceil(a / A) * ceil(w / W)`` beats of the widest pair A x W.

    Raises
    ------
    ArchitectureError
        A width below 1 bit, or no pair is wide enough and the support is not temporal.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> product_rate(load_accelerator("tpu_v1").precision, 16, 8)
    ProductRate(pack=1, passes=2, ifmap_bits=8, weight_bits=8)
    """
    if ifmap_bits < 1 or weight_bits < 1:
        message = (
            f"ifmap_bits = {ifmap_bits}, weight_bits = {weight_bits}: an operand has at least 1 bit; give its width"
        )
        raise ArchitectureError(message)
    fitting = [pair for pair in support.pairs if pair.ifmap_bits >= ifmap_bits and pair.weight_bits >= weight_bits]
    if fitting:
        pair = min(fitting, key=_best_first)
        return ProductRate(pair.macs_per_pe_cycle, 1, pair.ifmap_bits, pair.weight_bits)
    if not support.temporal:
        pairs = ", ".join(f"{pair.ifmap_bits} x {pair.weight_bits}" for pair in support.pairs)
        message = (
            f"precision: the array cannot multiply {ifmap_bits} x {weight_bits} bits (ifmap x weight); its pairs are "
            f"{pairs} and precision.temporal is false; quantize to one of them, add a pair, or set "
            "precision.temporal=true"
        )
        raise ArchitectureError(message)
    wide_ifmap, wide_weight = widest_integer_bits(support)
    widest = next(pair for pair in support.pairs if (pair.ifmap_bits, pair.weight_bits) == (wide_ifmap, wide_weight))
    passes = ceil_div(ifmap_bits, wide_ifmap) * ceil_div(weight_bits, wide_weight)
    return ProductRate(widest.macs_per_pe_cycle, passes, wide_ifmap, wide_weight)


def widest_integer_bits(support: PrecisionSupport) -> tuple[int, int]:
    """Return (ifmap bits, weight bits) of the widest pair: greatest product of widths, then widest ifmap [bits].

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> widest_integer_bits(load_accelerator("tpu_like_128").precision)
    (8, 8)
    """
    widest = max(support.pairs, key=lambda pair: (pair.ifmap_bits * pair.weight_bits, pair.ifmap_bits))
    return widest.ifmap_bits, widest.weight_bits


def _best_first(pair: BitPair) -> tuple[int, int, int]:
    return -pair.macs_per_pe_cycle, pair.ifmap_bits * pair.weight_bits, pair.ifmap_bits
