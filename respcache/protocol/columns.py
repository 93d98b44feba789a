r"""A pipeline of requests that are all alike, read by columns: all first arguments, all second ones, and so on.

A client that asks for sixty keys in one go sends sixty arrays that begin with the same
bytes, up to the ``$`` of the first argument. These are replaced by one byte that occurs nowhere
else; what is left is split at its line ends, and whole columns are compared with what they must
be. That takes half the time of splitting everything, and a third of reading one request
after the other, and it gives the words as a command for many keys wants them.

It is a shortcut and nothing else: what comes out is what the strict parser gives. No piece
between two line ends holds one. Every header says just the length of the piece behind it. And
that byte stands only where the common beginning stood, which is at the first header of
every request and nowhere else. So the data can be put together again from the columns. Whatever
does not fit is left as it is.
"""

from typing import Final

SHORT_WORD_BYTES: Final = 1024
"""Longer words are left to others: they are copied once less there."""

_MARK: Final = b"\0"
"""Any byte that is rare in keys and values would do."""

_MARK_NUMBER: Final = _MARK[0]  # looking for a number takes a quarter of the time

_FIRST_HEADERS: Final = [b"%b%d" % (_MARK, length) for length in range(SHORT_WORD_BYTES)]
_HEADERS: Final = [b"$%d" % length for length in range(SHORT_WORD_BYTES)]
_first_header_of = _FIRST_HEADERS.__getitem__
_header_of = _HEADERS.__getitem__

_STAR: Final = b"*"
_LINE_END: Final = b"\r\n"


def beginning_of(name: bytes, count: int) -> bytes:
    """Return with what every request of ``count`` words begins whose first is ``name``; there must be a second."""
    return b"*%d\r\n$%d\r\n%b\r\n$" % (count, len(name), name)


def read_columns(data: bytes, beginning: bytes, count: int) -> tuple[list[list[bytes]], bytes] | None:
    """Return the columns of requests of ``count`` words with one beginning, and the bytes behind the last complete one.

    The first word, which is the same in all, is left out. None if the data does not begin with
    two such requests, or if anything else stands among them.
    """
    marked = data.replace(beginning, _MARK)
    if _MARK_NUMBER in data or _holds_another(marked, len(beginning)):
        return None
    pieces = marked.split(_LINE_END)
    stride = 2 * count - 2
    requests = (len(pieces) - 1) // stride
    if requests < 2:
        return None
    rest = _LINE_END.join(pieces[requests * stride :])
    del pieces[requests * stride :]
    begun = (len(data) - len(marked)) // (len(beginning) - 1)
    if begun != requests + rest.count(_MARK):
        return None
    header_of = _first_header_of
    columns = []
    try:
        for at in range(0, stride, 2):
            words = pieces[at + 1 :: stride]
            if pieces[at::stride] != list(map(header_of, map(len, words))):
                return None
            header_of = _header_of
            columns.append(words)
    except IndexError:  # a word longer than this is for
        return None
    return columns, rest.replace(_MARK, beginning)


def _holds_another(marked: bytes, beginning_bytes: int) -> bool:
    """Say whether a request that begins otherwise is seen at once, which spares splitting; one that is cut is none."""
    star = marked.find(_STAR)
    return marked[star - 2 : star] == _LINE_END and len(marked) - star >= beginning_bytes
