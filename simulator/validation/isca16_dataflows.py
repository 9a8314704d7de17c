"""Row stationary against WS, OS, IS and no local reuse at equal area on AlexNet: ISCA 2016's claim beside ours."""

from pathlib import Path

from simulator.errors import ArchitectureError
from simulator.validation.dataflow_energy import DATAFLOWS, DataflowEnergy, dataflow_energy
from simulator.validation.rows import Quantity, ValidationReport, ValidationRow, compare

CHIP = "isca16_dataflows"
LEAST_GAIN, MOST_GAIN = 1.4, 2.5
_NOTES = (
    (
        "Claim (recalled): row stationary takes 1.4 to 2.5 times less energy in AlexNet's convolutions than the others "
        "at equal area, batch 16, 256 PEs, energies 1, 1, 2, 6, 200 (ISCA 2016). A ratio passes inside that range."
    ),
    "own price: a word of the larger buffer costs more (CACTI). paper's price: two banks, a word costs as in RS.",
    (
        "The paper's WS, OS and NLR are broadcast designs of its own; ours are systolic arrays, where both moving "
        "operands hop between neighbours a product, and adder trees that send psums back to the buffer each step."
    ),
    (
        "Static and clock power are 0 here, as in the paper: accesses only, a DRAM word at its price. Each layer is "
        "mapped for least energy."
    ),
)


def validate_isca16_dataflows(data: Path | None = None, queue_depth: int | None = None) -> ValidationReport:
    """Compare the dataflows; energies are per product, in units of one 16-bit MAC.

    Raises
    ------
    ArchitectureError
        A file or a queue depth is given: there is neither.
    """
    for option, value in (("--data", data), ("--queue-depth", queue_depth)):
        if value is not None:
            message = f"validate {CHIP} {option} {value}: machines and network are built in; leave {option} out"
            raise ArchitectureError(message)
    base = dataflow_energy("rs")
    rows = _energy_rows(base, "own price")
    for banks, price in ((1, "own price"), (2, "paper's price")):
        for dataflow in DATAFLOWS[1:]:
            other = dataflow_energy(dataflow, banks)
            rows += [_gain_row(base, other, price), *_energy_rows(other, price)]
    return ValidationReport(CHIP, tuple(rows), _NOTES)


def _gain_row(base: DataflowEnergy, other: DataflowEnergy, price: str) -> ValidationRow:
    gain = other.total / base.total
    return ValidationRow(
        name=f"{other.dataflow} / rs, {price}",
        quantity="energy_ratio_of_1.4_to_2.5",
        unit="",
        reference=LEAST_GAIN,
        simulated=gain,
        error_pct=None,
        target_pct=None,
        tag="recalled",
        verdict="pass" if LEAST_GAIN <= gain <= MOST_GAIN else "fail",
    )


def _energy_rows(energy: DataflowEnergy, price: str) -> list[ValidationRow]:
    """Return energy by level and by layer, and the buffer's size."""
    name = f"{energy.dataflow}, {price}"
    shown = {f"energy_{level}": value for level, value in energy.by_level.items()}
    shown |= {f"energy_of_{layer}": value for layer, value in energy.by_layer.items()}
    rows = [compare(name, Quantity(what, "MACs", "predicted"), None, value) for what, value in shown.items()]
    return [*rows, compare(name, Quantity("buffers", "bytes", "inferred"), None, energy.buffer_bytes)]
