"""The codec's clocks, by hand; :mod:`tests.engine` holds whole runs equal to the stepped oracle."""

import numpy as np

from simulator.memory.codec import decode, encoded_cycle
from simulator.records import READ, TRANSFER, WRITE, table

CLOCKS = np.dtype([("decoder_free_cycle", np.int64), ("encoder_free_cycle", np.int64)])


def arriving(at, codec_cycles, direction=READ):
    transfers = table(TRANSFER, 1)
    transfers[0].arrived_cycle, transfers[0].codec_cycles, transfers[0].direction = at, codec_cycles, direction
    return transfers[0]


def test_tiles_leave_the_decoder_in_order_and_not_before_their_last_word():
    port = np.zeros(1, CLOCKS).view(np.recarray)[0]
    tiles = [arriving(20, 30), arriving(30, 5), arriving(90, 5), arriving(95, 0)]
    for tile, first_cycle in zip(tiles, (10, 20, 80, 90), strict=True):
        decode(port, tile, first_cycle)
    assert [int(tile.done_cycle) for tile in tiles] == [40, 45, 90, 95]


def test_a_store_is_no_load_and_passes_the_decoder_by():
    port = np.zeros(1, CLOCKS).view(np.recarray)[0]
    store = arriving(20, 30, WRITE)
    decode(port, store, 0)
    assert (int(store.done_cycle), int(port.decoder_free_cycle)) == (20, 0)


def test_the_encoder_begins_when_the_data_is_there_and_the_tile_before_has_left():
    core = np.zeros(1, CLOCKS).view(np.recarray)[0]
    core.encoder_free_cycle = 50
    assert encoded_cycle(core, arriving(0, 7, WRITE), 40) == 57
    assert encoded_cycle(core, arriving(0, 7, WRITE), 60) == 67
