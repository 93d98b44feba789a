"""CONFIG REWRITE: put changed settings back into the text of a TOML file.

Comments, order and layout stay. A value that the file has right is not touched; one
that differs is replaced where it stands; what the file lacks is added, below the
comment that shows it if the file was made from our sample, else at the end of the
part before the first table, where TOML wants keys that belong to no table.
Writing the file is left to the rim, which does it atomically.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Final

from .errors import SettingsError
from .parameter import JOINT, AnyParameter
from .settings import BY_DEFAULT, PARAMETERS, PARAMETERS_BY_NAME, Settings
from .sources import load, toml_values
from .toml_statements import Statement, scan, split_pair

ADDED: Final = "# Added by CONFIG REWRITE:"


def rewrite_text(settings: Settings, original_toml: str) -> str:
    """Return the file's text with today's values. Raises SettingsError if the original is not valid."""
    written = load(original_toml)
    document = _Document(settings, original_toml.replace("\r\n", "\n"))
    given = {PARAMETERS_BY_NAME[name] for name, _ in toml_values(tomllib.loads(original_toml))}
    for parameter in PARAMETERS:
        if parameter in given:
            if settings.value(parameter) != written.value(parameter):
                document.change(parameter)
        elif settings.source(parameter) != BY_DEFAULT and settings.value(parameter) != parameter.default:
            document.add(parameter)
    text = document.text()
    _check(settings, text)
    return text.replace("\n", "\r\n") if "\r\n" in original_toml else text


def _check(settings: Settings, text: str) -> None:
    """Refuse to lose anything: the new text must mean what the server has."""
    again = load(text)
    for parameter in PARAMETERS:
        if settings.source(parameter) != BY_DEFAULT and again.value(parameter) != settings.value(parameter):
            raise SettingsError(f"{parameter.name} could not be written into the file")


class _Document:
    """A file's lines, and what becomes of each."""

    def __init__(self, settings: Settings, text: str) -> None:
        self._settings = settings
        self._lines = text.split("\n")
        self._statements = scan(text)
        self._new = [[line] for line in self._lines]
        """For each old line, those that take its place."""
        self._added: list[str] = []

    def change(self, parameter: AnyParameter) -> None:
        """Replace a value that the file gives, however it is given."""
        names = {parameter.name, *parameter.aliases}
        table = ""
        for statement in self._statements:
            name = statement.name.lower()
            if statement.is_header:
                table = name
            elif name in names:
                self._replace_value(statement, parameter)
                return
            elif any(longer.startswith(name + JOINT) for longer in names) and name not in PARAMETERS_BY_NAME:
                self._spread(statement, table)
                return
        # What is left is a list of [[tables]]: they go, and come back in one line.
        for statement in self._tables(parameter.name):
            self._remove(statement)
        self.add(parameter)

    def add(self, parameter: AnyParameter) -> None:
        """Put in a setting that the file does not give."""
        words = parameter.name.split(JOINT)
        for count in range(len(words)):
            table, key = JOINT.join(words[:count]), JOINT.join(words[count:])
            shown = re.compile(rf"#\s*{re.escape(key)}\s*=.*")
            for line in self._extent(table):
                if shown.fullmatch(self._lines[line].strip()):
                    self._new[line].append(f"{key} = {self._toml(parameter)}")
                    return
        self._added.append(f"{parameter.name} = {self._toml(parameter)}")

    def text(self) -> str:
        end = self._end_of_top()
        before = [line for new in self._new[:end] for line in new]
        after = [line for new in self._new[end:] for line in new]
        if not self._added:
            return "\n".join(before + after)
        while before and not before[-1]:
            before.pop()
        heading = [] if ADDED in before else ["", ADDED] if before else [ADDED]
        return "\n".join([*before, *heading, *self._added, *([""] if any(after) else []), *(after or [""])])

    def _replace_value(self, statement: Statement, parameter: AnyParameter) -> None:
        before, _, rest = split_pair(self._source(statement))
        self._remove(statement)
        self._new[statement.first] = [f"{before}{self._toml(parameter)}{rest}"]

    def _spread(self, statement: Statement, table: str) -> None:
        """Write ``events = { channel = true, file = "x" }`` anew, as a line for each key."""
        _, value, rest = split_pair(self._source(statement))
        inner = tomllib.loads(f"value = {value}")["value"]
        names = [name for name, _ in toml_values(inner, statement.name.lower() + JOINT)]
        prefix = f"{table}{JOINT}" if table else ""
        self._remove(statement)
        self._new[statement.first] = [
            f"{name.removeprefix(prefix)} = {self._toml(PARAMETERS_BY_NAME[name])}" for name in names
        ]
        if rest.strip():
            self._new[statement.first].insert(0, rest.strip())

    def _remove(self, statement: Statement) -> None:
        for line in range(statement.first, statement.end):
            self._new[line] = []

    def _source(self, statement: Statement) -> str:
        return "\n".join(self._lines[statement.first : statement.end])

    def _toml(self, parameter: AnyParameter) -> str:
        text: str = parameter.kind.toml(self._settings.value(parameter))
        return text

    def _tables(self, name: str) -> Iterator[Statement]:
        """Yield what belongs to the [[tables]] of a name: their headers, keys and tables within."""
        inside = False
        for statement in self._statements:
            if statement.is_header:
                inside = f"{statement.name.lower()}{JOINT}".startswith(name + JOINT)
            if inside:
                yield statement

    def _extent(self, table: str) -> range:
        """Return the lines of a table, or of what stands before all tables; none if there is no such table."""
        headers = [statement for statement in self._statements if statement.is_header]
        starts = [0, *(header.end for header in headers)]
        ends = [*(header.first for header in headers), len(self._lines)]
        names = ["", *(header.name.lower() for header in headers)]
        return range(starts[names.index(table)], ends[names.index(table)]) if table in names else range(0)

    def _end_of_top(self) -> int:
        """Return the line before which keys of no table can be added: above the first table's comment."""
        end = self._extent("").stop
        if end < len(self._lines):
            while end and self._lines[end - 1].strip().startswith("#"):
                end -= 1
        elif self._lines[-1] == "":
            end -= 1
        return end
