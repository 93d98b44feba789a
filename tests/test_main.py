import gc
import sys
from collections.abc import Mapping, Sequence

import pytest

from respcache import __main__ as command


def test_serve_goes_past_the_command_line_library(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    def start(words: Sequence[str], environ: Mapping[str, str]) -> int:
        heard.extend(words)
        return 7

    monkeypatch.setattr("respcache.app.start.start", start)
    monkeypatch.setattr(sys, "argv", ["respcache", "serve", "--port", "1"])
    assert command.main() == 7
    assert heard == ["--port", "1"]


def test_a_start_looks_for_no_garbage_until_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def start(words: Sequence[str], environ: Mapping[str, str]) -> int:
        seen.append(gc.isenabled())
        return 0

    monkeypatch.setattr("respcache.app.start.start", start)
    monkeypatch.setattr(sys, "argv", ["respcache", "serve"])
    command.main()
    assert [*seen, gc.isenabled()] == [False, True]


@pytest.mark.parametrize("arguments", [[], ["ping"], ["--help"], ["--port", "1"]])
def test_everything_else_goes_through_it(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    def run(words: Sequence[str]) -> int:
        heard.extend(words)
        return 3

    monkeypatch.setattr("respcache.app.cli.main", run)
    monkeypatch.setattr(sys, "argv", ["respcache", *arguments])
    assert command.main() == 3
    assert heard == arguments
