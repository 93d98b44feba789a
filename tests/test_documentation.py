"""What the pages promise about the tree: every file has its line, and no link leads nowhere.

That generated pages are fresh is tested in ``tests/app/test_reference.py``.
"""

import re
from pathlib import Path

import pytest

from respcache.settings.settings import PARAMETERS_BY_NAME

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


def chapters() -> dict[str, str]:
    """Return the map's tables of files, by folder of the package."""
    found = re.split(r"^### `respcache/(.*?)/?`.*$", MAP.read_text(), flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def files_named_in(folder: str) -> set[str]:
    return {f"{folder}/{name}".lstrip("/") for name in FILE.findall(chapters().get(folder, ""))}


def anchor_of(heading: str) -> str:
    """Return the name under which pages on the web link to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_the_map_names_every_file(path: Path) -> None:
    inside = path.relative_to(PACKAGE)
    folder = inside.parts[0] if len(inside.parts) > 1 else ""
    is_package_of_names = inside.name == "__init__.py" and len(inside.parts) > 2
    assert inside.as_posix() in files_named_in(folder) or is_package_of_names


@pytest.mark.parametrize("folder", sorted(chapters()))
def test_the_map_names_no_file_that_is_gone(folder: str) -> None:
    if folder:
        names = {name for name in files_named_in(folder) if name.startswith(f"{folder}/")}
    else:
        names = {name for name in files_named_in(folder) if "/" not in name}
    assert {name for name in names if not (PACKAGE / name).is_file()} == set()


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    for target, anchor in LINK.findall(prose(path)):
        page = (path.parent / target).resolve() if target else path
        assert page.exists(), target
        if anchor:
            assert anchor in {anchor_of(heading) for heading in HEADING.findall(page.read_text())}, anchor


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_pages_speak_of_files_that_exist(path: Path) -> None:
    named = {name for name in FILE.findall(prose(path)) if "/" in name}
    assert {name for name in named if not any(f"/{one}".endswith(f"/{name}") for one in FILES)} == set()


def test_the_readme_names_settings_that_exist() -> None:
    readme = (REPOSITORY / "README.md").read_text()
    section = readme.partition("## Settings")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `([a-z-]+)` \|", section, flags=re.MULTILINE)
    assert named
    assert not set(named) - PARAMETERS_BY_NAME.keys()
