"""A cycle-level simulator of neural-network accelerators: cycles, bytes and energy with a source for each number.

The public face is the names below. They load on first use, so that ``import simulator`` and ``simulator --help``
need neither numba nor matplotlib.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.results import RunResult

if TYPE_CHECKING:
    from simulator.api import Tenant as Tenant
    from simulator.api import simulate as simulate
    from simulator.api import simulate_together as simulate_together
    from simulator.arch import Accelerator as Accelerator
    from simulator.arch import load_accelerator as load_accelerator
    from simulator.errors import ArchitectureError as ArchitectureError
    from simulator.errors import MappingError as MappingError
    from simulator.errors import SimulationError as SimulationError
    from simulator.errors import SimulatorError as SimulatorError
    from simulator.errors import WorkloadError as WorkloadError
    from simulator.search import Evaluator as Evaluator
    from simulator.search import evaluate_many as evaluate_many
    from simulator.search.lut import lut as lut
    from simulator.workload import GraphBuilder as GraphBuilder
    from simulator.workload import LayerGraph as LayerGraph
    from simulator.workload import Precision as Precision
    from simulator.workload import load_workload as load_workload
    from simulator.workload import quantize as quantize

__version__ = "0.1.0"

__all__ = [
    "Accelerator",
    "ArchitectureError",
    "Evaluator",
    "GraphBuilder",
    "LayerGraph",
    "MappingError",
    "Precision",
    "RunResult",
    "SimulationError",
    "SimulatorError",
    "Tenant",
    "WorkloadError",
    "__version__",
    "evaluate_many",
    "load_accelerator",
    "load_workload",
    "lut",
    "quantize",
    "simulate",
    "simulate_together",
]

_HOME_OF = {
    "Accelerator": "simulator.arch",
    "ArchitectureError": "simulator.errors",
    "Evaluator": "simulator.search",
    "GraphBuilder": "simulator.workload",
    "LayerGraph": "simulator.workload",
    "MappingError": "simulator.errors",
    "Precision": "simulator.workload",
    "RunResult": "simulator.results",
    "SimulationError": "simulator.errors",
    "SimulatorError": "simulator.errors",
    "Tenant": "simulator.api",
    "WorkloadError": "simulator.errors",
    "evaluate_many": "simulator.search",
    "load_accelerator": "simulator.arch",
    "load_workload": "simulator.workload",
    "lut": "simulator.search",
    "quantize": "simulator.workload",
    "simulate": "simulator.api",
    "simulate_together": "simulator.api",
}


def _plot(result: RunResult) -> Any:  # noqa: ANN401 - its class is loaded when something is drawn
    """Draw: ``result.plot.latency()``, ``.energy()``, ``.roofline()``, ``.bandwidth()``, ``.gantt(layer)``."""
    return import_module("simulator.report.plots").Plots(result)


def _repr_html(result: RunResult) -> str:
    """Return totals and the table of layers, for a notebook's cell."""
    fragment: str = import_module("simulator.report.page").html_fragment(result)
    return fragment


def _write_trace(result: RunResult, path: Path | str) -> None:
    """Write the timeline of ``simulate(..., timeline=True)`` for Perfetto; compressed where ``path`` ends with .gz."""
    import_module("simulator.report.trace").write_trace(result, path)


# Results never look up to the room that draws: they are taught here. Every import of the package comes this way.
setattr(RunResult, "plot", property(_plot))  # noqa: B010 - the class does not declare it
setattr(RunResult, "write_trace", _write_trace)  # noqa: B010 - likewise
setattr(RunResult, "_repr_html_", _repr_html)  # noqa: B010 - likewise


def __getattr__(name: str) -> object:
    """Load a public name from its room on first use."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'simulator' has no attribute {name!r}; it offers {', '.join(__all__)}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
