"""When two reply streams agree: byte for byte, but for what differs between any two servers.

Ports, the clock, what a command took, what a connection's buffers hold at the moment, and the order of keys in KEYS and SCAN,
whose replies a program marks. Everything else is compared, the order of a hash's fields included.
"""

import re
from dataclasses import replace
from itertools import groupby
from typing import Final

from tests.wire import Node, ReplySplitter, parse

CONTROL: Final = b"<harness>"
"""What the harness' own connection says in its PINGs; monitors see it, at times that mean nothing."""

UNORDERED: Final = b"<in any order>"
"""A reply of these bytes says that the next one's elements may come in any order."""

PORT: Final = b"port"
"""A setting that no two servers share; in CONFIG GET its value follows its name."""

MARK_REACH: Final = 4
"""How many replies behind: a client that monitors itself is told of the mark and of the request in between."""

EXPIRED: Final = b"expired"
"""A word of all news of an expiry; which key a SCAN comes upon first depends on how the table lies."""

INVALIDATION: Final = b">2\r\n$10\r\ninvalidate\r\n*"
FLUSHED: Final = b">2\r\n$10\r\ninvalidate\r\n_\r\n"

LEAST_DEADLINE_MS: Final = 100_000_000
LATEST_MS: Final = 60_000
"""How far apart two servers may find the same deadline; both began the trial at the same time."""
LEAST_DEADLINE_S: Final = LEAST_DEADLINE_MS // 1000
LATEST_S: Final = LATEST_MS // 1000

_ADDRESS: Final = re.compile(rb"127\.0\.0\.1:\d+")
_MONITORED: Final = re.compile(rb"^\d{10}\.\d{6} (?=\[)")
_OF_THE_MOMENT: Final = re.compile(
    rb"\b(fd|age|idle|qbuf|qbuf-free|argv-mem|multi-mem|rbs|rbp|obl|oll|omem|tot-mem|events|tot-net-in|tot-net-out)=\S*"
)
_OF_THE_HARNESS: Final = re.compile(rb'"%b"|"INFO" "stats" "owners"|(?i:"unpause")' % CONTROL)
"""Of what monitors are told."""
_ASKED: Final = {CONTROL.upper(), b"INFO", b"UNPAUSE"}
"""Words of what the harness asks."""
_HARNESS_LAST: Final = re.compile(rb"(?m)^(id=1 .* cmd=)\S+")
"""What the harness' own connection has asked last, in CLIENT LIST: it is always the first client."""
_INFO_FIGURE: Final = re.compile(rb"(?m)^([a-z_0-9-]+):.*$")
_EVENT_TIME: Final = re.compile(rb'"(at_ms|node|id)":("[^"]*"|[0-9]+)')


def split(stream: bytes) -> list[bytes]:
    """Cut a stream into replies; what is left over, or no reply at all, is the last."""
    splitter = ReplySplitter()
    splitter.feed(stream)
    replies: list[bytes] = []
    try:
        while (reply := splitter.next_reply()) is not None:
            replies.append(reply)
    except ValueError:
        pass
    rest = splitter.leftover()
    return [*replies, rest] if rest else replies


def first_difference(one: bytes, other: bytes, *, was_reset: bool = False, are_delayed: bool = False) -> str:
    """Say where two streams part; empty if they agree.

    A server that closes while input is unread resets the connection, and what the client had no room for is lost on the
    way: with ``was_reset`` one stream may end before the other. With ``are_delayed`` commands may have run late: a monitor
    is told of them when they run, and may come to hear of others before.
    """
    if one == other:
        return ""
    (ours, our_news), (theirs, their_news) = _told(split(one)), _told(split(other))
    if are_delayed:
        ours, theirs = _monitored_last(ours), _monitored_last(theirs)
    if was_reset:
        both = max(min(len(ours), len(theirs)) - 1, 0)  # the last one may be cut
        ours, theirs, our_news, their_news = ours[:both], theirs[:both], set(), set()
    for number, (mine, his) in enumerate(zip(ours, theirs, strict=False)):
        before = ours[number - 1] if number else b""
        may_vary = any(UNORDERED in reply for reply in ours[max(number - MARK_REACH, 0) : number])
        if mine != his and not _agree(_sorted(_node(mine), may_vary), _sorted(_node(his), may_vary)):
            return f"reply {number}: {shown(mine)}\n      is not {shown(his)}\n      after  {shown(before)}"
    if len(ours) != len(theirs):
        longer = ours if len(ours) > len(theirs) else theirs
        at = min(len(ours), len(theirs))
        return f"{len(ours)} replies, not {len(theirs)}: one has also {shown(longer[at])}"
    # News of a flush stands for all that has not been told yet.
    if (FLUSHED in one) != (FLUSHED in other):
        return "one was told of a flush, and the other was not"
    if our_news != their_news and FLUSHED not in one:
        return f"keys {our_news ^ their_news} were told to one only to have changed"
    return ""


def shown(data: bytes, limit: int = 300) -> str:
    text = repr(data)
    return text if len(text) <= limit else f"{text[: limit - 60]}...{text[-40:]} ({len(data)} bytes)"


def _told(replies: list[bytes]) -> tuple[list[bytes], set[bytes]]:
    """Leave out what monitors tell of the harness itself; put news of changed keys apart.

    How many of them share a message, and before which reply it comes, depends on how the writes arrived.
    """
    kept, news = [], set[bytes]()
    for reply in replies:
        if reply == FLUSHED:
            continue  # looked for where the keys are compared
        if reply.startswith(INVALIDATION):
            news |= {key.text for key in parse(reply).children[1].children}
        elif not (reply.startswith(b"+1") and _OF_THE_HARNESS.search(reply)):
            kept.append(reply)
    return _with_expiries_in_order(kept), news


def _with_expiries_in_order(replies: list[bytes]) -> list[bytes]:
    """Sort news of expiries that come one after the other."""
    ordered: list[bytes] = []
    for are_news, group in groupby(replies, lambda reply: b"message" in reply[:20] and EXPIRED in reply):
        together = list(group)
        ordered += sorted(together) if are_news else together
    return ordered


def _monitored_last(replies: list[bytes]) -> list[bytes]:
    """Put what a monitor was told behind its own replies, in an order that has nothing to do with time."""
    told = [reply for reply in replies if _MONITORED.match(reply[1:])]
    return [reply for reply in replies if not _MONITORED.match(reply[1:])] + sorted(told, key=_untimed)


def _untimed(reply: bytes) -> bytes:
    return _ADDRESS.sub(b"", _MONITORED.sub(b"", reply[1:]))


def _sorted(node: Node, may_vary: bool) -> Node:
    """Bring elements in one order: those of this reply, or of marked ones within it."""
    if _is_slow_entry(node):
        return node  # a mark may be one of its words, and what it took may not move its words
    children = tuple(
        _sorted(child, may_vary or (at > 0 and node.children[at - 1].text == UNORDERED))
        for at, child in enumerate(node.children)
    )
    return replace(node, children=tuple(sorted(children, key=repr)) if may_vary else children)


def _node(reply: bytes) -> Node:
    try:
        return parse(reply)
    except (ValueError, IndexError):
        return Node("?", reply)


def _agree(one: Node, other: Node) -> bool:
    if _is_slow_log(one) and _is_slow_log(other):
        # What the harness asks in between is logged, too. As many are asked for, so that fewer of the trial's may be left.
        return all(map(_agree, _of_the_trial(one), _of_the_trial(other)))
    if one.kind != other.kind or one.is_null != other.is_null or len(one.children) != len(other.children):
        return False
    if one.children:
        return _agree_within(one, other)
    if one.text == other.text:
        return True
    if one.kind == ":":
        return _is_same_time(int(one.text), int(other.text))
    return _masked(one.text) == _masked(other.text)


def _agree_within(one: Node, other: Node) -> bool:
    pairs = list(zip(one.children, other.children, strict=True))
    if _is_slow_entry(one) and _is_slow_entry(other):
        return all(_agree(*pairs[at]) for at in (3, 4, 5))
    return all(
        _agree(mine, his) or (at > 0 and one.children[at - 1].text == PORT == other.children[at - 1].text)
        for at, (mine, his) in enumerate(pairs)
    )


def _is_slow_log(node: Node) -> bool:
    return bool(node.children) and all(map(_is_slow_entry, node.children))


def _of_the_trial(log: Node) -> list[Node]:
    words = ((entry, [word.text for word in entry.children[3].children]) for entry in log.children)
    return [entry for entry, said in words if _ASKED.isdisjoint(word.upper() for word in said)]


def _is_slow_entry(node: Node) -> bool:
    """Whether this is an entry of the slow log: a number, when, how long, the words, by whom."""
    return len(node.children) == 6 and "".join(child.kind for child in node.children[:4]) == ":::*"


def _is_same_time(one: int, other: int) -> bool:
    apart, least = abs(one - other), min(one, other)
    return (least >= LEAST_DEADLINE_MS and apart <= LATEST_MS) or (
        least >= LEAST_DEADLINE_S and apart <= LATEST_S
    )


def _masked(text: bytes) -> bytes:
    if text.startswith((b"# ", b"txt:# ")) and b"\r\n" in text:
        return _INFO_FIGURE.sub(rb"\1", text)
    text = _HARNESS_LAST.sub(rb"\1", text)
    text = _ADDRESS.sub(b"<address>", text)
    text = _MONITORED.sub(b"<time> ", text)
    return _EVENT_TIME.sub(rb'"\1":0', _OF_THE_MOMENT.sub(b"", text))
