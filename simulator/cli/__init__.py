"""The command line: arguments in, rooms called, exit codes out. Knows words and files; computes nothing.

Every command imports what it needs when it runs: ``--help``, ``list`` and ``show`` stay free of numba and matplotlib.
"""

from simulator.cli.entry import main

__all__ = ["main"]
