"""What log lines look like: for people on a terminal, JSON elsewhere; and setting them up.

Lines are formatted where they happen and written by ``log_writer``, so that logging
never waits for whoever reads.
"""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from ..events.line import escaped
from ..settings.settings import Settings
from .configuration import ConfigurationError
from .log_writer import Descriptor, LogFile, LogWriter, Target

VERBOSE: Final = 15
LEVELS: Final[Mapping[str, int]] = {
    "debug": logging.DEBUG,
    "verbose": VERBOSE,
    "notice": logging.INFO,
    "warning": logging.WARNING,
}
"""Redis' names for how much to log."""

COLOURS: Final[Mapping[str, str]] = {
    "debug": "\x1b[2m",
    "verbose": "\x1b[2m",
    "notice": "\x1b[36m",
    "warning": "\x1b[33m",
    "error": "\x1b[31m",
    "critical": "\x1b[1;31m",
}
PLAIN: Final = "\x1b[0m"

STANDARD_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; anything else was handed in as ``extra`` and belongs into the JSON."""


def level_name(level: int) -> str:
    """Return our word for a level of the logging module."""
    for name, lowest in (
        ("critical", logging.CRITICAL),
        ("error", logging.ERROR),
        ("warning", logging.WARNING),
        ("notice", logging.INFO),
        ("verbose", VERBOSE),
    ):
        if level >= lowest:
            return name
    return "debug"


class HumanFormatter(logging.Formatter):
    """Local time, level, the worker if there are several, message.

    What clients put into a message cannot break the line or steer the terminal.
    """

    def __init__(self, *, has_colour: bool) -> None:
        super().__init__()
        self._has_colour = has_colour

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created).astimezone()
        level = level_name(record.levelno)
        shown = f"{COLOURS[level]}{level:8}{PLAIN}" if self._has_colour else f"{level:8}"
        worker = f"[{record.worker}] " if hasattr(record, "worker") else ""
        text = worker + escaped(record.getMessage())
        line = f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03} {shown} {text}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line + "\n"


class JsonFormatter(logging.Formatter):
    """One object in one line: time (UTC), level, logger, message, and whatever was given as extra."""

    def format(self, record: logging.LogRecord) -> str:
        document: dict[str, Any] = {  # extra fields may be anything
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": level_name(record.levelno),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            document["exception"] = self.formatException(record.exc_info)
        document |= {name: value for name, value in vars(record).items() if name not in STANDARD_ATTRIBUTES}
        return _json(document) + "\n"


def _json(document: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(document, enc_hook=str).decode()
    except (ValueError, TypeError, msgspec.MsgspecError):
        # A lone surrogate, from undecodable bytes, or a stranger as a key: say it as text.
        plain = {escaped(str(name)): escaped(str(value)) for name, value in document.items()}
        return msgspec.json.encode(plain).decode()


class WriterHandler(logging.Handler):
    """Between the logging module and the writer."""

    def __init__(self, writer: LogWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception:
            self.handleError(record)  # a mistake in one log call must not reach whoever logs
            return
        self._writer.write_nowait(text)


class Logs:
    """The process' logging, from ``start_logs`` until ``stop``."""

    def __init__(
        self, writer: LogWriter, handler: logging.Handler, *, is_human: bool, has_colour: bool
    ) -> None:
        self._writer = writer
        self._handler = handler
        self.is_human = is_human
        self.has_colour = has_colour

    def print_nowait(self, text: str) -> None:
        """Write a text for people between the log lines, in order with them."""
        self._writer.write_nowait(text)

    @property
    def dropped(self) -> int:
        """How many lines were lost because nobody read them."""
        return self._writer.dropped

    def stop(self) -> None:
        logging.getLogger().removeHandler(self._handler)
        self._writer.stop()


def start_logs(settings: Settings, environ: Mapping[str, str]) -> Logs:
    """Send all logging where the settings say. Raises ConfigurationError if the file cannot be opened."""
    target: Target = Descriptor(2)
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    if settings.logfile:
        is_terminal = False
        try:
            target = LogFile(Path(settings.logfile))
        except OSError as error:
            source = settings.source(Settings.logfile)
            raise ConfigurationError(
                f'{source}: logfile is "{settings.logfile}", which cannot be written: {error.strerror}'
            ) from None
    is_human = settings.log_format == "human" or (settings.log_format == "auto" and is_terminal)
    has_colour = is_human and is_terminal and not environ.get("NO_COLOR")
    formatter = HumanFormatter(has_colour=has_colour) if is_human else JsonFormatter()
    writer = LogWriter(target, lambda count: formatter.format(_dropped_record(count)))
    handler = WriterHandler(writer)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(LEVELS[settings.loglevel])
    settings.on_change(Settings.loglevel, lambda name: root.setLevel(LEVELS[name]))
    writer.start()
    return Logs(writer, handler, is_human=is_human, has_colour=has_colour)


def _dropped_record(count: int) -> logging.LogRecord:
    message = f"{count} log lines were dropped, because nobody read them in time"
    return logging.makeLogRecord(
        {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING", "msg": message}
    )
