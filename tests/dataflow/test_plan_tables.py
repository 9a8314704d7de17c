"""Every record layout reads the same compiled and interpreted: no field hides behind an attribute of numpy's own."""

import numpy as np
import pytest

from simulator import records
from simulator.dataflow import plan_tables
from simulator.engine import accounting, event_loop
from simulator.mapping import cost_kernel
from simulator.memory import bandwidth

MODULES = (records, plan_tables, accounting, event_loop, cost_kernel, bandwidth)
LAYOUTS = [
    (f"{module.__name__}.{name}", value)
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, np.dtype) and value.names
]


@pytest.mark.parametrize(("name", "layout"), LAYOUTS, ids=[name for name, _ in LAYOUTS])
def test_no_field_is_named_like_a_numpy_attribute(name, layout):
    hidden = set(layout.names) & (set(dir(np.record)) | set(dir(np.recarray)))
    assert not hidden, f"{name}: interpreted kernels would read numpy's own {hidden}"


def test_a_written_field_is_read_back():
    transfer = records.table(records.TRANSFER, 1)[0]
    transfer.payload_bytes = 7
    assert transfer.payload_bytes == 7


def test_the_cursor_has_room_for_the_most_slots_a_buffer_may_have():
    from simulator.arch.buffer import Buffer

    assert plan_tables.CURSOR["slot_step"].shape == (len(records.OPERAND_NAMES), plan_tables.MAX_SLOTS)
    Buffer(name="a", capacity_bytes=4096, operands=("ifmap",), slots=plan_tables.MAX_SLOTS)
    with pytest.raises(ValueError, match="slots"):
        Buffer(name="a", capacity_bytes=4096, operands=("ifmap",), slots=plan_tables.MAX_SLOTS + 1)
