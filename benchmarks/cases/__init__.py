"""Every case by name. Each loads what it needs when it runs: a case may be about start-up or memory."""

from importlib import import_module

from benchmarks.measurement import Case

CASES = {
    "commands": "benchmarks.cases.commands:commands",
    "cold_command": "benchmarks.cases.commands:cold_command",
    "stages": "benchmarks.cases.stages:stages",
    "onnx": "benchmarks.cases.stages:onnx",
    "resnet50": "benchmarks.cases.networks:resnet50",
    "resnet50_event": "benchmarks.cases.networks:resnet50_event",
    "alexnet_conv": "benchmarks.cases.networks:alexnet_conv",
    "resnet18": "benchmarks.cases.networks:resnet18",
    "random_bits": "benchmarks.cases.search_loops:random_bits",
    "known_bits": "benchmarks.cases.search_loops:known_bits",
    "evaluate_many": "benchmarks.cases.search_loops:many",
    "haq": "benchmarks.cases.search_loops:haq",
    "tables": "benchmarks.cases.search_loops:tables",
    "systolic": "benchmarks.cases.against_oracles:systolic",
    "engine": "benchmarks.cases.against_oracles:engine",
    "compiled": "benchmarks.cases.against_interpreter:compiled",
    "pruning": "benchmarks.cases.against_interpreter:pruning",
    "identical_layers": "benchmarks.cases.against_interpreter:identical_layers",
    "dram": "benchmarks.cases.dram:dram",
    "eie": "benchmarks.cases.sparse_engines:eie",
    "eie_suite": "benchmarks.cases.sparse_engines:eie_suite",
    "eie_oracle": "benchmarks.cases.sparse_engines:eie_oracle",
    "scnn": "benchmarks.cases.sparse_engines:scnn",
}
LEFT_OUT_WHEN_QUICK = frozenset({"cold_command"})  # compiles for half a minute


def load_case(name: str) -> Case:
    """Return the case of that name."""
    module, _, function = CASES[name].partition(":")
    case: Case = getattr(import_module(module), function)
    return case
