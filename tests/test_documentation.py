"""What the pages promise about the tree: every file has its line, and no link leads nowhere.

That generated pages are fresh is tested in ``tests/app/test_reference.py``.
"""

import re
from functools import cache
from pathlib import Path

from respcache.settings.settings import PARAMETERS_BY_NAME
from tests.rows import every_row

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "respcache"
MAP = REPOSITORY / "docs" / "architecture.md"
FOREIGN = frozenset({".venv", "node_modules", "build", "dist"})
PAGES = sorted(
    path
    for path in REPOSITORY.rglob("*.md")
    if not FOREIGN.intersection(path.relative_to(REPOSITORY).parts)
    and not any(part.startswith(".") for part in path.relative_to(REPOSITORY).parts)
)
SOURCES = sorted(
    path
    for kind in ("py", "pyx")
    for path in PACKAGE.rglob(f"*.{kind}")
    if path.name != "__init__.py" or path.read_text().strip()
)
FILES = [
    path.relative_to(REPOSITORY).as_posix()
    for folder in ("respcache", "tests", "benchmarks")
    for kind in ("py", "pyx", "pxd")
    for path in (REPOSITORY / folder).rglob(f"*.{kind}")
]

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`((?:[a-z0-9_]+/)*[a-z0-9_]+\.(?:py|pyx|pxd))`")


def name_of(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def prose(path: Path) -> str:
    """Return a page without its fenced blocks: there, brackets mean something else."""
    return FENCE.sub("", path.read_text())


@cache
def chapters() -> dict[str, str]:
    """Return the map's tables of files, by folder of the package."""
    found = re.split(r"^### `respcache/(.*?)/?`.*$", MAP.read_text(), flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


@cache
def files_named_in(folder: str) -> set[str]:
    return {f"{folder}/{name}".lstrip("/") for name in FILE.findall(chapters().get(folder, ""))}


def anchor_of(heading: str) -> str:
    """Return the name under which pages on the web link to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@cache
def anchors_of(page: Path) -> set[str]:
    return {anchor_of(heading) for heading in HEADING.findall(page.read_text())}


def is_named(source: Path) -> bool:
    inside = source.relative_to(PACKAGE)
    folder = inside.parts[0] if len(inside.parts) > 1 else ""
    is_package_of_names = inside.name == "__init__.py" and len(inside.parts) > 2
    return inside.as_posix() in files_named_in(folder) or is_package_of_names


def leads_somewhere(page: Path, target: str, anchor: str) -> bool:
    other = (page.parent / target).resolve() if target else page
    return other.exists() and (not anchor or anchor in anchors_of(other))


def test_there_is_something_to_look_at() -> None:
    assert MAP in PAGES
    assert len(SOURCES) > len(chapters()) > 1


def test_the_map_names_every_file() -> None:
    assert [name_of(source) for source in SOURCES if not is_named(source)] == []


@every_row("folder", sorted(chapters()))
def test_the_map_names_no_file_that_is_gone(folder: str) -> None:
    if folder:
        names = {name for name in files_named_in(folder) if name.startswith(f"{folder}/")}
    else:
        names = {name for name in files_named_in(folder) if "/" not in name}
    assert {name for name in names if not (PACKAGE / name).is_file()} == set()


def test_links_lead_somewhere() -> None:
    links = [(page, *link) for page in PAGES for link in LINK.findall(prose(page))]
    assert links
    assert [(name_of(link[0]), *link[1:]) for link in links if not leads_somewhere(*link)] == []


def test_pages_speak_of_files_that_exist() -> None:
    named = [(name_of(page), name) for page in PAGES for name in FILE.findall(prose(page)) if "/" in name]
    assert named
    assert [one for one in named if not any(f"/{name}".endswith(f"/{one[1]}") for name in FILES)] == []


def test_the_readme_names_settings_that_exist() -> None:
    readme = (REPOSITORY / "README.md").read_text()
    section = readme.partition("## Settings")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `([a-z-]+)` \|", section, flags=re.MULTILINE)
    assert named
    assert not set(named) - PARAMETERS_BY_NAME.keys()
