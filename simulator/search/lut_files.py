"""Latency tables in the forms other tools read: HAQ, HAWQ-V3, once-for-all, and tables with units in the header."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from simulator.documents import write_atomically
from simulator.errors import SimulatorError, did_you_mean
from simulator.search.lut import Lut

SCHEMA = "simulator.lut/1"
HAQ_WIDTHS = tuple(range(1, 9))
UNITS = {"cycles": "cycles", "latency_ms": "ms", "energy_pj": "pJ", "dram_bytes": "bytes"}
DEFINITION = "an entry is the layer's share of a run of the whole network with this pair of widths in every layer"


def to_json(table: Lut) -> str:
    """Return the whole table as a JSON document."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "workload": table.workload,
        "accelerator": table.accelerator,
        "clock_hz": table.clock_hz,
        "definition": DEFINITION,
        "units": UNITS,
        "axes": ["layer", "weight_bits", "activation_bits"],
        "layers": list(table.layers),
        "weight_bits": list(table.wbits),
        "activation_bits": list(table.abits),
        "fixed": {name: list(pair) for name, pair in table.fixed.items()},
        "ties": [list(names) for names in table.ties],
        "macs": table.macs.tolist(),
        "weights": table.weights.tolist(),
    }
    for name in ("cycles", "energy_pj", "dram_bytes"):
        document |= {name: getattr(table, name).tolist(), f"other_{name}": getattr(table, f"other_{name}").tolist()}
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def rows(table: Lut) -> list[dict[str, Any]]:
    """Return one dictionary an entry, numbers under names that end with their units."""
    milliseconds = table.latency_ms
    return [
        {
            "layer": layer,
            "weight_bits": wbits,
            "activation_bits": abits,
            "cycles": int(table.cycles[i, j, k]),
            "latency_ms": float(milliseconds[i, j, k]),
            "energy_pj": float(table.energy_pj[i, j, k]),
            "dram_bytes": int(table.dram_bytes[i, j, k]),
            "fixed": layer in table.fixed,
        }
        for i, layer in enumerate(table.layers)
        for j, wbits in enumerate(table.wbits)
        for k, abits in enumerate(table.abits)
    ]


def to_csv(table: Lut) -> str:
    """Return one line an entry."""
    lines, stream = rows(table), io.StringIO()
    writer = csv.DictWriter(stream, list(lines[0]) if lines else ["layer"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return stream.getvalue()


def to_haq(table: Lut) -> bytes:
    """Return HAQ's form: a ``.npy`` of int64 cycles [layer, weight bits - 1, activation bits - 1], 1 to 8 bits each.

    Raises
    ------
    SimulatorError
        The table lacks some of these widths.
    """
    if table.wbits != HAQ_WIDTHS or table.abits != HAQ_WIDTHS:
        message = (
            f"HAQ's table has weight and activation widths of 1 to 8 bits; this one has {list(table.wbits)} and "
            f"{list(table.abits)}: give --wbits 1,2,3,4,5,6,7,8 --abits 1,2,3,4,5,6,7,8"
        )
        raise SimulatorError(message)
    stream = io.BytesIO()
    np.save(stream, table.cycles.astype(np.int64), allow_pickle=False)
    return stream.getvalue()


def to_hawq(table: Lut) -> str:
    """Return HAWQ-V3's form: for each width that both axes have, vectors over the layers (w = a)."""
    document: dict[str, Any] = {
        "workload": table.workload,
        "accelerator": table.accelerator,
        "units": {"latency_ms": "ms", "energy_mj": "mJ", "size_mb": "MiB", "bops_g": "Gbit-operations"},
        "layers": list(table.layers),
        "parameters": table.weights.tolist(),
        "ties": [[table.layers.index(name) for name in names] for names in table.ties],
    }
    for bits in table.wbits:
        if bits in table.abits:
            j, k = table.wbits.index(bits), table.abits.index(bits)
            document[f"int{bits}"] = {
                "latency_ms": table.latency_ms[:, j, k].tolist(),
                "energy_mj": (table.energy_pj[:, j, k] * 1e-9).tolist(),
                "size_mb": (table.weights * bits / 8 / 2**20).tolist(),
                "bops_g": (table.macs * float(bits * bits) * 1e-9).tolist(),
            }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def to_ofa(table: Lut) -> str:
    """Return once-for-all's form: YAML of ``key: {count, mean, var}``, a key for each layer and pair, mean in ms."""
    lines = [f"# {table.workload} on {table.accelerator}: latency in ms; {DEFINITION}"]
    for row in rows(table):
        key = json.dumps(f"{row['layer']}-w{row['weight_bits']}-a{row['activation_bits']}")
        lines += [f"{key}:", "  count: 1", f"  mean: {row['latency_ms']!r}", "  var: 0.0"]
    return "\n".join(lines) + "\n"


def to_parquet(table: Lut) -> bytes:
    """Return one row an entry, as Parquet.

    Raises
    ------
    SimulatorError
        polars is not installed.
    """
    try:
        import polars as pl
    except ImportError:
        message = "a .parquet needs polars: install the extra `data`, or write .csv"
        raise SimulatorError(message) from None
    stream = io.BytesIO()
    pl.DataFrame(rows(table)).write_parquet(stream)
    return stream.getvalue()


FORMATS: dict[str, Callable[[Lut], str | bytes]] = {
    "haq": to_haq,
    "hawq": to_hawq,
    "ofa": to_ofa,
    "csv": to_csv,
    "json": to_json,
    "parquet": to_parquet,
}
SUFFIXES = {".npy": "haq", ".yaml": "ofa", ".yml": "ofa", ".csv": "csv", ".json": "json", ".parquet": "parquet"}


def form_of(path: Path, form: str | None) -> str:
    """Return the name of the form asked for, or the one that the file's suffix stands for.

    Raises
    ------
    SimulatorError
        No such form.
    """
    if form is None:
        form = SUFFIXES.get(path.suffix.lower())
        if form is None:
            message = f"{path}: no table has the suffix {path.suffix!r}; use {', '.join(SUFFIXES)} or --format"
            raise SimulatorError(message)
    if form not in FORMATS:
        message = f"--format {form!r}: no such form{did_you_mean(form, FORMATS)}; use {', '.join(FORMATS)}"
        raise SimulatorError(message)
    return form


def write_lut(table: Lut, path: Path, form: str | None = None) -> None:
    """Write a table whole or not at all, in ``form`` or in that of the file's suffix.

    Raises
    ------
    SimulatorError
        No such form, the table does not fit it, or the file cannot be written.
    """
    write_atomically(path, FORMATS[form_of(path, form)](table), SimulatorError)
