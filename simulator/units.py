"""Unit conversions, each stated once. Knows numbers only."""

OPS_PER_MAC = 2
BITS_PER_BYTE = 8
KIB = 1024
MIB = 1024 * 1024
PJ_PER_J = 1e12


def ceil_div(numerator: int, denominator: int) -> int:
    """Return ``numerator / denominator`` rounded up, for non-negative integers.

    Examples
    --------
    >>> ceil_div(7, 2)
    4
    """
    return -(-numerator // denominator)


def bits_to_bytes(bits: int) -> int:
    """Return the bytes that hold ``bits`` packed bits [bytes].

    Examples
    --------
    >>> bits_to_bytes(12)
    2
    """
    return ceil_div(bits, BITS_PER_BYTE)
