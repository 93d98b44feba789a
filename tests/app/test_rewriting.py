import os
import stat
from pathlib import Path

import pytest

from respcache.app.rewriting import replace_text, rewrite_file
from respcache.settings.settings import Settings


def changed() -> Settings:
    settings = Settings()
    settings.set_many([("timeout", "5")])
    return settings


def test_without_a_file_redis_own_words_say_so() -> None:
    with pytest.raises(ValueError, match=r"^The server is running without a config file$"):
        rewrite_file(Settings(), None)


def test_the_new_text_takes_the_old_ones_place_with_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("port = 6379 # usual\n")
    path.chmod(0o640)
    rewrite_file(changed(), path)
    assert path.read_text().startswith("port = 6379 # usual\n")
    assert path.read_text().endswith("timeout = 5\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.toml", tmp_path / "link.toml"
    target.write_text("")
    link.symlink_to(target)
    rewrite_file(changed(), link)
    assert link.is_symlink()
    assert "timeout = 5" in target.read_text()


def test_line_ends_of_windows_survive(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_bytes(b"port = 6379\r\n")
    rewrite_file(changed(), path)
    assert b"timeout = 5\r\n" in path.read_bytes()


def test_a_file_that_says_all_of_it_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("timeout = 5\n")
    before = path.stat().st_ino
    rewrite_file(changed(), path)
    assert path.stat().st_ino == before


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "my.toml"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
