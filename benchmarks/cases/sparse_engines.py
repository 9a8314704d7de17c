"""Engines that skip zeros: EIE's law on the paper's layers, its encoder, its sweeps, its oracle; SCNN's products."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.measurement import Measurement, Scale, rate, seconds, timed
from simulator.dataflow.cnvlutin import Window
from simulator.dataflow.eie import count_cycles, run_columns
from simulator.dataflow.eie_hardware import EieHardware
from simulator.dataflow.eie_matrix import store_matrix
from simulator.dataflow.scnn import run_scnn
from simulator.formats.relative_index import encode_columns
from simulator.validation.eie_benchmarks import calibrated_density, run_benchmark
from simulator.validation.eie_published import BENCHMARKS
from simulator.validation.eie_sweeps import (
    PE_COUNTS,
    QUEUE_DEPTHS,
    ROW_BITS,
    eie_sweeps,
    pe_count_sweeps,
    queue_depth_sweep,
    row_width_sweeps,
    stored_layers,
)

INPUTS, OUTPUTS, DENSITY, ACTIVATION_DENSITY = 9216, 4096, 0.09, 0.351


def eie(scale: Scale) -> list[Measurement]:
    """Alex-6 on 64 PEs: encoding its random matrix, then its cycles."""
    inputs, outputs = (96, 128) if scale.quick else (INPUTS, OUTPUTS)
    generator = np.random.default_rng(0)
    codes = (generator.random((outputs, inputs), dtype=np.float32) < DENSITY).astype(np.uint8)
    nonzero = generator.random(inputs) < ACTIVATION_DENSITY
    matrix, chip = store_matrix(codes, 64), EieHardware()
    cycles = run_columns(matrix, nonzero, chip).cycles
    note = f"{inputs} -> {outputs}, {DENSITY:.0%} of weights, {ACTIVATION_DENSITY:.0%} of activations: {cycles} cycles"
    times = seconds(lambda: count_cycles(matrix, nonzero, chip), scale.count(15), number=scale.count(100))
    return [
        Measurement("eie_alex6", "s", *times, note),
        rate("eie_speed", "cycles/s", cycles, times, note),
        timed("eie_alex6_run", lambda: run_columns(matrix, nonzero, chip), scale.count(30), note),
        timed("eie_encode", lambda: encode_columns(codes, 64), scale.count(5), note),
    ]


def eie_suite(scale: Scale) -> list[Measurement]:
    """Draw and run the paper's nine layers; sweep depths, PE counts and widths over them."""
    chip = EieHardware()
    benchmarks = BENCHMARKS[-1:] if scale.quick else BENCHMARKS

    def run_all() -> None:
        for benchmark in benchmarks:
            run_benchmark(benchmark, calibrated_density(benchmark, chip), chip)

    drawn = ", its layers drawn anew" if not scale.quick else ""
    cases: dict[str, tuple[Callable[[], Any], str]] = {
        "eie_nine_layers": (run_all, f"{len(benchmarks)} layers drawn, batched and run"),
        "eie_depth_sweep": (lambda: queue_depth_sweep(stored_layers()), f"{len(QUEUE_DEPTHS)} depths, 1 to 256{drawn}"),
        "eie_pe_sweep": (pe_count_sweeps, f"{len(PE_COUNTS)} PE counts, 1 to 256{drawn}"),
        "eie_width_sweep": (lambda: row_width_sweeps(stored_layers()), f"{len(ROW_BITS)} widths{drawn}"),
        "eie_sweeps": (eie_sweeps, "the layers drawn once for depths and widths"),
    }
    return [timed(name, call, scale.count(5), note) for name, (call, note) in cases.items()]


def eie_oracle(scale: Scale) -> list[Measurement]:
    """Compare EIE's law with stepping every cycle, on a small layer."""
    oracle, cases = import_module("tests.oracle.eie_oracle"), import_module("tests.dataflow.eie_cases")
    size = 32 if scale.quick else 512
    generator = np.random.default_rng(0)
    codes = (generator.random((size, size)) < DENSITY) * 3
    nonzero = generator.random(size) < ACTIVATION_DENSITY
    memories, matrix, chip = cases.memories(codes, None, 64, 4), store_matrix(codes, 64), EieHardware()
    cycles = count_cycles(matrix, nonzero, chip)

    def step() -> int:
        return int(oracle.run_eie(memories, nonzero.tolist(), depth=chip.queue_depth)["cycles"])

    if step() != cycles:
        message = "EIE: law and oracle differ: a speed means nothing"
        raise RuntimeError(message)
    slow = seconds(step, scale.count(3))
    fast = seconds(lambda: count_cycles(matrix, nonzero, chip), scale.count(5), number=scale.count(100))
    ratios = [float(np.median(s)) / max(float(np.median(f)), 1e-9) for s, f in zip(slow, fast, strict=True)]
    note = f"{size} -> {size} on 64 PEs: {cycles} cycles; the ratio grows with the layer"
    return [Measurement("eie_over_oracle", "x", (ratios[0],), (ratios[1],), note)]


def scnn(scale: Scale) -> list[Measurement]:
    """SCNN on AlexNet's third convolution, every product routed to its bank."""
    outputs, channels, plane = (8, 4, 8) if scale.quick else (384, 256, 13)
    generator = np.random.default_rng(0)
    weights = generator.random((outputs, channels, 3, 3)) < 0.35
    activations = generator.random((channels, plane, plane)) < 0.52
    run = run_scnn(weights, activations, Window(padding=(1, 1)))
    times = seconds(lambda: run_scnn(weights, activations, Window(padding=(1, 1))), scale.count(5))
    note = f"{outputs} x {channels} x 3 x 3 on {plane} x {plane}: {run.effectual_macs} products, {run.cycles} cycles"
    return [Measurement("scnn_layer", "s", *times, note)]
