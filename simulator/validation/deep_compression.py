"""Deep Compression's sizes beside ours: pruned densities, codebooks and indices against the published megabytes."""

from collections.abc import Sequence
from pathlib import Path

from simulator.errors import ArchitectureError
from simulator.formats.shared_weights import SharedWeights
from simulator.units import BITS_PER_BYTE
from simulator.validation.pruned_networks import (
    ALEXNET,
    ALEXNET_DENSE_LAYERS,
    VGG_16,
    VGG_16_DENSE_LAYERS,
    PrunedLayer,
)
from simulator.validation.rows import Quantity, ValidationReport, ValidationRow, compare

CHIP = "deep_compression"

NETWORKS: dict[str, tuple[Sequence[PrunedLayer], Sequence[PrunedLayer]]] = {
    "AlexNet": (ALEXNET, ALEXNET_DENSE_LAYERS),
    "VGG-16": (VGG_16, VGG_16_DENSE_LAYERS),
}
INDEX_BITS = {"AlexNet": 4, "VGG-16": 5}
CONVOLUTION_CODE_BITS, DENSE_CODE_BITS = 8, 5

RAW_MEGABYTES = {"AlexNet": 240.0, "VGG-16": 552.0}
COMPRESSED_MEGABYTES = {"AlexNet": 6.9, "VGG-16": 11.3}
"""Published (Han et al., ICLR 2016, abstract and table 1): 35 x and 49 x."""

FACTOR_BEFORE_HUFFMAN = {"AlexNet": 27.0, "VGG-16": 31.0}
"""Recalled, table 4 and 5: pruned and quantized, without entropy coding."""

HUFFMAN_BITS = {"AlexNet": (4.0, 3.2), "VGG-16": (4.1, 3.1)}
"""Mean bits of a code and of an index after Huffman coding: recalled, tables 4 and 5, totals."""

_TARGET_PCT = 10.0
_NOTES = (
    "Han et al., Deep Compression, ICLR 2016. Densities of Han et al., NIPS 2015, recalled; zeros taken as random.",
    "Codes of 8 bits in convolutions, 5 in fully connected layers; indices of 4 bits (AlexNet) and 5 (VGG-16).",
    "Gaps too wide for an index take filler zeros; codebooks are counted, biases are not.",
    "Entropy coding depends on the data: its rows take the published mean bits (recalled), and do not check the coder.",
)


def validate_deep_compression(data: Path | None = None, queue_depth: int | None = None) -> ValidationReport:
    """Compare the sizes of AlexNet and VGG-16.

    Parameters
    ----------
    data, queue_depth
        There is no file form and no queue: must be None.

    Raises
    ------
    ArchitectureError
        One of them was given.
    """
    for option, value in (("--data", data), ("--queue-depth", queue_depth)):
        if value is not None:
            message = f"deep_compression: {option} {value} was given, but it compares published sizes; leave it out"
            raise ArchitectureError(message)
    rows: list[ValidationRow] = []
    for name in NETWORKS:
        raw, plain, coded = megabytes(name)
        size = Quantity("size", "MB", "published", _TARGET_PCT)
        rows.append(compare(f"{name}, uncompressed", size, RAW_MEGABYTES[name], raw))
        factor = Quantity("compression", "x", "recalled", _TARGET_PCT)
        rows.append(compare(f"{name}, pruned and quantized", factor, FACTOR_BEFORE_HUFFMAN[name], raw / plain))
        entropy = Quantity("size", "MB", "recalled", _TARGET_PCT)
        rows.append(compare(f"{name}, at Huffman's mean bits", entropy, COMPRESSED_MEGABYTES[name], coded))
        published = RAW_MEGABYTES[name] / COMPRESSED_MEGABYTES[name]
        rows.append(compare(f"{name}, at Huffman's mean bits", factor, published, raw / coded))
    return ValidationReport(CHIP, tuple(rows), _NOTES)


def megabytes(name: str) -> tuple[float, float, float]:
    """Return a network's weights raw, pruned and quantized, and entropy-coded [MB].

    Examples
    --------
    >>> [round(size) for size in megabytes("AlexNet")]
    [244, 10, 7]
    """
    convolutions, dense = NETWORKS[name]
    mean_code_bits, mean_index_bits = HUFFMAN_BITS[name]
    totals = [0.0, 0.0, 0.0]
    for code_bits, layers in ((CONVOLUTION_CODE_BITS, convolutions), (DENSE_CODE_BITS, dense)):
        plain = SharedWeights(code_bits, INDEX_BITS[name])
        coded = SharedWeights(
            code_bits, INDEX_BITS[name], mean_code_bits=mean_code_bits, mean_index_bits=mean_index_bits
        )
        for layer in layers:
            weights = layer.outputs * (layer.channels // layer.groups) * layer.kernel**2
            size = plain.expected_size(weights, layer.weight_density)
            totals[0] += size.raw_bits
            totals[1] += size.encoded_bits
            totals[2] += coded.expected_size(weights, layer.weight_density).encoded_bits
    raw, plain_bits, coded_bits = (bits / BITS_PER_BYTE / 1e6 for bits in totals)
    return raw, plain_bits, coded_bits
