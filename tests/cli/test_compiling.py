"""What must be compiled, and two processes that compile at once."""

import sys

import pytest

from simulator.cli import compiling


def test_after_warmup_nothing_must_be_compiled(call):
    assert call("warmup", "--quiet").exit_code == 0
    assert not [work for work in compiling.LAST_COMPILED if compiling.must_compile(work)]


def test_an_empty_cache_must_compile(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.setattr(compiling, "cache_is_cold", lambda: False)
    monkeypatch.setattr(compiling, "cache_directory", lambda: tmp_path)
    assert compiling.must_compile("run")
    (tmp_path / "engine_x").mkdir()
    (tmp_path / "engine_x" / "accounting.account-43.py311.nbi").touch()
    assert not compiling.must_compile("run")
    assert compiling.must_compile("dram")


@pytest.fixture
def cold(monkeypatch, tmp_path):
    monkeypatch.setattr(compiling, "cache_directory", lambda: tmp_path)
    monkeypatch.setattr(compiling, "must_compile", lambda work: True)


def test_the_second_process_rehearses_while_the_rest_compiles_and_is_waited_for(monkeypatch, tmp_path, cold):
    done = tmp_path / "done"
    monkeypatch.setattr(compiling, "_REHEARSAL", f"import time; time.sleep(0.2); open({str(done)!r}, 'w').close()")
    seen = []
    compiling.compile_together(lambda: seen.append(done.exists()))
    assert seen == [False]
    assert done.exists()


def test_a_failure_here_ends_the_second_process(monkeypatch, cold):
    monkeypatch.setattr(compiling, "_REHEARSAL", "import time; time.sleep(60)")
    started, begin = [], compiling._rehearse_beside
    monkeypatch.setattr(compiling, "_rehearse_beside", lambda: started.append(begin()) or started[0])
    with pytest.raises(ZeroDivisionError):
        compiling.compile_together(lambda: 1 // 0)
    assert started[0].poll() is not None


def test_no_second_process_where_nothing_can_be_kept_or_started(monkeypatch, cold):
    monkeypatch.setattr(sys, "executable", "/no/such/interpreter")
    ran = []
    compiling.compile_together(lambda: ran.append(1))
    monkeypatch.setattr(compiling, "cache_directory", lambda: None)
    monkeypatch.setattr(compiling, "_rehearse_beside", lambda: 1 // 0)
    compiling.compile_together(lambda: ran.append(2))
    assert ran == [1, 2]


def test_the_known_product_is_what_it_says():
    network = compiling.product_network(8)
    assert network.total_macs == 512
    assert {tensor.precision.bits for tensor in network.tensors.values()} == {8}
