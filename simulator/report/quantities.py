"""Numbers as people read them: three digits with a prefix and a unit, whole counts with separators."""

from math import floor, isfinite, log10

_PREFIXES = {-5: "f", -4: "p", -3: "n", -2: "\N{MICRO SIGN}", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T", 5: "P"}
UNKNOWN = "-"


def with_prefix(value: float | None, unit: str, digits: int = 3) -> str:
    """Return ``value`` [unit] with an SI prefix and at least ``digits`` significant digits.

    Examples
    --------
    >>> with_prefix(9.8553e12, "OP/s"), with_prefix(0.00082985, "s"), with_prefix(None, "s")
    ('9.86 TOP/s', '830 \N{MICRO SIGN}s', '-')
    """
    if value is None or not isfinite(value):
        return UNKNOWN
    if value == 0:
        return f"0 {unit}"
    step = _step(value, digits)
    scaled = value / 1000.0**step
    return f"{significant(scaled, digits)} {_PREFIXES[step]}{unit}"


def _step(value: float, digits: int) -> int:
    """Return the power of 1000 under which the rounded number is 1 to 999."""
    step = floor(log10(abs(value)) / 3)
    if float(f"{abs(value) / 1000.0**step:.{digits}g}") >= 1000:
        step += 1
    return max(min(_PREFIXES), min(max(_PREFIXES), step))


def significant(value: float, digits: int = 3) -> str:
    """Return ``value`` with at least ``digits`` significant digits, never in powers of ten above 1.

    Examples
    --------
    >>> significant(12.3456), significant(123456.7), significant(0.0)
    ('12.3', '123,457', '0')
    """
    if value == 0:
        return "0"
    if abs(value) < 1e-4:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - floor(log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    whole = text.replace(",", "").replace("-", "").partition(".")[0]
    return (
        f"{value:,.{max(0, decimals - 1)}f}" if decimals and len(whole) + decimals > digits and whole != "0" else text
    )


def count(value: int | None) -> str:
    """Return a whole number with separators.

    Examples
    --------
    >>> count(580892), count(None)
    ('580,892', '-')
    """
    return UNKNOWN if value is None else f"{value:,}"


def percent(part: float | None, whole: float | None = 1.0, decimals: int = 1) -> str:
    """Return ``part / whole`` in percent, without the sign.

    Examples
    --------
    >>> percent(1, 3), percent(None), percent(1, 0)
    ('33.3', '-', '-')
    """
    return UNKNOWN if part is None or not whole else f"{100.0 * part / whole:.{decimals}f}"


def ratio(value: float | None, reference: float | None) -> str:
    """Return ``value / reference`` as a factor.

    Examples
    --------
    >>> ratio(3, 2), ratio(3, 0)
    ('1.500', '-')
    """
    return UNKNOWN if value is None or not reference else f"{value / reference:.3f}"


def printable(text: str) -> str:
    r"""Return ``text`` on one line without control characters: a name from a file must not steer the terminal.

    Examples
    --------
    >>> printable("conv\x1b[2J")
    'conv?[2J'
    """
    return "".join(letter if letter.isprintable() else "?" for letter in text)
