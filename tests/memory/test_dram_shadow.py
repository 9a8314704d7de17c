"""What each word of a channel does in a steady period, and what of a system is never skipped."""

from simulator.memory.dram_library import load_dram
from simulator.memory.dram_shadow import COUNTED, FREE, SAME, SHIFTED, new_shadow, rules_of
from simulator.memory.dram_split import split_record
from simulator.memory.dram_state import BANK, CHANNEL, CONTROLLER_WORDS, GROUP, new_channels


def test_every_word_of_the_state_has_a_rule():
    rules = {
        (layout, name): int(found[layout.fields[name][1] // 8])
        for layout, found in (
            (CHANNEL, rules_of(CHANNEL)[:CONTROLLER_WORDS]),
            (GROUP, rules_of(GROUP)),
            (BANK, rules_of(BANK)),
        )
        for name in layout.names
        if layout.fields[name][1] // 8 < found.size
    }
    assert rules[CHANNEL, "next_cycle"] == rules[GROUP, "read_ready"] == SHIFTED
    assert rules[BANK, "read_ready"] == rules[BANK, "rank"] == rules[CHANNEL, "activates"] == SAME
    assert rules[CHANNEL, "merged"] == rules[CHANNEL, "forwarded"] == rules[CHANNEL, "refresh_cycle"] == SAME
    assert rules[CHANNEL, "movable"] == rules[CHANNEL, "busy_banks"] == rules[BANK, "counts"] == SAME
    assert rules[BANK, "heads"] == rules[BANK, "read_hit"] == FREE
    assert rules[CHANNEL, "reads"] == rules[BANK, "hits"] == rules[CHANNEL, "lost_tccd"] == COUNTED


def test_nothing_is_skipped_without_leave_or_where_banks_share_a_queue():
    config = load_dram("ddr4_2400")
    shared = config.model_copy(update={"policy": config.policy.model_copy(update={"command_queues": "rank"})})
    for system, enabled, skips in ((config, True, True), (config, False, False), (shared, True, False)):
        channels = new_channels(system, 1, drain_writes=False)
        shadow = new_shadow(channels, split_record(system.organization)[0], enabled=enabled)
        assert bool(shadow.shape[0].block_bits) == skips
