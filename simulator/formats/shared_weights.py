"""Size of pruned weights that share a codebook: codes, relative indices with padding, and the codebook itself.

Source: Han et al., *Deep Compression*, ICLR 2016, figure 2 (a gap wider than the index takes a filler) and section 3.
"""

from dataclasses import dataclass

from simulator.errors import WorkloadError
from simulator.formats.sizes import StoredSize, check_width


@dataclass(frozen=True)
class SharedWeights:
    """How weights of a layer are stored.

    Parameters
    ----------
    code_bits, index_bits
        Of an entry: its place in the codebook, and the zeros before it.
    raw_bits
        Of a weight before compression, and of a codebook's value.
    mean_code_bits, mean_index_bits
        Of an entry after entropy coding; the fixed widths where None.
    """

    code_bits: int
    index_bits: int
    raw_bits: int = 32
    mean_code_bits: float | None = None
    mean_index_bits: float | None = None

    def expected_size(self, elements: int, density: float) -> StoredSize:
        """Return the expected size of ``elements`` weights whose zeros lie at random, all metadata included.

        A run of zeros is geometric: a filler stands in for every ``2**index_bits`` of it.

        Raises
        ------
        WorkloadError, ArchitectureError
            The density is none, there are no elements, or a width makes no sense.

        Examples
        --------
        >>> size = SharedWeights(5, 4).expected_size(1_000_000, 0.09)
        >>> round(size.raw_bits / size.encoded_bits, 1)
        30.7
        """
        check_width("code_bits", self.code_bits, most=16)
        check_width("index_bits", self.index_bits, most=16)
        if elements < 1 or not 0.0 <= density <= 1.0:
            message = f"shared weights: {elements} elements of density {density}; give at least one, and 0 to 1"
            raise WorkloadError(message)
        whole_span = (1.0 - density) ** (1 << self.index_bits)
        fillers = whole_span / (1.0 - whole_span) if density else 0.0
        entries = elements * density * (1.0 + fillers)
        code_bits = self.code_bits if self.mean_code_bits is None else self.mean_code_bits
        index_bits = self.index_bits if self.mean_index_bits is None else self.mean_index_bits
        codebook_bits = (1 << self.code_bits) * self.raw_bits
        return StoredSize(
            raw_bits=elements * self.raw_bits,
            payload_bits=round(entries * code_bits),
            metadata_bits=round(entries * index_bits) + codebook_bits,
        )
