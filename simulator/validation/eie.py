"""EIE beside its paper: one real layer to the cycle, nine layers by density, and any stored layer from a file."""

from pathlib import Path

from simulator.dataflow.eie import run_columns
from simulator.dataflow.eie_hardware import EieHardware
from simulator.dataflow.eie_matrix import load_stored_layer
from simulator.energy.eie_energy import eie_energy_pj
from simulator.units import PJ_PER_J
from simulator.validation.eie_benchmarks import BenchmarkRun, calibrated_density, run_benchmark
from simulator.validation.eie_profiles import SKEWS, run_skewed
from simulator.validation.eie_published import (
    APART,
    BENCHMARKS,
    QUEUE_DEPTH,
    REAL_LAYER,
    REAL_LAYER_COUNTS,
    Benchmark,
)
from simulator.validation.rows import Quantity, ValidationReport, ValidationRow, compare, reference_file

CHIP = "eie"
REAL_FILE = ("eie", "alex8.npz")

_TARGET_PCT = 3.0
_TIME_TARGET_PCT = 1.0
_CYCLES = Quantity("cycles", "cycles", "published", 0.0)
_NOTES = (
    "Times: Han et al., ISCA 2016, table IV. Counts of the real layer: the authors' public simulator on AlexNet FC8.",
    "Benchmarks: uniform random weights, sizes and activation densities recalled from table III.",
    "Their weight density is fitted to the published ideal time; raw_actual_time keeps the recalled density.",
    "Benchmarks run with the chip's batches (4096 activations, 16,384 pointers); their register loads are assumed.",
    f"The mean leaves {APART} out: uniform density does not explain it, and its row stays as it is.",
    f"{APART} skewed: gamma-distributed densities of rows and columns, as uneven as the real Alex-8, and more.",
    "Energy: published power of each module spread over the events of the real layer, so its sum there is an input.",
)


def validate_eie(data: Path | None = None, queue_depth: int | None = None) -> ValidationReport:
    """Compare EIE with its paper, or run the stored layer in ``data``.

    Parameters
    ----------
    data
        A layer in the form that :func:`simulator.dataflow.eie_matrix.load_stored_layer` reads: run as one batch on as
        many PEs as it is stored on, the chip's capacity limits lifted.
    queue_depth
        Slots of the activation queues; 8 where not given. Published numbers hold at 8 only.

    Raises
    ------
    WorkloadError, ArchitectureError
        The file cannot be read, or the depth makes no sense.
    """
    hardware = EieHardware(queue_depth=QUEUE_DEPTH if queue_depth is None else queue_depth)
    if data is not None:
        note = "One batch: the chip's capacity limits are lifted for layers from files."
        return ValidationReport(CHIP, tuple(_stored_rows(data, data.stem, hardware, {})), (note, _NOTES[-1]))
    published = hardware.queue_depth == QUEUE_DEPTH
    rows, notes = _real_rows(hardware, published=published)
    errors = []
    for benchmark in BENCHMARKS:
        fitted = run_benchmark(benchmark, calibrated_density(benchmark, hardware), hardware)
        raw = run_benchmark(benchmark, benchmark.weight_density, hardware)
        rows += _benchmark_rows(benchmark, fitted, raw, published=published)
        if benchmark.name != APART:
            errors.append(abs(fitted.run.time_s * 1e6 / benchmark.actual_us - 1))
    if published:
        rows += _skew_rows(hardware)
        rows.append(_mean_row(100.0 * sum(errors) / len(errors), len(errors)))
    else:
        notes += (f"Published numbers hold at queue depth {QUEUE_DEPTH}; {hardware.queue_depth} is only shown.",)
    return ValidationReport(CHIP, tuple(rows), (*_NOTES, *notes))


def _real_rows(hardware: EieHardware, *, published: bool) -> tuple[list[ValidationRow], tuple[str, ...]]:
    """Return the rows of the real layer; without its file, the published numbers alone and a note."""
    path = reference_file(*REAL_FILE)
    references: dict[str, float] = {**REAL_LAYER_COUNTS, "time": BENCHMARKS[2].actual_us}
    if not published:  # SRAM reads do not depend on the queues
        references = {name: REAL_LAYER_COUNTS[name] for name in ("pointer_reads", "weight_row_reads")}
    if path is None:
        row = compare(REAL_LAYER, _CYCLES, references.get("cycles"), None)
        note = f"{REAL_LAYER}: not run, {'/'.join(REAL_FILE)} is absent; set SIMULATOR_REFERENCE_DIR or use --data."
        return [row], (note,)
    return _stored_rows(path, REAL_LAYER, hardware, references), ()


def _stored_rows(path: Path, name: str, hardware: EieHardware, references: dict[str, float]) -> list[ValidationRow]:
    matrix, nonzero = load_stored_layer(path)
    chip = EieHardware(pes=matrix.pes, queue_depth=hardware.queue_depth)
    run = run_columns(matrix, nonzero, chip)
    measured = {
        _CYCLES: run.cycles,
        Quantity("time", "us", "published", _TIME_TARGET_PCT): run.time_s * 1e6,
        Quantity("pointer_reads", "reads", "published", 0.0): run.pointer_reads,
        Quantity("weight_row_reads", "reads", "published", 0.0): run.weight_row_reads,
        Quantity("ideal_time", "us", "predicted"): run.ideal_time_s * 1e6,
        Quantity("broadcasts", "activations", "predicted"): run.broadcasts,
        Quantity("detector_bubbles", "cycles", "predicted"): run.bubbles,
        **{Quantity(f"pe_cycles_{part}", "PE cycles", "predicted"): count for part, count in run.pe_cycles.items()},
        **{Quantity(f"energy_{part}", "pJ", "inferred"): energy for part, energy in eie_energy_pj(run).items()},
    }
    return [
        compare(name if what is _CYCLES else f"{name}: {what.quantity}", what, references.get(what.quantity), number)
        for what, number in measured.items()
    ]


def _benchmark_rows(
    benchmark: Benchmark, fitted: BenchmarkRun, raw: BenchmarkRun, *, published: bool
) -> list[ValidationRow]:
    actual_us = benchmark.actual_us if published else None
    ideal = Quantity("ideal_time", "us", "fitted")
    actual = Quantity("actual_time", "us", "fitted", _TARGET_PCT)
    unfitted = Quantity("raw_actual_time", "us", "recalled")
    energy_uj = {part: pj / PJ_PER_J * 1e6 for part, pj in eie_energy_pj(fitted.run).items()}
    return [
        compare(benchmark.name, actual, actual_us, fitted.run.time_s * 1e6),
        compare(f"{benchmark.name}: ideal", ideal, benchmark.theoretical_us, fitted.run.ideal_time_s * 1e6),
        compare(f"{benchmark.name}: raw density", unfitted, actual_us, raw.run.time_s * 1e6),
        compare(f"{benchmark.name}: density", Quantity("weight_density", "", "fitted"), None, fitted.weight_density),
        compare(f"{benchmark.name}: energy", Quantity("energy", "uJ", "inferred"), None, sum(energy_uj.values())),
        *(
            compare(f"{benchmark.name}: energy_{part}", Quantity(f"energy_{part}", "uJ", "inferred"), None, energy)
            for part, energy in energy_uj.items()
        ),
    ]


def _skew_rows(hardware: EieHardware) -> list[ValidationRow]:
    """Return how far uneven rows and columns explain the benchmark that stays apart."""
    benchmark = next(benchmark for benchmark in BENCHMARKS if benchmark.name == APART)
    ratio = Quantity("actual_over_ideal", "", "inferred")
    published = benchmark.actual_us / benchmark.theoretical_us
    rows = []
    for told, (row_cv, column_cv) in SKEWS.items():
        run = run_skewed(benchmark, row_cv, column_cv, hardware)
        rows.append(compare(f"{APART}: {told}", ratio, published, run.cycles / run.ideal_cycles))
    return rows


def _mean_row(mean_pct: float, count: int) -> ValidationRow:
    return ValidationRow(
        name=f"mean of {count}, without {APART}",
        quantity="actual_time_mean_absolute_error",
        unit="%",
        reference=0.0,
        simulated=mean_pct,
        error_pct=mean_pct,
        target_pct=_TARGET_PCT,
        tag="fitted",
        verdict="pass" if mean_pct <= _TARGET_PCT else "fail",
    )
