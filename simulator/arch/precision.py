"""Operand widths to products a PE and beat: the precision laws. Knows bits; knows no layer and no cycle.

docs/model/precision.md states each law with its source.
"""

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
        Products a PE makes in one beat, for as many neighbouring output channels.
    passes : int
        Beats a product takes: above 1 only where operands are wider than the multiplier, or enter serially.
    ifmap_bits, weight_bits : int
        Widths of the pair that multiplies: the operands rounded up, or the widest pair when ``passes`` is above 1; of
        a serial operand, what enters in a beat [bits].
    inner_pack : int
        Neighbouring products of one sum that a PE makes in one beat and adds up (``fused``).
    energy_share : float
        Energy of one product and beat as a multiple of a fixed-width multiplication of those widths.
    """

    pack: int
    passes: int
    ifmap_bits: int
    weight_bits: int
    inner_pack: int = 1
    energy_share: float = 1.0

    @property
    def macs_per_pe_cycle(self) -> float:
        """Products a PE and cycle."""
        return self.pack * self.inner_pack / self.passes


def product_rate(support: PrecisionSupport, ifmap_bits: int, weight_bits: int) -> ProductRate:
    """Return how a PE multiplies ``ifmap_bits`` by ``weight_bits``.

    ``fixed`` and ``packed``: among the pairs with both widths at least the operand's, the one with most products a PE
    and cycle is used, of those the narrowest (least product of widths, then narrowest ifmap). Where no pair is wide
    enough and the support is ``temporal``, a product takes ``ceil(a / A) * ceil(w / W)`` beats of the widest pair.

    ``fused``: ``floor(A / max(a, brick)) * floor(W / max(w, brick))`` products a beat, each operand wider than the pair
    ``ceil(a / A)`` beats instead. ``bit_serial``: the serial operand takes ``ceil(bits / serial_bits)`` beats.

    Raises
    ------
    ArchitectureError
        A width below 1 bit, or no pair is wide enough and the support is not temporal.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> product_rate(load_accelerator("tpu_v1").precision, 16, 8).passes
    2
    >>> [product_rate(load_accelerator("bitfusion").precision, 4, w).macs_per_pe_cycle for w in (2, 4, 8, 16)]
    [8.0, 4.0, 2.0, 1.0]
    """
    if ifmap_bits < 1 or weight_bits < 1:
        message = (
            f"ifmap_bits = {ifmap_bits}, weight_bits = {weight_bits}: an operand has at least 1 bit; give its width"
        )
        raise ArchitectureError(message)
    fitting = [pair for pair in support.pairs if pair.ifmap_bits >= ifmap_bits and pair.weight_bits >= weight_bits]
    if not fitting and not support.temporal:
        pairs = ", ".join(f"{pair.ifmap_bits} x {pair.weight_bits}" for pair in support.pairs)
        message = (
            f"precision: the array cannot multiply {ifmap_bits} x {weight_bits} bits (ifmap x weight); its pairs are "
            f"{pairs} and precision.temporal is false; quantize to one of them, add a pair, or set "
            "precision.temporal=true"
        )
        raise ArchitectureError(message)
    if support.law == "fused":
        return _fused(support, ifmap_bits, weight_bits)
    if support.law == "bit_serial":
        return _bit_serial(support, ifmap_bits, weight_bits)
    if fitting:
        pair = min(fitting, key=_best_first)
        return _rate_of(support, pair, 1)
    wide_ifmap, wide_weight = widest_integer_bits(support)
    widest = next(pair for pair in support.pairs if (pair.ifmap_bits, pair.weight_bits) == (wide_ifmap, wide_weight))
    passes = ceil_div(ifmap_bits, wide_ifmap) * ceil_div(weight_bits, wide_weight)
    return _rate_of(support, widest, passes)


def _rate_of(support: PrecisionSupport, pair: BitPair, passes: int) -> ProductRate:
    """Return the rate of ``fixed`` and ``packed``: a pair's products a beat, in neighbouring columns or in one sum."""
    products, factor = pair.macs_per_pe_cycle, support.mac_energy_factor or 1.0
    if support.packed_along == "reduction":
        return ProductRate(1, passes, pair.ifmap_bits, pair.weight_bits, products, factor)
    return ProductRate(products, passes, pair.ifmap_bits, pair.weight_bits, energy_share=factor)


def _fused(support: PrecisionSupport, ifmap_bits: int, weight_bits: int) -> ProductRate:
    """Bit Fusion (Sharma et al., ISCA 2018): bricks fuse in space up to the pair's widths, in time above.

    The fused products of a unit belong to one sum. A beat switches the whole unit, whatever it is fused into.
    """
    pair, brick_bits = support.pairs[0], support.brick_bits or 1
    inner_pack, passes = 1, 1
    for bits, widest in ((ifmap_bits, pair.ifmap_bits), (weight_bits, pair.weight_bits)):
        inner_pack *= max(1, widest // max(bits, brick_bits))
        passes *= ceil_div(bits, widest)
    share = (support.mac_energy_factor or 1.0) / inner_pack
    return ProductRate(1, passes, pair.ifmap_bits, pair.weight_bits, inner_pack, share)


def _bit_serial(support: PrecisionSupport, ifmap_bits: int, weight_bits: int) -> ProductRate:
    """Stripes (ifmap), UNPU (weight) or Loom (both): as many beats as the serial operand has portions of bits."""
    pair, step = support.pairs[0], support.serial_bits or 1
    passes, entering = 1, []
    for name, bits, widest in (("ifmap", ifmap_bits, pair.ifmap_bits), ("weight", weight_bits, pair.weight_bits)):
        serial = support.serial in {name, "both"}
        passes *= ceil_div(bits, step if serial else widest)
        entering.append(min(step, widest) if serial else widest)
    factor = support.mac_energy_factor or 1.0
    return ProductRate(pair.macs_per_pe_cycle, passes, entering[0], entering[1], energy_share=factor)


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
