"""The page: one file, complete, and safe whatever a layer is called."""

import re
from html.parser import HTMLParser

from simulator.report.page import html_fragment, html_page
from tests.report.sample_results import layer, run


class Outline(HTMLParser):
    """Collects tags that load something and text in cells."""

    def __init__(self):
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]


def outline(text):
    parser = Outline()
    parser.feed(text)
    return parser


def test_the_page_needs_no_other_file():
    seen = outline(html_page([run()]))
    assert len(seen.addresses) == 3
    assert all(address.startswith("data:image/svg+xml;base64,") for address in seen.addresses)
    assert "script" not in seen.tags


def test_totals_layers_prices_and_warnings_are_there():
    text = html_page([run(layer("c1")), run(layer("c2"))])
    for words in ("c1", "c2", "1,000", "mind the gap", "a paper", "horowitz-45nm", "128 GOP/s", "1 MAC = 2 OP"):
        assert words in text
    assert text.count("<h1>") == 2


def test_names_cannot_become_markup():
    hostile = "<script>alert(1)</script>"
    text = html_page([run(layer(hostile), workload=hostile, warnings=(hostile,))]) + html_fragment(run(layer(hostile)))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_every_row_is_as_wide_as_the_heading():
    text = html_fragment(run(layer("a"), layer("b")))
    assert len(re.findall(r"<tr>.*</tr>", text)) >= 3
    assert text.count("<td") == 2 * text.split("<thead>")[1].count("<th ") + text.split("<thead>")[0].count("<td")
