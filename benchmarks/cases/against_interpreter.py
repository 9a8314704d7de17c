"""What compiling and pruning are worth. The interpreted half runs in a process of its own, with NUMBA_DISABLE_JIT=1."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from benchmarks.cases.parts import parts_of
from benchmarks.measurement import Measurement, Scale, seconds
from simulator.engine.run import run

SMALL = ("lenet5_int8", "gemmini_like_16")
COUNTED = ("count_traffic", "count_compute", "predict_latency")
ORDERS = 6


def compiled(scale: Scale) -> list[Measurement]:
    """Time the engine on one tape, compiled and interpreted."""
    fast = _time_engine(scale.count(50))
    slow = _interpreted("engine", str(scale.count(50)))
    values = tuple(slow[i] / fast[i] for i in range(2))
    note = f"engine on {' on '.join(SMALL)}: {fast[0] * 1e3:.3g} ms compiled, {slow[0] * 1e3:.3g} ms interpreted (wall)"
    return [Measurement("compiled_over_interpreted", "x", values[:1], values[1:], note)]


def pruning(scale: Scale) -> list[Measurement]:
    """Loop orders of the distinct layers that the mapper prices, of all that there are. Counted, so it never varies."""
    name = scale.network("resnet18_int8")
    counts = _interpreted("mapper", name)
    every, fitting = ORDERS * counts["candidates"], counts["count_traffic"]
    priced = counts["predict_latency"]
    note = (
        f"{name} on tpu_like_128: {counts['candidates']} tilings x {ORDERS} orders = {every}; "
        f"{fitting} fit the buffers, {priced} were priced in full"
    )
    return [Measurement("pruning", "x", (every / priced,), note=note)]


def identical_layers(scale: Scale) -> list[Measurement]:
    """Layers of equal shape and widths are searched once."""
    works = parts_of(scale.network("resnet50_int8"), "tpu_like_128").network.works
    distinct = len({work.tobytes() for work in works})
    note = f"{len(works)} timed layers, {distinct} distinct"
    return [Measurement("identical_layers", "x", (len(works) / distinct,), note=note)]


def _interpreted(what: str, argument: str) -> Any:  # noqa: ANN401
    done = subprocess.run(
        [sys.executable, "-m", __name__, what, argument],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


def _time_engine(repeats: int) -> tuple[float, float]:
    """Return the least wall and processor seconds of one run of the tape."""
    parts = parts_of(*SMALL)
    tape = parts.plan(parts.map())
    run(tape, parts.space)
    wall, cpu = seconds(lambda: run(tape, parts.space), min(repeats, 5), number=repeats)
    return min(wall), min(cpu)


def _count_mapper(workload: str) -> dict[str, int]:
    """Search every distinct layer of ``workload`` with counting functions in the kernel's place. Interpreted only."""
    from simulator.mapping import search_kernel

    counts: Counter[str] = Counter()
    for name in COUNTED:
        setattr(search_kernel, name, _counting(getattr(search_kernel, name), name, counts))
    parts = parts_of(workload, "tpu_like_128")
    mapped = parts.map()
    searched = {work.tobytes(): mapping for work, mapping in zip(parts.network.works, mapped.mappings, strict=True)}
    macs = [mapping for mapping in searched.values() if mapping.chunks <= 1]
    return dict(counts) | {"candidates": sum(int(mapping.candidates) for mapping in macs)}


def _counting(function: Callable[..., Any], name: str, counts: Counter[str]) -> Callable[..., Any]:
    def counted(*arguments: Any) -> Any:  # noqa: ANN401
        counts[name] += 1
        return function(*arguments)

    return counted


if __name__ == "__main__":
    found = _time_engine(1) if sys.argv[1] == "engine" else _count_mapper(sys.argv[2])
    print(json.dumps(found))
