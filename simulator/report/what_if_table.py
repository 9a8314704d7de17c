"""What one change at a time did to a layer and its network, ranked, as lines and a table."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from simulator.report.quantities import UNKNOWN, count, percent, printable
from simulator.search.what_if import Finding

LEAST_SHARE = 0.01


def what_helps_most(findings: Sequence[Finding], layer: str) -> list[str]:
    """Say which single change helps the layer most, as measured."""
    if not findings:
        return [f"No change could be tried on {printable(layer)}."]
    best = findings[0]
    before = best.layer_cycles + best.layer_gain_cycles
    if best.layer_gain_cycles < LEAST_SHARE * before:
        text = f"No single change of the {len(findings)} tried saves {printable(layer)} 1 % of its cycles: "
        return [text + "what bounds it is its own work, or several things at once."]
    how = f" ({best.setting})" if best.setting else ""
    cycles = f"{count(before)} to {count(best.layer_cycles)} cycles ({percent(-best.layer_gain_cycles, before)} %)"
    lines = [f"What helps {printable(layer)} most: {best.name}{how}: {cycles}, measured by running the network so."]
    whole = max(findings, key=lambda one: one.total_gain_cycles)
    if whole is not best and whole.total_gain_cycles > 0:
        total = whole.total_cycles + whole.total_gain_cycles
        lines.append(
            f"For the whole network {whole.name} saves most: {percent(whole.total_gain_cycles, total)} % of all cycles."
        )
    return lines


def what_if_table(findings: Sequence[Finding]) -> Table:
    """Return the ranked table: cycles of layer and network, their change, and what it costs in energy and area."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("one change")  # on a narrow terminal words wrap; numbers are never cut
    for heading in ("layer\ncycles", "change\n[%]", "network\ncycles", "change\n[%]", "energy", "area"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("how", overflow="fold")
    for one in findings:
        table.add_row(
            printable(one.name),
            count(one.layer_cycles),
            _change(one.layer_gain_cycles, one.layer_cycles),
            count(one.total_cycles),
            _change(one.total_gain_cycles, one.total_cycles),
            _factor(one.energy_ratio),
            _factor(one.area_ratio),
            printable(one.setting),
        )
    return table


def _change(gain_cycles: int, after_cycles: int) -> str:
    before = after_cycles + gain_cycles
    if not before:
        return UNKNOWN
    return f"{-100.0 * gain_cycles / before:+.1f}" if gain_cycles else "0"


def _factor(ratio: float | None) -> str:
    return UNKNOWN if ratio is None else f"x {ratio:.3f}"
