"""Networks of too many tiles end in one error that names layer, batch and remedy, before any search."""

import numpy as np
import pytest

from simulator import simulate
from simulator.arch import load_accelerator
from simulator.dataflow.tape_size import MAX_STEPS, least_steps, refuse_too_many, steps_of
from simulator.errors import MappingError
from simulator.mapping import search
from simulator.records import MAC_WORK, MAPPING, MEMORY_SPACE, VECTOR_WORK, WORK, table


def works(**fields):
    made = table(WORK, 2)
    for name, value in {
        "N": 2, "G": 1, "K": 8, "C": 4, "P": 5, "Q": 5, "R": 1, "S": 1, "sequence_steps": 3, "psum_bits": 32,
        "weight_bits": 8, **fields,
    }.items():  # fmt: skip
        made[name] = value
    made["kind"] = MAC_WORK, VECTOR_WORK
    return made


def test_steps_are_tiles_and_chunks():
    mappings = table(MAPPING, 2)
    for name, value in {"N": 1, "G": 1, "K": 3, "C": 4, "P": 2, "Q": 5, "chunks": 7}.items():
        mappings[name] = value
    assert steps_of(works(), mappings).tolist() == [2 * 3 * 3 * 3, 7]


def test_no_mapping_has_fewer_steps_than_its_psums_and_weights_need():
    space = table(MEMORY_SPACE, 1)
    space[0].capacity_bits[:] = 1000
    assert least_steps(works(), space).tolist() == [np.ceil(2 * 5 * 5 * 8 * 32 / 1000) * 3, 0]
    assert least_steps(works(weight_bits=8000), space).tolist() == [256 * 3, 0]
    assert least_steps(works(weight_bits=8000, weight_resident=1), space).tolist() == [13 * 3, 0]


def test_the_error_names_layer_batch_and_remedy():
    refuse_too_many(np.array([MAX_STEPS - 1.0, 1.0]), ["a", "b"], 4)
    words = r"at batch 4 the network takes 4,000,001 tiles, layer 'a' alone 4,000,000.*lower the batch.*capacity_bytes"
    with pytest.raises(MappingError, match=words):
        refuse_too_many(np.array([float(MAX_STEPS), 1.0]), ["a", "b"], 4)
    with pytest.raises(MappingError, match=r"at batch 1 .*at least .*: enlarge"):
        refuse_too_many(np.array([float(MAX_STEPS), 1.0]), ["a", "b"], 1, least=True)


def test_a_hopeless_batch_is_refused_before_any_search(monkeypatch):
    monkeypatch.setattr(search, "find_mappings", lambda *_: pytest.fail("searched"))
    machine = load_accelerator("gemmini_like_16", overrides=["array.rows=1", "array.columns=1"])
    with pytest.raises(MappingError, match=r"at batch 65536 .*layer '.*lower the batch"):
        simulate("vgg19", machine, batch=65536, fidelity="bandwidth")
