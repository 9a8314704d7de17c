"""Where the time went: windows of layers that partition the core's time; in each, issue, idle by cause, and tail.

A layer's window ends when its last output is written, or when the next layer's first step takes the core if that is
earlier (the write is then hidden behind that step). Inside a window: issue cycles (useful, fill, drain, imbalance,
bus) of the layer's own steps, idle cycles before each step by the constraint satisfied last, and the tail after its
last step. They add up exactly.
"""

from typing import Any

import numpy as np

from simulator._jit import kernel
from simulator.records import (
    CAUSE_DEPENDENCY,
    CAUSE_OFMAP_SLOT,
    LATE_BUS,
    LATE_CODEC,
    LATE_DATA,
    LATE_LATENCY,
    LATE_NONE,
    LATE_SLOT,
    NONE,
    Table,
)

CAUSES = 7
LATE_KINDS = 9
DRAM_LATE_KINDS = 7

LAYER_TIME = np.dtype(
    [
        *(
            (name, np.int64)
            for name in (
                "start_cycle",  # first event, prefetch included
                "end_cycle",
                "cycles",
                "written_cycle",  # last output written, hidden or not
                "useful_cycles",
                "fill_cycles",
                "drain_cycles",
                "imbalance_cycles",
                "bus_cycles",
                "tail_cycles",
                "gain_cycles",
            )
        ),
        ("idle_cycles", np.int64, (CAUSES,)),
        ("late_cycles", np.int64, (LATE_KINDS,)),
        ("dram_late_cycles", np.int64, (DRAM_LATE_KINDS,)),  # of those of the bus, over a DRAM: filled by dram_causes
    ]
)


@kernel
def account(steps: Table, transfers: Table, spans: Table, layers: Table, latency_cycles: int) -> None:
    """Fill one LAYER_TIME record a layer from the timeline; ``latency_cycles`` of a transfer are no port time."""
    end, written = 0, 0
    for i in range(spans.shape[0]):
        _first_and_last(steps, transfers, spans[i], layers[i])
        begin = end
        _count_steps(steps, spans[i], layers[i], begin)
        _split_gaps(steps, transfers, spans[i], (begin, latency_cycles), layers[i])
        core = begin
        if spans[i].steps > 0:
            core = max(begin, steps[spans[i].first_step + spans[i].steps - 1].free_cycle)
        written = max(written, layers[i].written_cycle)
        following = _next_occupied(steps, spans, i)
        end = max(core, layers[i].written_cycle)
        if following != NONE:
            end = max(core, min(end, following))
        elif i == spans.shape[0] - 1:
            end = max(core, written)
        layers[i].tail_cycles = end - core
        layers[i].end_cycle = end
        layers[i].cycles = end - begin


@kernel
def _next_occupied(steps: Table, spans: Table, index: int) -> int:
    """Return when the first step after layer ``index`` takes the core, or NONE."""
    step = spans[index].first_step + spans[index].steps
    if step < steps.shape[0]:
        return int(steps[step].occupied_cycle)
    return NONE


@kernel
def _first_and_last(steps: Table, transfers: Table, span: Any, layer: Any) -> None:  # noqa: ANN401
    """Fill the first event and the last write of a layer."""
    first, last = NONE, 0
    for j in range(span.first_step, span.first_step + span.steps):
        if first == NONE or steps[j].occupied_cycle < first:
            first = steps[j].occupied_cycle
        last = max(last, steps[j].output_cycle, steps[j].free_cycle)
    for j in range(span.first_transfer, span.first_transfer + span.transfers):
        if first == NONE or transfers[j].begin_cycle < first:
            first = transfers[j].begin_cycle
        last = max(last, transfers[j].done_cycle)
    layer.start_cycle = max(0, first)
    layer.written_cycle = last


@kernel
def _count_steps(steps: Table, span: Any, layer: Any, begin: int) -> None:  # noqa: ANN401
    """Add up the steps' issue and idle cycles; idle time before the window belongs to the layer before."""
    for j in range(span.first_step, span.first_step + span.steps):
        step = steps[j]
        layer.useful_cycles += step.useful_cycles
        layer.fill_cycles += step.fill_cycles + step.exposed_fill_cycles
        layer.drain_cycles += step.drain_cycles
        layer.imbalance_cycles += step.imbalance_cycles
        layer.bus_cycles += step.bus_cycles
        idle = min(step.idle_cycles, step.occupied_cycle - begin)
        if idle > 0:
            cause = step.cause if step.cause != NONE else CAUSE_DEPENDENCY
            layer.idle_cycles[cause] += idle
            layer.gain_cycles += min(idle, step.gain_cycles)


@kernel
def _split_gaps(steps: Table, transfers: Table, span: Any, limits: tuple[int, int], layer: Any) -> None:  # noqa: ANN401
    """Add up what the blamed transfers did in each cycle of the gaps; ``limits`` = window's begin, latency.

    A transfer waits to be submitted, then for the port and its own bytes, then a latency, then for the decoder.
    """
    begin, latency_cycles = limits
    for j in range(span.first_step, span.first_step + span.steps):
        step = steps[j]
        idle = min(step.idle_cycles, step.occupied_cycle - begin)
        step.late_because = LATE_NONE
        if idle <= 0:
            continue
        if step.late_transfer == NONE:
            step.late_because = LATE_DATA if step.cause == CAUSE_DEPENDENCY else LATE_NONE
            if step.cause == CAUSE_OFMAP_SLOT:  # the vector unit has not taken its tile out yet
                step.late_because = LATE_SLOT
            layer.late_cycles[step.late_because] += idle
            continue
        transfer = transfers[step.late_transfer]
        under_way = min(idle, transfer.done_cycle - transfer.submit_cycle)
        codec = min(under_way, transfer.done_cycle - transfer.arrived_cycle)
        latency = min(under_way - codec, latency_cycles)
        bus, before = under_way - codec - latency, idle - under_way
        layer.late_cycles[LATE_CODEC] += codec
        layer.late_cycles[LATE_LATENCY] += latency
        layer.late_cycles[LATE_BUS] += bus
        layer.late_cycles[transfer.late_because] += before
        step.late_because = transfer.late_because
        if before < max(bus, latency, codec):
            step.late_because = LATE_BUS if bus >= latency else LATE_LATENCY
            if codec > max(bus, latency):
                step.late_because = LATE_CODEC
