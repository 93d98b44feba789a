from pathlib import Path

import pytest

from respcache.app.configuration import ConfigurationError, enter_directory, read_configuration
from respcache.settings.settings import Settings

NOWHERE: list[Path] = []


def written(directory: Path, text: str, name: str = "my.toml") -> Path:
    path = directory / name
    path.write_text(text)
    return path


def test_without_a_file_there_is_none() -> None:
    configuration = read_configuration([], {}, usual_places=NOWHERE)
    assert configuration.path is None
    assert configuration.settings.port == 6379


@pytest.mark.parametrize("form", ["{}", "--config={}"])
def test_a_file_is_named_on_the_command_line(tmp_path: Path, form: str) -> None:
    path = written(tmp_path, "port = 1")
    configuration = read_configuration([form.format(path), "--timeout", "2"], {}, usual_places=NOWHERE)
    assert (configuration.settings.port, configuration.settings.timeout_seconds) == (1, 2)
    assert configuration.path == path


def test_the_command_line_names_a_file_before_the_environment_does(tmp_path: Path) -> None:
    first, second = written(tmp_path, "port = 1", "a.toml"), written(tmp_path, "port = 2", "b.toml")
    environ = {"RESPCACHE_CONFIG": str(second)}
    assert read_configuration([str(first)], environ, usual_places=NOWHERE).path == first
    assert read_configuration([], environ, usual_places=NOWHERE).path == second


def test_the_first_usual_place_that_exists_is_read(tmp_path: Path) -> None:
    places = [tmp_path / "no.toml", written(tmp_path, "port = 3"), written(tmp_path, "port = 4", "b.toml")]
    assert read_configuration([], {}, usual_places=places).settings.port == 3


def test_the_path_is_absolute_because_the_directory_may_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "port = 1")
    monkeypatch.chdir(tmp_path)
    assert read_configuration(["my.toml"], {}).path == tmp_path / "my.toml"


def test_a_missing_file_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"no/such\.toml cannot be read: No such file or directory"):
        read_configuration(["no/such.toml"], {})


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not UTF-8"):
        read_configuration([str(path)], {})


def test_a_mistake_is_told_with_the_name_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "prot = 1")
    with pytest.raises(ConfigurationError, match=r"my.toml, line 1: .* did you mean port\?"):
        read_configuration([str(path)], {})


def test_the_directory_is_entered_and_told_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner").mkdir()
    settings = Settings(dir="inner")
    enter_directory(settings)
    assert settings.working_directory == str(Path.cwd()) == str(tmp_path / "inner")


def test_a_directory_that_cannot_be_entered_is_told() -> None:
    with pytest.raises(ConfigurationError, match="cannot be entered: No such file or directory"):
        enter_directory(Settings(dir="/no/such/directory"))


def test_settings_that_contradict_each_other_are_told_before_anything_starts() -> None:
    with pytest.raises(ConfigurationError, match="without a secret: give cluster-secret"):
        read_configuration(["--cluster", "--bind", "*"], {}, usual_places=NOWHERE)
