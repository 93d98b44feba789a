"""Which requests ask a source for which keys: one for each key, or one for many.

What stands in a key comes from anybody. It is percent-encoded to the last character but letters, digits and ``-._~``, so that it can be
nothing but one piece of the path or the query. Encoding does not help against ``..`` as a whole segment, which servers
and proxies take out of a path even then, with the segment before it. A key with such a segment is
asked nobody for, nor one that does not fit in a URL: no source has a value at an address that cannot be written.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import quote, unquote

import msgspec

from .key_pattern import KeyPattern

MOST_URL_BYTES: Final = 8000
"""Apache and nginx take lines of 8 KiB unless they are told otherwise."""

_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

_ORIGIN: Final = re.compile(r"https?://[^/?#\\\s]+", re.IGNORECASE)

_DOT_SEGMENT: Final = re.compile(r"(?:^|[/\\])\.\.?(?:$|[/\\;])")
"""With a semicolon behind it, too: some servers cut parameters off segments before they look."""

_URL_CHARACTERS: Final = "!#$%&'()*+,/:;=?@[]~"
"""In what the operator has written these stay what they are."""


class Asking(msgspec.Struct, frozen=True):
    """One request, and the keys that its answer is about, by what stands for each of them in it."""

    method: str
    url: str
    keys: Mapping[str, bytes]
    content: bytes | None = None


class Plan(Protocol):
    """How a source is asked."""

    def askings(self, keys: Iterable[bytes]) -> list[Asking]:
        """Return the requests for these keys. Those that are in none of them have no value."""

    @property
    def example(self) -> str:
        """Return an address that is asked, or how it begins."""


class SingleRequests:
    """A GET for each key; the address is a template with the placeholders of the pattern. ValueError says what is wrong with it."""

    def __init__(self, template: str, pattern: KeyPattern) -> None:
        self._pattern = pattern
        pieces = _PLACEHOLDER.split(template)
        literals, self._names = pieces[::2], pieces[1::2]
        self._origin = self._check(literals)
        literals[0] = literals[0].removeprefix(self._origin)
        self._literals = [quote(literal, safe=_URL_CHARACTERS) for literal in literals]
        before_query = next((at for at, literal in enumerate(literals) if "?" in literal), len(self._names))
        self._path_literals = [unquote(literal.partition("?")[0]) for literal in literals[: before_query + 1]]
        url = self._url(dict.fromkeys(pattern.names, "x"))
        if url is None:
            raise ValueError("its path has a segment . or .., or it is too long")
        self.example = url

    def askings(self, keys: Iterable[bytes]) -> list[Asking]:
        found: list[Asking] = []
        for key in keys:
            values = self._pattern.values(key)
            url = self._url(values) if values is not None else None
            if url is not None:
                found.append(Asking("GET", url, {"": key}))
        return found

    def _check(self, literals: Sequence[str]) -> str:
        """Return how all addresses begin: scheme and host."""
        origin = check_address(literals[0])
        if self._names and not literals[0][len(origin) :].startswith(("/", "?")):
            raise ValueError("a {placeholder} can stand in the path and in the query only")
        if any(brace in literal for literal in literals for brace in "{}"):
            raise ValueError("it has a brace that is no {placeholder}; write %7B or %7D")
        for name in self._names:
            if name not in self._pattern.names:
                raise ValueError(f"{{{name}}} is not in the pattern {self._pattern.text!r}")
        for name in self._pattern.names:
            if name not in self._names and not name.startswith("_"):
                raise ValueError(
                    f"it does not use {{{name}}}; if that is right, write {{_{name}}} in the pattern"
                )
        for literal in literals:
            _check_fragment(literal)
        return origin

    def _url(self, values: Mapping[str, str]) -> str | None:
        """Return the address; None if there is none that a server would read as it is meant."""
        parts = [values[name] for name in self._names]
        if sum(map(len, parts)) > MOST_URL_BYTES or self._leads_astray(parts):
            return None
        quoted = [quote(part, safe="") for part in parts]
        url = self._origin + "".join(_woven(self._literals, quoted))
        return url if len(url) <= MOST_URL_BYTES else None

    def _leads_astray(self, parts: Sequence[str]) -> bool:
        """Say whether the path would have a segment of dots, for a server that decodes it once, or behind a proxy that did so already."""
        path = "".join(_woven(self._path_literals, parts))
        return any(_DOT_SEGMENT.search(text) for text in (path, unquote(path)))


class PostRequests:
    """One POST for all keys: ``{"keys": ["1", "2"]}``."""

    def __init__(self, url: str, pattern: KeyPattern, member: str) -> None:
        check_batch_address(url, pattern)
        self.example = url
        self._pattern = pattern
        self._member = member

    def askings(self, keys: Iterable[bytes]) -> list[Asking]:
        by_value = dict(_values_of(self._pattern, keys))
        if not by_value:
            return []
        content = msgspec.json.encode({self._member: list(by_value)})
        return [Asking("POST", self.example, by_value, content)]


class GetRequests:
    """A GET for as many keys as a URL has room for: ``?id=1&id=2``, or ``?id=1,2``."""

    def __init__(self, url: str, pattern: KeyPattern, parameter: str, join: str | None) -> None:
        check_batch_address(url, pattern)
        self.example = url
        self._pattern = pattern
        self._join = join
        name = quote(parameter, safe="")
        self._begin = url + ("&" if "?" in url else "?") + (f"{name}=" if join is not None else "")
        self._between = quote(join, safe=",;:") if join is not None else "&"
        self._before_each = f"{name}=" if join is None else ""

    def askings(self, keys: Iterable[bytes]) -> list[Asking]:
        found: list[Asking] = []
        pieces: list[str] = []
        asked: dict[str, bytes] = {}
        room = MOST_URL_BYTES - len(self._begin)
        left = room
        for value, key, piece in self._pieces(keys, room):
            if len(piece) > left:
                found.append(self._asking(pieces, asked))
                pieces, asked, left = [], {}, room
            pieces.append(piece)
            asked[value] = key
            left -= len(piece) + len(self._between)
        return [*found, self._asking(pieces, asked)] if asked else found

    def _pieces(self, keys: Iterable[bytes], room: int) -> Iterator[tuple[str, bytes, str]]:
        """Yield each value with its key and its piece of the query, if it has one."""
        for value, key in _values_of(self._pattern, keys):
            # The source would take it for two.
            if self._join is not None and self._join in value:
                continue
            if len(value) <= room and len(piece := self._before_each + quote(value, safe="")) <= room:
                yield value, key, piece

    def _asking(self, pieces: Sequence[str], asked: Mapping[str, bytes]) -> Asking:
        return Asking("GET", self._begin + self._between.join(pieces), asked)


def check_address(url: str) -> str:
    """Return scheme and host of an address on the web; ValueError if it does not begin with them."""
    found = _ORIGIN.match(url)
    if not found:
        raise ValueError("it does not begin with https://host or http://host")
    return found.group()


def check_batch_address(url: str, pattern: KeyPattern) -> None:
    """Raise ValueError unless many keys of this pattern can be asked for there."""
    check_address(url)
    _check_fragment(url)
    if "{" in url or "}" in url:
        raise ValueError("it can have no {placeholder}: the keys stand elsewhere in the request")
    if len(url) > MOST_URL_BYTES // 2:
        raise ValueError("it is too long")
    if len(pattern.names) != 1:
        raise ValueError(f"the pattern {pattern.text!r} needs exactly one {{placeholder}}")


def _check_fragment(text: str) -> None:
    if "#" in text:
        raise ValueError("it has a fragment (#), which no server ever sees")


def _woven(literals: Sequence[str], parts: Sequence[str]) -> Iterator[str]:
    """Yield literals with parts between them; where there are fewer literals, the other parts are left out."""
    yield literals[0]
    for part, literal in zip(parts, literals[1:], strict=False):
        yield part
        yield literal


def _values_of(pattern: KeyPattern, keys: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    for key in keys:
        values = pattern.values(key)
        if values is not None:
            yield values[pattern.names[0]], key
