"""The stages of a run, each on next to nothing, so that their kernels can be compiled before there is work to do.

Compiling takes tens of seconds and a stage needs no other to be compiled: several processes can share it.
"""

import numpy as np

from simulator.arch import load_accelerator
from simulator.dataflow.binding import bind
from simulator.dataflow.machine import hardware_record, space_record
from simulator.dataflow.plan_tables import PlanInputs
from simulator.dataflow.tape import build_tape
from simulator.mapping.search import map_network
from simulator.records import MAPPING, Table, table
from simulator.workload import GraphBuilder, LayerGraph, Precision

ARCH = "tpu_like_128"


def rehearse_mapping() -> int:
    """Search a mapping of a product of two 16 x 16 matrices; return how many candidates were tried.

    Examples
    --------
    >>> rehearse_mapping() > 0
    True
    """
    machine = load_accelerator(ARCH)
    mapped = map_network(bind(small_product(16), machine), machine, _records())
    return int(mapped.mappings[0].candidates)


def rehearse_planning() -> int:
    """Plan a network without layers; return the steps of its tape.

    Examples
    --------
    >>> rehearse_planning()
    0
    """
    empty = bind(small_product(16), load_accelerator(ARCH)).works[:0].copy()
    none = np.zeros(0, np.int64)
    feeds = (none, np.zeros((0, 3, 2), np.int64), none, none)
    inputs = PlanInputs(empty, table(MAPPING, 0), *_records(), *feeds, none)
    return len(build_tape(inputs).steps)


def small_product(size: int) -> LayerGraph:
    """Return one product of two ``size`` x ``size`` int8 matrices, with a non-linearity behind it."""
    int8 = Precision(bits=8)
    net = GraphBuilder("product", weight_precision=int8, activation_precision=int8)
    product = net.gemm(net.input("rows", (size, size)), size, bias=False, name="product")
    return net.build(net.softmax(product, name="softmax"))


def _records() -> tuple[Table, Table]:
    machine = load_accelerator(ARCH)
    return hardware_record(machine), space_record(machine)
