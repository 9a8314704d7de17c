"""What one change at a time did to a layer and its network, ranked, as lines and a table."""

from collections.abc import Sequence

from rich.table import Table

from simulator.report.fitted_table import TextColumn, fitted_table
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
        saved = f"{percent(whole.total_gain_cycles, total)} % of all cycles"
        how = f" ({whole.setting})" if whole.setting else ""
        lines.append(f"For the whole network {whole.name}{how} saves most: {saved}.")
    return lines


def what_if_table(findings: Sequence[Finding], width: int | None = None) -> tuple[Table, list[str]]:
    """Return the ranked table, and lines that say what its width leaves out.

    Parameters
    ----------
    findings : sequence of Finding
    width : int, optional
        Of a terminal [columns]; None shows everything.
    """
    numbers: tuple[tuple[str, int, list[str]], ...] = (
        ("layer\ncycles", 1, [count(one.layer_cycles) for one in findings]),
        ("change\n[%]", 0, [_change(one.layer_gain_cycles, one.layer_cycles) for one in findings]),
        ("network\ncycles", 2, [count(one.total_cycles) for one in findings]),
        ("network\nchange [%]", 0, [_change(one.total_gain_cycles, one.total_cycles) for one in findings]),
        ("energy", 3, [_factor(one.energy_ratio) for one in findings]),
        ("area", 4, [_factor(one.area_ratio) for one in findings]),
    )
    columns = [TextColumn("one change", [printable(one.name) for one in findings], 0, left=True, wraps=True)]
    columns += [TextColumn(heading, cells, rank) for heading, rank, cells in numbers]
    columns.append(TextColumn("how", [printable(one.setting) for one in findings], 5, left=True))
    table, hidden = fitted_table(columns, width)
    return table, _left_out(findings, hidden)


def _left_out(findings: Sequence[Finding], hidden: Sequence[str]) -> list[str]:
    """Say how to make the changes that helped, and which other columns are missing."""
    lines = []
    if "how" in hidden:
        helped = [one for one in findings if one.setting and max(one.layer_gain_cycles, one.total_gain_cycles) > 0]
        longest = max((len(one.name) for one in helped), default=0)
        lines += [f"  {printable(one.name):<{longest}}  {printable(one.setting)}" for one in helped]
    others = [heading for heading in hidden if heading != "how"]
    if others:
        lines.append(f"columns left out at this width: {', '.join(others)} (widen)")
    return lines


def _change(gain_cycles: int, after_cycles: int) -> str:
    before = after_cycles + gain_cycles
    if not before:
        return UNKNOWN
    return f"{-100.0 * gain_cycles / before:+.1f}" if gain_cycles else "0"


def _factor(ratio: float | None) -> str:
    return UNKNOWN if ratio is None else f"x {ratio:.3f}"
