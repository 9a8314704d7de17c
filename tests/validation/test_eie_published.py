import json

from simulator.validation.eie_published import APART, BENCHMARKS, REAL_LAYER_COUNTS


def test_the_tables_are_the_references(reference_dir):
    tables = json.loads((reference_dir / "eie" / "tables.json").read_text())
    assert [vars(benchmark) for benchmark in BENCHMARKS] == tables["benchmarks"]


def test_names_are_the_papers():
    names = [benchmark.name for benchmark in BENCHMARKS]
    assert len(set(names)) == 9
    assert APART in names
    assert REAL_LAYER_COUNTS["pointer_reads"] == 64 * 1760
