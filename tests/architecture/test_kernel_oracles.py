"""Every compiled module has a slow, obvious twin under tests/oracle/, written without looking at the kernel."""

import pytest

from tests.architecture.source_tree import PROJECT, SOURCES, functions, imported_modules, is_kernel, relative

# Module with kernels -> the oracles that step the same hardware cycle by cycle, under tests/oracle/.
ORACLES: dict[str, tuple[str, ...]] = {
    "simulator/dataflow/bank_queue.py": ("scnn_oracle.py",),
    "simulator/dataflow/broadcast_queue.py": ("eie_oracle.py", "ese_oracle.py"),
    "simulator/dataflow/eie_kernel.py": ("eie_oracle.py",),
    "simulator/dataflow/mac_planner.py": ("planner_oracle.py",),
    "simulator/dataflow/slots.py": ("planner_oracle.py",),
    "simulator/dataflow/systolic_law.py": ("systolic_oracle.py", "systolic_registers.py", "systolic_folds.py"),
    "simulator/dataflow/tandem_queue.py": ("tandem_oracle.py",),
    "simulator/dataflow/tape.py": ("planner_oracle.py",),
    "simulator/dataflow/tile_step.py": ("planner_oracle.py",),
    "simulator/dataflow/tiling.py": ("planner_oracle.py", "mapping_oracle.py"),
    "simulator/dataflow/vector_planner.py": ("planner_oracle.py",),
    "simulator/engine/accounting.py": ("engine_gaps.py",),
    "simulator/engine/dram_loop.py": ("engine_oracle.py", "engine_port.py", "dram_port.py", "dram_oracle.py"),
    "simulator/engine/last_level.py": ("last_level_port.py", "engine_oracle.py", "engine_port.py"),
    "simulator/engine/event_loop.py": ("engine_oracle.py", "engine_port.py", "engine_gaps.py"),
    "simulator/formats/relative_index_kernel.py": ("formats_oracle.py",),
    "simulator/mapping/candidate_kernel.py": ("mapping_oracle.py",),
    "simulator/mapping/estimate_kernel.py": ("mapping_oracle.py", "planner_oracle.py"),
    "simulator/mapping/cost_kernel.py": ("mapping_oracle.py", "planner_oracle.py"),
    "simulator/mapping/search_kernel.py": ("mapping_oracle.py", "planner_oracle.py"),
    "simulator/memory/bandwidth.py": ("engine_port.py",),
    "simulator/memory/codec.py": ("engine_port.py",),
    "simulator/memory/dram_feed_kernel.py": ("dram_oracle.py",),
    "simulator/memory/dram_issue_kernel.py": ("dram_oracle.py",),
    "simulator/memory/dram_kernel.py": ("dram_oracle.py",),
    "simulator/memory/dram_memory.py": ("dram_oracle.py",),
    "simulator/memory/dram_queue_kernel.py": ("dram_oracle.py",),
    "simulator/memory/dram_join_kernel.py": ("dram_oracle.py",),
    "simulator/memory/dram_skip_kernel.py": ("dram_oracle.py",),
    "simulator/memory/dram_look_kernel.py": ("dram_oracle.py",),
    "simulator/memory/dram_split.py": ("dram_devices.py",),
    "simulator/memory/dram_timing_kernel.py": ("dram_devices.py", "dram_checker.py"),
    "simulator/memory/dram_twins_kernel.py": ("dram_oracle.py",),
    "simulator/memory/dram_wants_kernel.py": ("dram_oracle.py",),
}

KERNEL_MODULES = [relative(path) for path in SOURCES if any(is_kernel(function) for function in functions(path))]


@pytest.mark.parametrize("module", KERNEL_MODULES)
def test_kernel_module_has_an_oracle(module):
    assert ORACLES.get(module), f"name the oracles of {module} in ORACLES"


@pytest.mark.parametrize("module", ORACLES)
def test_named_oracle_exists_and_does_not_lean_on_compiled_code(module):
    assert module in KERNEL_MODULES, f"{module} has no kernels: drop it from ORACLES"
    compiled = {name.removesuffix(".py").replace("/", ".") for name in KERNEL_MODULES} | {"simulator._jit", "numba"}
    for name in ORACLES[module]:
        oracle = PROJECT / "tests" / "oracle" / name
        assert oracle.is_file(), f"tests/oracle/{name} is missing"
        assert not imported_modules(oracle) & compiled, f"tests/oracle/{name} imports what it is to check"
