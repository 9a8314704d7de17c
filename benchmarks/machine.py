"""The class of machine that measured: enough to compare, nothing that names it."""

import os
import platform
from importlib.metadata import version
from typing import Any

import simulator


def machine_class() -> dict[str, Any]:
    """Return cores, processor family and the versions that decide speed."""
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "numba": version("numba"),
        "numpy": version("numpy"),
        "simulator": simulator.__version__,
    }


def load_average() -> float:
    """Return how many processes wanted a core over the last minute."""
    return round(os.getloadavg()[0], 2)
