import re
import tomllib
from pathlib import Path

import pytest

from respcache.app.reference import EXAMPLES, PAGE, SAMPLE, main, page, sample
from respcache.settings.compatibility import Compatibility
from respcache.settings.settings import PARAMETERS
from respcache.settings.sources import load, toml_values


def uncommented() -> str:
    """Return the sample with every setting switched on."""
    return re.sub(r"^# ([a-z-]+ = )", r"\1", sample(), flags=re.MULTILINE)


def test_the_files_in_the_tree_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_stale_files_are_told_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], tmp_path) == 1
    assert "conf/respcache.toml is stale" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_files_are_written_once(tmp_path: Path) -> None:
    assert main([], tmp_path) == 0
    assert (tmp_path / SAMPLE).read_text() == sample()
    assert (tmp_path / PAGE).read_text() == page()
    assert main(["--check"], tmp_path) == 0


def test_the_sample_as_it_is_changes_nothing() -> None:
    settings = load(sample())
    assert {settings.source(parameter) for parameter in PARAMETERS} == {"default"}


def test_the_sample_holds_every_setting_with_its_default() -> None:
    settings = load(uncommented())
    given = {name for name, _ in toml_values(tomllib.loads(uncommented()))}
    assert given == {p.name for p in PARAMETERS if p not in Compatibility.parameters}
    for parameter in PARAMETERS:
        assert (settings.value(parameter) == parameter.default) is (parameter.name not in EXAMPLES)


def test_a_setting_of_the_sample_can_be_switched_on_alone() -> None:
    for number, line in enumerate(sample().split("\n")):
        if re.match(r"# [a-z-]+ = ", line):
            lines = sample().split("\n")
            lines[number] = line.removeprefix("# ")
            load("\n".join(lines))


def test_the_page_names_every_setting_with_what_and_why() -> None:
    text = page().replace("\\|", "|")
    for parameter in PARAMETERS:
        assert f"| `{parameter.name}`" in text
        assert parameter.doc in text
        assert parameter.reason in text
