"""The site: built without a warning, asking nothing of the network, searchable from a folder, nothing cut."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.architecture.source_tree import PROJECT
from tests.report.test_page_in_browser import CHROMIUM, FLAGS

pytest.importorskip("material", reason="the site needs the extra [docs]")
SOMETHING_LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//", re.IGNORECASE)
SHOWN = ("index.html", "overview.html", "model/systolic.html", "reports/fidelity.html")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)")


def build(config, folder):
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", config, "-d", folder],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    built = build(PROJECT / "mkdocs.yml", folder)
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    return folder


def test_a_page_loads_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    assert [page.name for page in pages if SOMETHING_LOADED.search(page.read_text(encoding="utf-8"))] == []


def test_pages_outside_of_docs_are_shown_and_linked(site):
    home = (site / "index.html").read_text(encoding="utf-8")
    assert 'href="overview.html"' in home
    readme = (site / "overview.html").read_text(encoding="utf-8")
    assert 'href="model/systolic.html"' in readme
    report = (site / "reports" / "pruned_transformer.html").read_text(encoding="utf-8")
    assert 'src="pruned_transformer.png"' in report
    assert (site / "reports" / "pruned_transformer.png").is_file()


@pytest.mark.parametrize("link", ["model/nothing.md", "model/dram.md#nowhere", "../simulator/nothing.py"])
def test_a_broken_link_fails_the_build(tmp_path, link):
    for name in ("docs", ".ci", "reports"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "mkdocs.yml"):
        shutil.copy(PROJECT / name, tmp_path / name)
    with (tmp_path / "docs" / "examples.md").open("a", encoding="utf-8") as page:
        page.write(f"\n[broken]({link})\n")
    built = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert built.returncode != 0
    assert link.partition("#")[0] in built.stderr


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@needs_browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 420)])
def test_nothing_is_cut_and_nothing_complains(site, browser, scheme, width):
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}, offline=True)
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for name in SHOWN:
        page.goto((site / name).as_uri())
        wide, window = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= window, name
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(int(part) for part in re.findall(r"\d+", ground)[:3]) < 380) == (scheme == "dark")
    assert complaints == []
    context.close()


@needs_browser
def test_search_works_from_a_folder_without_network(site, browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    page.goto((site / "model" / "dram.html").as_uri())
    page.click("input.md-search__input")
    page.keyboard.type("residency", delay=20)
    page.wait_for_function("/[1-9]/.test(document.querySelector('.md-search-result__meta').textContent)")
    assert "residency.html" in page.inner_html(".md-search-result__list")
    context.close()
