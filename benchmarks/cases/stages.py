"""Each stage of a run by itself: from a file to a timeline."""

from benchmarks.cases.parts import parts_of
from benchmarks.measurement import Measurement, Scale, timed
from simulator.arch import load_accelerator
from simulator.dataflow.binding import bind
from simulator.engine.run import run
from simulator.errors import WorkloadError
from simulator.workload import load_workload

PRESET = "tpu_like_128"


def stages(scale: Scale) -> list[Measurement]:
    """Load, bind, map, plan and run."""
    name = scale.network("resnet50_int8")
    graph, accelerator = load_workload(name), load_accelerator(PRESET)
    parts = parts_of(name, PRESET)
    mapped = parts.map()
    tape = parts.plan(mapped)
    size = f"{len(parts.network.works)} timed layers, {len(tape.steps)} tiles, {len(tape.transfers)} transfers"
    return [
        timed("load_json", lambda: load_workload(name), scale.repeats, f"{len(graph.layers)} layers"),
        timed("load_accelerator", lambda: load_accelerator(PRESET), scale.repeats),
        timed("bind", lambda: bind(graph, accelerator), scale.repeats),
        timed("map", parts.map, scale.repeats, f"{int(mapped.mappings['candidates'].sum())} tilings, with repetitions"),
        timed("plan", lambda: parts.plan(mapped), scale.repeats, size),
        timed("run", lambda: run(tape, parts.space), scale.repeats, size),
    ]


def onnx(scale: Scale) -> list[Measurement]:
    """Read a real model file, where the onnx package brings one."""
    from simulator.workload.zoo.imported import ONNX_NETWORKS, onnx_folder

    try:
        path = onnx_folder() / f"light_{ONNX_NETWORKS['resnet50']}.onnx"
    except WorkloadError:
        return []
    return [timed("import_onnx", lambda: load_workload(path), scale.count(7), path.name)]
