"""The reader's questions, from results whose answers are known."""

from dataclasses import replace

from simulator.report.answers import answers
from tests.report.sample_results import layer, run, unmapped


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
