import pytest

from simulator.dataflow.sparse_run import PE_CYCLE_CAUSES, MemoryAccess, SparseRun, add_runs, named_pe_cycles


def run(cycles=10, useful=8, **accesses):
    return SparseRun(cycles, 2, named_pe_cycles(2, cycles, "fill", useful=useful), 16, 1e9, accesses)


def test_every_cause_is_there_and_the_rest_makes_the_identity():
    causes = named_pe_cycles(3, 7, "imbalance", useful=10, padding=1)
    assert tuple(causes) == PE_CYCLE_CAUSES
    assert sum(causes.values()) == 21
    assert causes["imbalance"] == 10
    with pytest.raises(AssertionError):
        named_pe_cycles(1, 2, "fill", useful=3)
    with pytest.raises(AssertionError):
        named_pe_cycles(1, 2, "fill", nonsense=1)


def test_rates_count_dense_and_effectual_operations():
    one = run()
    assert one.time_s == pytest.approx(10e-9)
    assert one.dense_ops_per_second == pytest.approx(2 * 16 / 10e-9)
    assert one.effectual_ops_per_second == pytest.approx(2 * 8 / 10e-9)


def test_runs_add_up_memory_by_memory():
    both = add_runs([run(glb=MemoryAccess(1, 2)), run(4, 2, glb=MemoryAccess(10, 20), rf=MemoryAccess(5))])
    assert (both.cycles, both.effectual_macs, both.dense_macs, both.batches) == (14, 10, 32, 2)
    assert (both.accesses["glb"].reads, both.accesses["glb"].writes, both.accesses["rf"].reads) == (11, 22, 5)
    assert sum(both.pe_cycles.values()) == 2 * 14
