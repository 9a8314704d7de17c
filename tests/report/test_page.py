"""The page: one file, complete, and safe whatever a layer is called."""

import re
from html.parser import HTMLParser

from simulator import simulate
from simulator.report.page import Background, html_fragment, html_page
from tests.report.sample_results import layer, run, unmapped

LARGEST_BYTES = 3_000_000
VOID = {"meta", "input", "use", "path", "rect", "br", "link"}


class Outline(HTMLParser):
    """Collects what a page loads, its ids, and whether its tags match."""

    def __init__(self):
        super().__init__()
        self.addresses, self.tags, self.ids, self.open, self.labels = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        found = dict(attrs)
        self.addresses += [found[name] for name in ("src", "href", "xlink:href") if name in found]
        self.ids += [found["id"]] if "id" in found else []
        if tag == "svg":
            self.labels.append(found.get("aria-label"))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def outline(text):
    parser = Outline()
    parser.feed(text)
    assert parser.open == []
    return parser


def test_the_page_needs_no_other_file():
    seen = outline(html_page([run()]))
    assert seen.addresses
    assert all(address.startswith(("#", "data:text/csv;base64,")) for address in seen.addresses)
    assert seen.tags.count("svg") == 3
    assert seen.tags.count("script") == 1
    assert "http" not in re.sub(r"http://www\.w3\.org/\S+", "", html_page([run()]))


def test_ids_are_unique_and_links_lead_somewhere():
    seen = outline(html_page([run(layer("c1")), run(layer("c2"))]))
    assert len(set(seen.ids)) == len(seen.ids)
    targets = {address[1:] for address in seen.addresses if address.startswith("#")}
    assert targets <= set(seen.ids)
    assert all(seen.labels)


def test_totals_layers_prices_and_warnings_are_there():
    text = html_page([run(layer("c1")), run(layer("c2"))])
    for words in ("c1", "c2", "1,000", "mind the gap", "a paper", "horowitz-45nm", "128 GOP/s", "1 MAC = 2 OP"):
        assert words in text
    assert text.count("<h1") == 2


def test_answers_provenance_and_assumptions_are_there():
    about = Background([("command", "simulator run x")], [("array.rows", "16", "assumed"), ("clock_hz", "1", "a book")])
    text = html_page([run()], about)
    for words in ("What bounds this network?", "Where does the energy go?", "Which layers to look at?"):
        assert words in text
    for words in ("simulator run x", "1 of 2 assumed", "array.rows", "a book", "sha256", "simulator.result/1"):
        assert words in text


def test_names_cannot_become_markup():
    hostile = '<script>alert(1)</script>"'
    text = html_page([run(layer(hostile), workload=hostile, warnings=(hostile,))]) + html_fragment(run(layer(hostile)))
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    outline(html_page([run(layer(hostile), workload=hostile)]))


def test_every_row_is_as_wide_as_the_heading():
    text = html_fragment(run(layer("a"), layer("b")))
    assert len(re.findall(r"<tr>.*</tr>", text)) >= 3
    assert text.count("<td") == 2 * text.split("<thead>")[1].count("<th ") + text.split("<thead>")[0].count("<td")


def test_a_run_without_times_says_why():
    text = html_page([run(unmapped())])
    assert "Why are there no times?" in text
    assert "Which layers to look at?" not in text


def test_plots_over_time_come_with_the_timeline_only():
    result = simulate("lenet5_int8", "gemmini_like_16", timeline=True)
    page = html_page([result])
    assert outline(page).tags.count("svg") == 6
    assert "need the run&#39;s timeline" in html_page([simulate("lenet5_int8", "gemmini_like_16")])
    assert page == html_page([result])
    assert len(page.encode()) < LARGEST_BYTES
