"""What mkdocs is taught: pages that lie outside ``docs/``, folders in the navigation, links into the source tree.

``README.md``, ``reports/...`` and the like stay where people look for them in the checkout; the site shows them too.
A link keeps the form that works on disk and on a forge: here it is turned into the one that works on the site.
"""

import posixpath
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PROJECT = Path(__file__).resolve().parents[1]
ALSO_SHOWN = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "reports/**/*.md", "reports/**/*.png")
LINK = re.compile(r"(?P<code>```.*?```|`[^`\n]*`)|(?P<open>\]\(<?|src=\")(?P<target>[^)>\s#\"]+)", re.DOTALL)


RENAMED = {"LICENSE": "LICENSE.md", "README.md": "overview.md"}  # a README would be the site's front page


def _site_name(path: str) -> str:
    return RENAMED.get(path, path.removeprefix("docs/"))


def _outside() -> list[str]:
    found = {path for pattern in ALSO_SHOWN for path in PROJECT.glob(pattern)}
    return sorted(path.relative_to(PROJECT).as_posix() for path in found)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies outside, and spell out folders of the navigation."""
    for name in _outside():
        files.append(File.generated(config, _site_name(name), abs_src_path=str(PROJECT / name)))
    config["nav"] = _spelled_out(config["nav"], files)
    return files


def _spelled_out(nav: list[object], files: Files) -> list[object]:
    named = {text for text in _texts(nav) if not text.endswith("/")}
    pages = {PurePosixPath(file.src_uri) for file in files.documentation_pages()}

    def expand(item: object) -> list[object]:
        if isinstance(item, dict):
            return [{title: expand_all(inner) if isinstance(inner, list) else inner for title, inner in item.items()}]
        if str(item).endswith("/"):
            return sorted(str(page) for page in pages if f"{page.parent}/" == item and str(page) not in named)
        return [item]

    def expand_all(items: list[object]) -> list[object]:
        return [one for item in items for one in expand(item)]

    return expand_all(nav)


def _texts(item: object) -> list[str]:
    if isinstance(item, dict):
        return [text for inner in item.values() for text in _texts(inner)]
    return [text for inner in item for text in _texts(inner)] if isinstance(item, list) else [str(item)]


def on_page_markdown(markdown: str, page: Page, files: Files, **_: object) -> str:
    """Turn links that hold on disk into links that hold on the site."""
    here = Path(str(page.file.abs_src_path)).parent.relative_to(PROJECT).as_posix()
    return LINK.sub(lambda found: _on_site(found, here, page.file.src_uri, files), markdown)


def _on_site(found: re.Match[str], here: str, page: str, files: Files) -> str:
    target = found["target"]
    if found["code"] or re.match(r"[a-z]+:|/", target):
        return found[0]
    name = _site_name(posixpath.normpath(posixpath.join(here, target)))
    shown = name if name in files.src_uris else f"{name}/index.md"
    if shown not in files.src_uris:
        return found[0]  # mkdocs names the page and the link
    return f"{found['open']}{posixpath.relpath(shown, posixpath.dirname(page) or '.')}"
