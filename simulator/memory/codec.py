"""The DMA engine's codec: a decoder behind the memory, an encoder before it, each one tile at a time and in order.

docs/model/compression.md draws it. Tiles that are stored raw (``codec_cycles`` = 0) pass it by.
"""

from typing import Any

from simulator._jit import kernel
from simulator.records import READ


@kernel(inlined=True)
def decode(clock: Any, transfer: Any, first_cycle: int) -> None:  # noqa: ANN401 - records
    """Fill ``transfer.done_cycle`` from ``arrived_cycle``: when the last element has left the decoder.

    It takes the tile when the one before has left and the first word is there (``first_cycle``), and keeps it for
    ``codec_cycles``, or until the last word is there. ``clock.decoder_free_cycle`` is when it is free; each DMA queue
    has a decoder of its own.
    """
    transfer.done_cycle = transfer.arrived_cycle
    if transfer.codec_cycles > 0 and transfer.direction == READ:
        begin = max(first_cycle, clock.decoder_free_cycle)
        transfer.done_cycle = max(transfer.arrived_cycle, begin + transfer.codec_cycles)
        clock.decoder_free_cycle = transfer.done_cycle


@kernel(inlined=True)
def encoded_cycle(core: Any, transfer: Any, data_cycle: int) -> int:  # noqa: ANN401 - records
    """Return when a tile whose data exists from ``data_cycle`` on is encoded, and its length known.

    ``core.encoder_free_cycle`` is the encoder's clock: it takes tiles in the order of their queue.
    """
    return int(max(data_cycle, core.encoder_free_cycle) + transfer.codec_cycles)
