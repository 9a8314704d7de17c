"""The chips that can be validated, by name."""

from collections.abc import Callable
from pathlib import Path

from simulator.errors import ArchitectureError, did_you_mean
from simulator.validation.bitfusion import validate_bitfusion
from simulator.validation.cambricon_x import validate_cambricon_x
from simulator.validation.deep_compression import validate_deep_compression
from simulator.validation.dram import validate_dram
from simulator.validation.eie import validate_eie
from simulator.validation.ese import validate_ese
from simulator.validation.eyeriss import validate_eyeriss
from simulator.validation.eyeriss_v2 import validate_eyeriss_v2
from simulator.validation.hawq_v3 import validate_hawq_v3
from simulator.validation.isca16_dataflows import validate_isca16_dataflows
from simulator.validation.rows import ValidationReport
from simulator.validation.scnn import validate_scnn

CHIPS: dict[str, Callable[[Path | None, int | None], ValidationReport]] = {
    "bitfusion": validate_bitfusion,
    "cambricon_x": validate_cambricon_x,
    "deep_compression": validate_deep_compression,
    "dram": validate_dram,
    "eie": validate_eie,
    "ese": validate_ese,
    "eyeriss": validate_eyeriss,
    "eyeriss_v2": validate_eyeriss_v2,
    "hawq_v3": validate_hawq_v3,
    "isca16_dataflows": validate_isca16_dataflows,
    "scnn": validate_scnn,
}
"""Name -> function of (data, queue depth): published or reference numbers beside ours, or a file's own layers."""


def validate(chip: str, data: Path | None = None, queue_depth: int | None = None) -> ValidationReport:
    """Validate one chip by name.

    Raises
    ------
    ArchitectureError
        There is no chip of that name.
    WorkloadError
        As the chip's own function.

    Examples
    --------
    >>> validate("eyeriss_v2").chip
    'eyeriss_v2'
    """
    if chip not in CHIPS:
        message = f"validate: no chip {chip!r}{did_you_mean(chip, CHIPS)}; chips: {', '.join(CHIPS)}"
        raise ArchitectureError(message)
    return CHIPS[chip](data, queue_depth)
