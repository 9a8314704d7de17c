"""Heat maps of the array: what share of a layer's time each PE does useful work; a small one for each layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from simulator.report.bars import short_label, title
from simulator.report.quantities import percent, printable
from simulator.results import LayerResult, RunResult

MOST_PANELS = 47  # and one of the whole run
_PANELS_A_ROW = 8
_PANEL_INCHES, _TITLE_INCHES = 1.15, 0.42
_MOST_QUADS = 3000  # more are drawn as one picture inside the vector file
_LABEL_LETTERS = 19
_MAP = "viridis"

Blocks = Sequence[tuple[int, int, int, int, float]]


@dataclass(frozen=True)
class Panel:
    """One heat map: its label, the mean of all PEs, the shares [0, 1] and the row and column edges of their cells."""

    label: str
    mean: float
    shares: npt.NDArray[np.float64]
    row_edges: npt.NDArray[np.int64]
    column_edges: npt.NDArray[np.int64]


def pe_use_rows(result: RunResult) -> list[dict[str, Any]]:
    """Return what the heat maps draw: a rectangle of PEs a row, alone on its place; PEs that do nothing have none."""
    rows = []
    for layer in _used(result):
        panel = _panel(printable(layer.name), [(layer.pe_use or {}, layer.cycles or 1)], layer.cycles or 1)
        for i, j in np.argwhere(panel.shares > 0).tolist():
            rows.append(
                {
                    "layer": panel.label,
                    "first_row": int(panel.row_edges[i]),
                    "first_column": int(panel.column_edges[j]),
                    "rows": int(panel.row_edges[i + 1] - panel.row_edges[i]),
                    "columns": int(panel.column_edges[j + 1] - panel.column_edges[j]),
                    "useful_share": float(panel.shares[i, j]),
                }
            )
    return rows


def _used(result: RunResult) -> list[LayerResult]:
    return [layer for layer in result.layers if layer.pe_use and layer.cycles]


def _panel(label: str, parts: Sequence[tuple[Mapping[str, Any], int]], cycles: int) -> Panel:
    """Add up the blocks of one or several layers over ``cycles``, on the coarsest grid that shows them all."""
    extent = parts[0][0]["rows"], parts[0][0]["columns"]
    blocks = np.array([block for use, _ in parts for block in use["blocks"]], np.float64).reshape(-1, 5)
    first, last = blocks[:, :2].astype(np.int64), (blocks[:, :2] + blocks[:, 2:4]).astype(np.int64)
    edges = [np.unique([0, extent[axis], *first[:, axis], *last[:, axis]]) for axis in (0, 1)]
    begins = [np.searchsorted(edges[axis], first[:, axis]) for axis in (0, 1)]
    ends = [np.searchsorted(edges[axis], last[:, axis]) for axis in (0, 1)]
    steps = np.zeros((len(edges[0]), len(edges[1])))
    for rows, sign in ((begins[0], 1.0), (ends[0], -1.0)):
        np.add.at(steps, (rows, begins[1]), sign * blocks[:, 4])
        np.add.at(steps, (rows, ends[1]), -sign * blocks[:, 4])
    shares = steps.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] / cycles
    shares = np.where(shares < 1e-12, 0.0, shares)  # what adding and taking away leaves
    area = np.diff(edges[0])[:, None] * np.diff(edges[1])[None, :]
    return Panel(label, float((shares * area).sum() / area.sum()), shares, edges[0], edges[1])


def panels_of(result: RunResult) -> tuple[list[Panel], int, int]:
    """Return the panels, the whole run's first; how many layers they show; and how many there are.

    Layers alike share a panel; of more than there is room for, those that lose most PE-cycles are shown.
    """
    layers = _used(result)
    if not layers:
        return [], 0, 0
    groups: dict[Any, list[LayerResult]] = {}
    for layer in layers:
        groups.setdefault((layer.cycles, (layer.pe_use or {})["blocks"]), []).append(layer)
    lost = {
        key: sum((one.cycles or 0) * (1 - (one.utilization or 0.0)) for one in group) for key, group in groups.items()
    }
    kept = set(sorted(groups, key=lambda key: -lost[key])[:MOST_PANELS])
    whole = [(layer.pe_use or {}, layer.cycles or 0) for layer in layers]
    found = [_panel("whole run", whole, result.total.cycles or sum(cycles for _, cycles in whole))]
    for key, group in groups.items():
        if key in kept:
            one = group[0]
            label = short_label(one.name, _LABEL_LETTERS) + (f" x {len(group)}" if len(group) > 1 else "")
            found.append(_panel(label, [(one.pe_use or {}, one.cycles or 1)], one.cycles or 1))
    return found, sum(len(groups[key]) for key in kept), len(layers)


def pe_use_figure(result: RunResult) -> Figure:
    """Return the array as a heat map for the whole run and for every layer."""
    panels, shown, all_layers = panels_of(result)
    across = min(_PANELS_A_ROW, max(5, len(panels)))
    down = max(1, -(-len(panels) // across))
    aspect = _box_aspect(panels)
    height = 1.45 + down * (_PANEL_INCHES * aspect + _TITLE_INCHES)
    drawn = Figure(figsize=(1.0 + across * (_PANEL_INCHES + 0.12), height), layout="constrained")
    axes = drawn.subplots(down, across, squeeze=False)
    mesh = None
    for place, panel in zip(axes.ravel(), panels, strict=False):
        mesh = _draw(place, panel, aspect)
    for place in axes.ravel()[len(panels) :]:
        place.set_axis_off()
    if mesh is not None:
        bar = drawn.colorbar(mesh, ax=axes, location="bottom", shrink=0.5, aspect=40, pad=0.02)
        bar.ax.xaxis.set_major_formatter(PercentFormatter(1.0))
        bar.set_label("share of the layer's cycles in which a PE does useful work", fontsize=8)
        _name_axes(axes[0, 0], panels[0])
    what = (
        "every layer with products"
        if shown == all_layers
        else f"the {shown} of {all_layers} layers that waste most PE-cycles"
    )
    mean = percent(panels[0].mean) if panels else "-"
    title(drawn, result, f"use of the array\nmean of the run {mean} %; {what}; layers alike share a picture")
    return drawn


def _box_aspect(panels: Sequence[Panel]) -> float:
    if not panels:
        return 1.0
    return float(np.clip(panels[0].row_edges[-1] / panels[0].column_edges[-1], 0.2, 2.0))


def _draw(place: Axes, panel: Panel, aspect: float) -> Any:  # noqa: ANN401 - a mesh
    mesh = place.pcolormesh(
        panel.column_edges,
        panel.row_edges,
        panel.shares,
        cmap=_MAP,
        vmin=0.0,
        vmax=1.0,
        linewidth=0.3,
        edgecolor="face",
    )
    mesh.set_rasterized(panel.shares.size > _MOST_QUADS)
    place.set_xlim(0, panel.column_edges[-1])
    place.set_ylim(panel.row_edges[-1], 0)
    place.set_box_aspect(aspect)
    place.set_xticks([])
    place.set_yticks([])
    place.set_title(f"{panel.label}\n{percent(panel.mean)} %", fontsize=6, parse_math=False, pad=2.5)
    return mesh


def _name_axes(place: Axes, panel: Panel) -> None:
    """Say on the first panel what lies where."""
    rows, columns = int(panel.row_edges[-1]), int(panel.column_edges[-1])
    place.set_ylabel(f"{rows} rows", fontsize=6.5)
    place.set_xlabel(f"{columns} columns", fontsize=6.5)
