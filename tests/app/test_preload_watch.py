import itertools

import pytest
from rich.console import Console

from respcache.app import preload_watch
from respcache.app.preload import Preload
from respcache.app.preload_watch import watch

KEYS = [b"%d" % number for number in range(2000)]


def work() -> Preload:
    """Return a preload all keys of which are there, but for the last, which comes at the eighth look."""
    looks = itertools.count()

    def call(command: str, question: str, *keys: bytes) -> object:
        if question == "REQUEST":
            return len(keys)
        is_there = next(looks) >= 8
        return [b"loaded" if key != KEYS[-1] or is_there else b"loading" for key in keys]

    return Preload(call, KEYS, sleep=lambda seconds: None)


def test_a_program_gets_a_line_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    done = work()
    watch(done, len(KEYS), itertools.count(0, 2).__next__)
    assert done.counts.loaded == 2000
    *lines, last = capsys.readouterr().out.splitlines()
    assert 1 <= len(lines) <= 4
    assert set(lines) == {"loaded 1999, absent 0, failed 0"}
    assert last == "loaded 2000, absent 0, failed 0"


def test_a_person_gets_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(
        preload_watch, "Console", lambda: Console(force_terminal=True, no_color=True, width=100)
    )
    done = work()
    watch(done, len(KEYS))
    shown = capsys.readouterr().out
    assert done.counts.loaded == 2000
    assert "2000/2000 loaded 2000, absent 0, failed 0" in shown


def test_a_bar_needs_no_total(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(
        preload_watch, "Console", lambda: Console(force_terminal=True, no_color=True, width=100)
    )
    watch(work(), None)
    assert "2000/?" in capsys.readouterr().out
