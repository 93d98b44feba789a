import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from respcache.app.configuration import ConfigurationError
from respcache.app.log_writer import LogFile, LogWriter
from respcache.app.logs import (
    VERBOSE,
    HumanFormatter,
    JsonFormatter,
    Logs,
    WriterHandler,
    level_name,
    start_logs,
)
from respcache.settings.settings import Settings


def record(message: str, *arguments: object, level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {
            "name": "respcache.test",
            "levelno": level,
            "msg": message,
            "args": arguments,
            "created": 0.25,
            **extra,
        }
    )


@pytest.fixture(autouse=True)
def root_level() -> Iterator[None]:
    before = logging.getLogger().level
    yield
    logging.getLogger().setLevel(before)


def started(path: Path, **texts: str) -> tuple[Logs, Settings]:
    settings = Settings(logfile=str(path), **texts)
    return start_logs(settings, {}), settings


def test_levels_have_redis_names() -> None:
    levels = (logging.DEBUG, VERBOSE, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
    assert [level_name(level) for level in levels] == [
        "debug",
        "verbose",
        "notice",
        "warning",
        "error",
        "critical",
    ]


def test_json_has_time_in_utc_level_logger_message_and_extras() -> None:
    line = JsonFormatter().format(record("hello %s", "you", port=6379))
    assert line.endswith("\n")
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.250000+00:00",
        "level": "notice",
        "logger": "respcache.test",
        "message": "hello you",
        "port": 6379,
    }


def test_json_holds_whatever_it_is_given() -> None:
    document = json.loads(JsonFormatter().format(record("\udcff", path=Path("/x"), strange={1j: object})))
    assert document["message"] == "\\udcff"
    assert document["path"] == "/x"


def test_an_exception_is_a_field_of_the_json() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        line = JsonFormatter().format(record("oops", exc_info=sys.exc_info()))
    assert line.count("\n") == 1
    assert json.loads(line)["exception"].endswith("ValueError: why")


def test_a_line_for_people_cannot_be_broken_or_steer_the_terminal() -> None:
    line = HumanFormatter(has_colour=False).format(record("from %s", "x\n\x1b[2J"))
    assert line.endswith(" notice   from x\\x0a\\x1b[2J\n")


def test_where_several_workers_write_a_line_says_which() -> None:
    line = HumanFormatter(has_colour=False).format(record("hello", worker=2))
    assert line.endswith("notice   [2] hello\n")
    assert json.loads(JsonFormatter().format(record("hello", worker=2)))["worker"] == 2


def test_colour_marks_the_level_only() -> None:
    line = HumanFormatter(has_colour=True).format(record("hello", level=logging.WARNING))
    assert "\x1b[33mwarning \x1b[0m hello\n" in line


def test_a_log_file_gets_json_by_default(tmp_path: Path) -> None:
    logs, _ = started(tmp_path / "log")
    logging.getLogger("respcache.x").warning("one")
    logs.stop()
    assert json.loads((tmp_path / "log").read_text())["message"] == "one"
    assert not logs.is_human


def test_a_log_file_can_be_for_people_and_is_never_coloured(tmp_path: Path) -> None:
    logs, _ = started(tmp_path / "log", log_format="human")
    logging.getLogger("respcache.x").warning("one")
    logs.print_nowait("a banner\n")
    logs.stop()
    text = (tmp_path / "log").read_text()
    assert text.endswith("warning  one\na banner\n")
    assert "\x1b" not in text


def test_the_level_follows_config_set(tmp_path: Path) -> None:
    logs, settings = started(tmp_path / "log", loglevel="warning")
    log = logging.getLogger("respcache.x")
    log.info("too early")
    settings.set_many([("loglevel", "notice")])
    log.info("in time")
    logs.stop()
    assert json.loads((tmp_path / "log").read_text())["message"] == "in time"


def test_a_mistake_in_a_log_call_does_not_reach_whoever_logs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = LogFile(tmp_path / "log")
    handler = WriterHandler(LogWriter(file, str))
    handler.setFormatter(JsonFormatter())
    handler.handle(record("%d", "no number"))
    file.close()
    assert "Logging error" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written: Is a directory"):
        start_logs(Settings(logfile=str(tmp_path)), {})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colour_unless_it_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    for environ, has_colour in (({}, True), ({"NO_COLOR": "1"}, False)):
        logs = start_logs(Settings(), environ)
        logs.stop()
        assert logs.is_human
        assert logs.has_colour is has_colour


def test_a_full_pipe_at_standard_error_does_not_hold_up_logging(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    saved = os.dup(2)
    os.dup2(writing, 2)
    try:
        logs = start_logs(Settings(log_format="json"), {})
        log = logging.getLogger("respcache.x")
        for _ in range(3000):  # far more than a pipe holds
            log.warning("x" * 100)
        os.set_blocking(reading, False)
        assert os.read(reading, 100)
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(reading)  # the writer gets a broken pipe, and ends
        logs.stop()
        os.close(writing)
