"""Which ofmaps stay: lifetimes never meet in space and time, and nobody reads what is not there."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.dataflow.residency import Ofmap, Read, Region, plan_residency
from tests.oracle.planner_oracle import Lease, collides

REGION = Region(bits=160, word_bits=16, holds_weights=False)


def chain(*sizes, region=REGION, leaves=(), copies=(), extra=()):
    """Works in a row, each reading the one before; ``extra`` = (reader, column, sources, whole)."""
    ofmaps = [Ofmap(bits, i not in copies, i in leaves) for i, bits in enumerate(sizes)]
    reads = [[Read(0, (i - 1,), sizes[i - 1], True)] if i else [] for i in range(len(sizes))]
    for reader, column, sources, whole in extra:
        reads[reader].append(Read(column, sources, 1, whole))
    return plan_residency(ofmaps, reads, region)


def places(residency):
    return {one.work: (one.offset_bits, one.size_bits, one.last_work) for one in residency.tensors}


def test_a_chain_takes_turns():
    found = chain(64, 80, 64, 16, leaves=(3,))
    assert places(found) == {0: (0, 64, 1), 1: (64, 80, 2), 2: (0, 64, 3)}
    assert found.why_in_dram == ("", "", "", "network output or read by the host")
    assert found.in_buffer == {(1, 0), (2, 0), (3, 0)}


def test_sizes_are_rounded_to_words():
    assert places(chain(1, 17, 8)) == {0: (0, 16, 1), 1: (16, 32, 2)}


def test_a_branch_holds_its_room_until_its_last_read():
    found = chain(64, 64, 64, 64, extra=[(3, 2, (0,), True)])
    assert places(found) == {1: (0, 64, 2), 2: (64, 64, 3)}  # two neighbours save more than one that waits
    assert found.why_in_dram[0] == "no room in the region"
    assert (1, 0) not in found.in_buffer
    larger = chain(64, 64, 64, 64, extra=[(3, 2, (0,), True)], region=Region(192, 16, False))
    assert places(larger)[0][2] == 3


def test_what_is_too_large_goes_to_dram():
    found = chain(161, 8)
    assert (found.tensors, found.why_in_dram[0]) == ((), "larger than the region")


def test_a_copy_neither_keeps_nor_reads():
    found = chain(16, 16, 16, 16, copies=(1,))
    assert set(places(found)) == {2}
    assert found.why_in_dram[:2] == ("a reader takes it from DRAM",) * 2


def test_weights_are_read_in_place_only_where_they_live():
    extra = [(2, 1, (0,), True)]
    found = chain(16, 16, 16, extra=extra)
    assert (2, 1) not in found.in_buffer
    assert 0 in places(found), "its other reader still finds it"
    assert found.why_in_dram[0] == "a reader takes it from DRAM"
    together = chain(16, 16, 16, extra=extra, region=Region(160, 16, True))
    assert (2, 1) in together.in_buffer
    assert places(together)[0][2] == 2


def test_an_operand_with_a_part_outside_is_read_from_dram_altogether():
    found = chain(16, 16, 16, extra=[(2, 0, (0,), False)])
    assert (2, 1) not in found.in_buffer
    assert found.why_in_dram[0] == "a reader takes it from DRAM"


def test_an_operand_of_which_one_part_found_no_room_is_read_from_dram_altogether():
    ofmaps = [Ofmap(96, True, False), Ofmap(96, True, False), Ofmap(8, True, True)]
    found = plan_residency(ofmaps, [[], [], [Read(0, (0, 1), 192, True)]], REGION)
    assert (found.tensors, found.in_buffer) == ((), frozenset())
    assert found.why_in_dram[:2] == ("no room in the region", "read together with one that does not stay")


def test_what_nobody_reads_is_stored():
    assert chain(16).why_in_dram == ("nobody reads it",)


def test_what_fills_the_region_to_the_last_bit_stays():
    found = chain(160, 8, leaves=(1,))
    assert places(found) == {0: (0, 160, 1)}
    assert found.why_in_dram[0] == ""


def test_room_is_not_kept_for_what_is_read_together_with_something_too_large():
    """Work 2 reads 0 and 1 as one operand, and 1 is too large: 0 would be there for nobody, in the room of 3."""
    ofmaps = [Ofmap(160, True, False), Ofmap(161, True, False), *[Ofmap(160, True, False)] * 2, Ofmap(8, True, True)]
    reads = [[], [], [Read(0, (0, 1), 321, True)], [], [Read(0, (3,), 160, True), Read(0, (0, 1), 321, True)]]
    found = plan_residency(ofmaps, reads, REGION)
    assert places(found) == {3: (0, 160, 4)}
    assert found.why_in_dram[:2] == ("a reader takes it from DRAM", "larger than the region")


def test_what_is_stored_anyway_saves_less_and_gives_way():
    """0 leaves the network too: keeping it saves a reading, keeping 1 the store as well. Room is for one."""
    ofmaps = [Ofmap(160, True, True), Ofmap(160, True, False), Ofmap(8, True, True), Ofmap(8, True, True)]
    reads = [[], [], [Read(0, (0,), 160, True)], [Read(0, (1,), 160, True)]]
    assert set(places(plan_residency(ofmaps, reads, REGION))) == {1}


def test_a_work_never_writes_over_what_it_reads():
    """1 is read twice and placed first; 0, whose last reader writes 1, finds the place above it."""
    found = chain(64, 80, 8, 8, leaves=(2, 3), extra=[(2, 0, (1,), True), (2, 2, (1,), True)])
    assert places(found)[1] == (0, 80, 2)
    assert places(found)[0] == (80, 64, 1)


def test_a_place_is_above_all_that_lives_meanwhile_and_not_only_above_the_last_of_them():
    """1 lies in 0 to 64 early, 4 in 16 to 48 above 3 later; 0 lives through all of it."""
    ofmaps = [Ofmap(bits, True, i in (2, 5, 6)) for i, bits in enumerate((64, 64, 8, 16, 32, 8, 8))]
    late = [Read(0, (3,), 16, True)] * 4 + [Read(0, (4,), 32, True)] * 2
    reads = [[], [], [Read(0, (1,), 64, True)] * 3, [], [], late, [Read(0, (0,), 64, True)]]
    found = places(plan_residency(ofmaps, reads, REGION))
    assert found == {0: (64, 64, 6), 1: (0, 64, 2), 3: (0, 16, 5), 4: (16, 32, 5)}


@st.composite
def networks(draw):
    works = draw(st.integers(1, 9))
    ofmaps = [
        Ofmap(draw(st.integers(1, 100)), draw(st.integers(0, 6)) > 0, draw(st.integers(0, 4)) == 0)
        for _ in range(works)
    ]
    reads = []
    for work in range(works):
        mine = []
        for _ in range(draw(st.integers(0, 3)) if work else 0):
            sources = draw(st.lists(st.integers(0, work - 1), min_size=1, max_size=2, unique=True))
            mine.append(Read(draw(st.integers(0, 2)), tuple(sources), 1, draw(st.integers(0, 4)) > 0))
        reads.append(mine)
    region = Region(draw(st.sampled_from((8, 50, 120, 400))), draw(st.sampled_from((8, 12, 16))), draw(st.booleans()))
    return ofmaps, reads, region


@given(networks())
def test_random_networks_keep_what_they_read_and_nothing_collides(case):
    ofmaps, reads, region = case
    found = plan_residency(ofmaps, reads, region)
    kept = {one.work: one for one in found.tensors}
    leases = [
        Lease(one.offset_bits, one.offset_bits + one.size_bits, one.work, one.last_work + 1, str(one.work))
        for one in found.tensors
    ]
    assert collides(leases, region.bits) is None
    read_in_dram, read_in_place = set(), {}
    for work, operands in enumerate(reads):
        for i, read in enumerate(operands):
            if (work, i) not in found.in_buffer:
                read_in_dram.update(read.sources)
                continue
            assert read.whole
            assert ofmaps[work].can_stay
            assert read.column != 1 or region.holds_weights
            read_in_place |= dict.fromkeys(read.sources, work)
    assert set(kept) == set(read_in_place), "kept for a reader, and only then"
    for work, ofmap in enumerate(ofmaps):
        stored = found.why_in_dram[work] != ""
        assert stored or not (ofmap.leaves or work in read_in_dram), "in DRAM where somebody looks for it there"
        assert stored or work in kept
        if work in kept:
            assert ofmap.can_stay
            assert kept[work].size_bits >= ofmap.bits
            assert kept[work].last_work == read_in_place[work]
            assert stored == (ofmap.leaves or work in read_in_dram), "not stored for nobody"
