"""Formats in which an accelerator keeps tensors in DRAM, and its codec, as frozen descriptions. Knows no timing law."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.arch.forms import Count, Described

RunBits = Annotated[int, Field(ge=1, le=16)]
IndexBits = Annotated[int, Field(ge=1, le=8)]
PointerBits = Annotated[int, Field(ge=1, le=64)]
GroupSize = Annotated[int, Field(ge=1, le=256)]

DEFAULTS = {"run_bits": 5, "index_bits": 4, "pointer_bits": 0, "n": 2, "m": 4}
"""Of the options that a format has, where they are not given."""

ASSUMED_RATE = 16
"""Elements a cycle of a codec whose rate is not given."""

OPTIONS: dict[str, tuple[str, ...]] = {
    "raw": (),
    "bitmask": (),
    "rlc": ("run_bits",),
    "csc": ("index_bits", "pointer_bits"),
    "n_of_m": ("n", "m"),
}


class _TensorFormat(Described):
    run_bits: RunBits | None = None

    @model_validator(mode="after")
    def _options_belong_to_the_format(self) -> Self:
        name: str = self.format  # type: ignore[attr-defined] # each kind of tensor has its own list of formats
        for option in DEFAULTS:
            if getattr(self, option, None) is not None and option not in OPTIONS[name]:
                owner = next(each for each, options in OPTIONS.items() if option in options)
                message = f"{option} = {getattr(self, option)}: belongs to the format {owner!r}, not {name!r}; drop it"
                raise ValueError(message)
        return self

    def option(self, name: str) -> int:
        """Return an option of the format, its default where it is not given."""
        value = getattr(self, name, None)
        return DEFAULTS[name] if value is None else int(value)

    def given(self, name: str) -> int | None:
        """Return an option of the format, None where it is not given."""
        value: int | None = getattr(self, name, None)
        return value


class WeightFormat(_TensorFormat):
    """How weights lie in DRAM.

    Parameters
    ----------
    format : {"raw", "bitmask", "rlc", "csc", "n_of_m"}
        As in :mod:`simulator.formats`; each tile of the mapping is encoded by itself, ``csc`` by columns of one input
        channel and tap, ``n_of_m`` by groups of neighbouring input channels.
    run_bits : int, optional
        Width of ``rlc``'s count of zeros; None is 5 [bits].
    index_bits, pointer_bits : int, optional
        Of ``csc``: width of an entry's count of zeros (None is 4) and of a column's pointer (None: as the
        layer's largest tile needs) [bits].
    n, m : int, optional
        Of ``n_of_m``: at most n of m neighbours are kept; None is 2 and 4.
    """

    format: Literal["raw", "bitmask", "rlc", "csc", "n_of_m"] = "raw"
    index_bits: IndexBits | None = None
    pointer_bits: PointerBits | None = None
    n: GroupSize | None = None
    m: GroupSize | None = None

    @model_validator(mode="after")
    def _n_fits_m(self) -> Self:
        if self.option("n") > self.option("m"):
            message = f"n = {self.option('n')} exceeds m = {self.option('m')}; give n <= m (2:4 is n = 2, m = 4)"
            raise ValueError(message)
        return self


class FeatureMapFormat(_TensorFormat):
    """How feature maps lie in DRAM.

    Parameters
    ----------
    format : {"raw", "bitmask", "rlc"}
        As in :mod:`simulator.formats`; each tile that is written or read is encoded by itself.
    run_bits : int, optional
        Width of ``rlc``'s count of zeros; None is 5 [bits].
    """

    format: Literal["raw", "bitmask", "rlc"] = "raw"


class Compression(Described):
    """What a systolic array's DMA engine encodes and decodes; docs/model/compression.md draws it.

    Parameters
    ----------
    weight : WeightFormat
    feature_map : FeatureMapFormat
    decoder_elements_per_cycle, encoder_elements_per_cycle : int, optional
        Elements of the dense tile, zeros included, that leave the decoder and enter the encoder in a cycle; None is 16
        (assumed).
    """

    weight: WeightFormat = WeightFormat()
    feature_map: FeatureMapFormat = FeatureMapFormat()
    decoder_elements_per_cycle: Count | None = None
    encoder_elements_per_cycle: Count | None = None

    @property
    def codec_elements_per_cycle(self) -> tuple[int, int]:
        """Of the decoder and of the encoder."""
        return self.decoder_elements_per_cycle or ASSUMED_RATE, self.encoder_elements_per_cycle or ASSUMED_RATE

    @property
    def is_used(self) -> bool:
        """Whether any tensor has a format of its own."""
        return self.weight.format != "raw" or self.feature_map.format != "raw"

    @property
    def in_short(self) -> str:
        """Which tensors are kept how, in words."""
        parts = [("weights", self.weight.format), ("feature maps", self.feature_map.format)]
        return ", ".join(f"{what} in {form}" for what, form in parts if form != "raw")
