"""The reader's questions, from results whose answers are known."""

from dataclasses import replace

from simulator.report.answers import answers
from tests.report.sample_results import layer, pool, run, unmapped


def words_of(result):
    return {question: " ".join(paragraphs) for question, paragraphs in answers(result)}


def test_a_busy_network_is_bound_by_its_arithmetic():
    words = words_of(run(layer(useful=900, fill=0, weight=60, tail=40)))
    text = words["What bounds this network?"]
    assert text.startswith("Mostly its own arithmetic.")
    assert "useful work in 90.0 %" in text
    assert "waiting for the weight: 6.0 %" in text


def test_a_waiting_network_names_what_it_waits_for():
    text = words_of(run(layer(useful=100, fill=50, weight=800, tail=50)))["What bounds this network?"]
    assert text.startswith("Waiting.")
    assert "stood still in 85.0 %" in text
    text = words_of(run(layer(useful=100, fill=500, weight=200, tail=50)))["What bounds this network?"]
    assert text.startswith("Fill of the array: bringing operands into it takes longer")
    text = words_of(run(layer(useful=100, fill=0, weight=0, tail=500)))["What bounds this network?"]
    assert "writing last outputs back: 83.3 %" in text


def test_a_full_dram_is_said_to_be_full():
    full = run(layer(dram={"read_bytes": 30_000, "write_bytes": 0, "row_hit_rate": None, "limiter": None}))
    nearly = "bandwidth is nearly used up"
    assert (nearly in words_of(full)["What bounds this network?"]) == (30_000 / full.dram_bytes_per_cycle > 800)
    assert nearly not in words_of(run())["What bounds this network?"]


def test_energy_is_named_with_its_prices_and_largest_layer():
    text = words_of(run(layer("small"), layer("large", energy_pj={"mac": 0.0, "dram": 2e8, "vector": 0.0})))[
        "Where does the energy go?"
    ]
    assert "horowitz-45nm" in text
    assert "dram 99.0 %" in text
    assert "most is large" in text
    free = replace(run(), total=replace(run().total, energy_by_component_pj={"mac": 0.0}))
    assert words_of(free)["Where does the energy go?"] == "No energy was priced."


def test_the_layers_to_look_at_are_those_that_lost_most():
    result = run(layer("good", fill=0, weight=0, tail=0), layer("bad", weight=5000), layer("worse", fill=9000))
    text = words_of(result)["Which layers to look at?"]
    assert text.index("worse (") < text.index("bad (") < text.index("good (")
    assert "100.0 % of all cycles without useful work" in text
    perfect = run(layer("good", fill=0, weight=0, tail=0))
    assert words_of(perfect)["Which layers to look at?"] == "Every cycle did useful work."


def test_without_times_the_reason_is_given():
    assert "no mapping" in words_of(run(unmapped()))["Why are there no times?"]


def test_layers_that_are_alike_are_named_once():
    result = run(layer("a"), layer("b"), layer("c"), layer("other", weight=5000))
    text = words_of(result)["Which layers to look at?"]
    assert "These 4 of 4 timed layers" in text
    assert "And 2 alike." in text
    assert "b (" not in text


def test_less_than_half_is_not_called_most():
    """45 % useful, 41 % standing still: nothing takes more, and still the array is idle more often than not."""
    text = words_of(run(layer(useful=450, fill=140, weight=380, tail=30)))["What bounds this network?"]
    assert text.startswith("Its own arithmetic more than any other, but for less than half of the time.")


def test_useful_work_of_the_vector_unit_is_not_called_the_networks_arithmetic():
    text = words_of(run(layer(useful=100, fill=0, weight=0, tail=0), pool()))["What bounds this network?"]
    assert text.startswith("Mostly the vector unit, at work in ")
    slow = replace(pool(), idle_cycles=pool().idle_cycles | {"ifmap": 300}, cycles=pool().cycles + 300)
    text = words_of(run(layer(useful=100, fill=0, weight=0, tail=0), slow))["What bounds this network?"]
    assert text.startswith("More than anything else the vector unit, at work in ")


def test_an_array_that_works_with_few_of_its_pes_is_said_to():
    """Utilization 0.25 of 1000 cycles in 900 useful ones: 27.8 % of the array had work in them."""
    text = words_of(run(layer(useful=900, fill=0, weight=100, tail=0)))["What bounds this network?"]
    assert "Even in its useful cycles only 27.8 % of it had work." in text
    full = run(layer(useful=300, fill=0, weight=700, tail=0))
    assert "Even in" not in words_of(full)["What bounds this network?"]


def test_on_several_cores_the_words_are_of_the_core_that_works_longest():
    one = run(layer(useful=900, fill=0, weight=60, tail=40))
    words = words_of(replace(one, total=replace(one.total, cores=({"core": 0}, {"core": 1}))))
    assert "the core that works longest did useful work in 90.0 %" in words["What bounds this network?"]
    assert "those of the core whose part of it ends last" in words["Which layers to look at?"]
