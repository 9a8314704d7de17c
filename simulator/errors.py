"""The tree of errors a caller can catch, broadly or narrowly.

::

    SimulatorError
    ├── WorkloadError        a model, graph, layer or tensor that cannot be read or makes no sense
    ├── ArchitectureError    an accelerator, DRAM or technology description that makes no sense
    ├── MappingError         no tiling or loop order fits the description
    └── SimulationError      the engine could not go on (a deadlock is a description that cannot run)

Every message names the file (or object), the field, its value and the remedy. The command line turns
each of these into exit code 2; any other exception is a fault of the simulator itself (exit code 1).
"""

import difflib
from collections.abc import Iterable


class SimulatorError(Exception):
    """Base of every error that a caller's input can cause."""


class WorkloadError(SimulatorError):
    """A workload file, graph, layer or tensor is unreadable or inconsistent."""


class ArchitectureError(SimulatorError):
    """An accelerator, memory or technology description is unreadable or inconsistent."""


class MappingError(SimulatorError):
    """No legal mapping exists, or a given mapping is illegal."""


class SimulationError(SimulatorError):
    """The event engine could not go on; the message names cycle, resource and waiting steps."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the nearest known word, or an empty string.

    Examples
    --------
    >>> did_you_mean("tpu_lik_128", ["tpu_like_128", "tpu_v1"])
    " (did you mean 'tpu_like_128'?)"
    """
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean '{near[0]}'?)" if near else ""
