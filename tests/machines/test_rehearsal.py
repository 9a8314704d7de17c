"""The rehearsals of mapping and planning do what a run does, on next to nothing."""

from simulator.machines.rehearsal import rehearse_mapping, rehearse_planning, small_product


def test_a_mapping_is_searched_and_nothing_is_planned():
    assert rehearse_mapping() > 0
    assert rehearse_planning() == 0


def test_the_known_product_is_what_it_says():
    network = small_product(8)
    assert network.total_macs == 512
    assert {tensor.precision.bits for tensor in network.tensors.values()} == {8}
