"""From a name in the settings to a class."""

import sys
from pathlib import Path

import pytest

from respcache.settings.class_path import CLASS_PATH, CannotImportError, imported, made
from tests.rows import every_row


class Outer:
    class Inner:
        def __init__(self, size: int) -> None:
            self.size = size


HERE = "tests.settings.test_class_path"


def test_a_class_is_found_and_so_is_one_within_another() -> None:
    assert imported(f"{HERE}:Outer") is Outer
    inner = imported(f"{HERE}:Outer.Inner")
    thing = made(inner, {"size": 5})
    assert isinstance(thing, Outer.Inner)
    assert thing.size == 5


@every_row(
    ("target", "reason"),
    [
        ("", "should look like package.module:Class"),
        ("json", "should look like"),
        (":X", "should look like"),
        ("json:", "should look like"),
        ("no.such.module:X", "cannot import no.such.module: ModuleNotFoundError"),
        ("json:Nothing", "json has no Nothing"),
        ("json:JSONDecoder.nothing", "json has no JSONDecoder.nothing"),
        ("json:__name__", "json:__name__ cannot be called"),
    ],
)
def test_what_cannot_be_had_is_explained(target: str, reason: str) -> None:
    with pytest.raises(CannotImportError, match=reason):
        imported(target)


@pytest.mark.parametrize("text", ["1 / 0", "raise SystemExit(1)", "def"])
def test_a_module_that_breaks_when_it_is_imported_ends_nothing(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "breaks_at_once.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(CannotImportError, match="cannot import breaks_at_once"):
        imported("breaks_at_once:X")


def test_the_current_directory_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lies_here.py").write_text("class X: pass")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one])
    assert imported("lies_here:X").__name__ == "X"


def test_a_class_that_refuses_its_options_is_explained() -> None:
    with pytest.raises(CannotImportError, match=r"with the options \['width'\]: TypeError"):
        made(Outer.Inner, {"width": 1})


@pytest.mark.parametrize(("word", "fits"), [("a.b:C", True), ("a:b.C", True), ("a", False), ("a:b:c", False)])
def test_the_shape_of_a_name(word: str, fits: bool) -> None:
    assert bool(CLASS_PATH.fullmatch(word)) == fits
