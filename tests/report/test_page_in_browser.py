"""The page in a real browser: it sorts, filters, reads by keyboard, and nothing is cut, in light, dark and narrow."""

import os
import shutil
from pathlib import Path

import pytest

from simulator import simulate
from simulator.report.page import html_page

CHROMIUM = os.environ.get("SIMULATOR_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
TABLE = "#s1-table"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)")


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html_page([simulate("resnet18_int8", timeline=True)]), encoding="utf-8")
    return path


@pytest.fixture(params=[("light", 1280), ("dark", 1280), ("light", 420)], ids=lambda case: f"{case[0]}-{case[1]}")
def page(request, browser, page_file):
    scheme, width = request.param
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}, offline=True)
    opened = context.new_page()
    complaints, asked = [], []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(page_file.as_uri())
    yield opened
    assert complaints == []
    assert asked == [page_file.as_uri()]
    context.close()


def column(page, index):
    return page.eval_on_selector_all(
        f"{TABLE} tbody tr",
        f"rows => rows.filter(row => !row.hidden).map(row => row.cells[{index}].textContent.trim())",
    )


def heading(page, text):
    return page.locator(f"{TABLE} thead th", has_text=text)


def test_nothing_is_wider_than_the_window_and_the_colours_can_be_read(page):
    sizes = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert sizes[0] <= sizes[1]
    colors = page.evaluate("(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))")
    ink, paper = (sum(int(part) for part in color[4:-1].split(",")) for color in colors)
    assert abs(ink - paper) > 400
    assert page.eval_on_selector_all("svg", "all => all.every(one => one.getBoundingClientRect().height > 50)")


def test_a_heading_sorts_by_mouse_and_by_keyboard(page):
    order = column(page, 1)
    button = heading(page, "cycles").locator("button").first
    button.click()
    cycles = [int(text.replace(",", "")) for text in column(page, 6)]
    assert cycles == sorted(cycles, reverse=True)
    assert heading(page, "cycles").first.get_attribute("aria-sort") == "descending"
    button.focus()
    page.keyboard.press("Enter")
    cycles = [int(text.replace(",", "")) for text in column(page, 6)]
    assert cycles == sorted(cycles)
    heading(page, "#").locator("button").click()
    assert column(page, 1) == order
    heading(page, "op").locator("button").first.click()
    assert column(page, 2) == sorted(column(page, 2))


def test_words_filter_the_layers_and_their_number_is_said(page):
    every = len(column(page, 1))
    page.fill("input[type=search]", "max_pool vector")
    assert set(column(page, 2)) == {"max_pool"}
    assert page.inner_text("[role=status]") == f"{len(column(page, 1))} of {every} layers"
    page.fill("input[type=search]", "")
    assert len(column(page, 1)) == every


def test_everything_can_be_reached_by_keyboard_and_has_a_name(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    nameless = page.eval_on_selector_all(
        "button, input, a, [role=region], svg",
        "all => all.filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.closest('label'))).length",
    )
    assert nameless == 0


def test_the_numbers_of_a_plot_can_be_saved(page):
    link = page.locator("a[download]").first
    assert link.get_attribute("download") == "latency.csv"
    text = page.evaluate("address => fetch(address).then(answer => answer.text())", link.get_attribute("href"))
    assert text.startswith("layer,useful_cycles")


def test_it_prints_with_every_layer(browser, page_file, tmp_path):
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(page_file.as_uri())
    opened.emulate_media(media="print")
    assert not opened.is_visible("input[type=search]")
    assert opened.eval_on_selector(".tall", "box => box.scrollHeight <= box.clientHeight + 1")
    opened.pdf(path=tmp_path / "page.pdf")
    assert Path(tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    context.close()
