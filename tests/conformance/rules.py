"""Says when two replies agree: byte for byte, but where Redis itself promises less.

Order is undefined for what lies in hash tables; clocks and random numbers differ between two servers; some replies
describe the server rather than the data. Each such command has a rule here. An error always has to agree exactly.
"""

import re
from collections.abc import Callable

from tests.conformance.script import Exactness, Step
from tests.wire import Node, parse

Rule = Callable[[Node, Node], bool]

CLOSED = b"(closed)"  # stands in a transcript where the server closed the connection


def exact(one: Node, other: Node) -> bool:
    return one == other


def within(tolerance: int) -> Rule:
    """Integers may differ by so much; negative ones are answers of another kind and must be equal."""

    def rule(one: Node, other: Node) -> bool:
        if one.kind != ":" or other.kind != ":":
            return one == other
        mine, theirs = int(one.text), int(other.text)
        return mine == theirs or (min(mine, theirs) >= 0 and abs(mine - theirs) <= tolerance)

    return rule


def any_order(one: Node, other: Node) -> bool:
    return _bare(one) == _bare(other) and sorted(one.children, key=repr) == sorted(other.children, key=repr)


def any_order_of_pairs(one: Node, other: Node) -> bool:
    """Compare maps, or the flat lists that RESP2 has in their place."""
    return _bare(one) == _bare(other) and sorted(one.pairs(), key=repr) == sorted(other.pairs(), key=repr)


def any_digits(one: Node, other: Node) -> bool:
    return _without_digits(one) == _without_digits(other)


def type_only(one: Node, other: Node) -> bool:
    return (one.kind, one.is_null, bool(one.children)) == (other.kind, other.is_null, bool(other.children))


def page(elements: Rule) -> Rule:
    """Compare replies of the SCAN family: the cursor exactly (so: whole scans only), the elements by a rule."""

    def rule(one: Node, other: Node) -> bool:
        if len(one.children) != 2 or len(other.children) != 2:
            return one == other
        return one.children[0] == other.children[0] and elements(one.children[1], other.children[1])

    return rule


# What a client's line says about sockets, clocks and buffers. lib-name and lib-ver came with Redis 7.2, watch with 7.4.
_OF_THE_MOMENT = re.compile(
    rb"\b(id|addr|laddr|fd|age|idle|qbuf|qbuf-free|argv-mem|multi-mem|rbs|rbp|obl|oll|omem|tot-mem)=\S*"
    rb"| (lib-name|lib-ver|watch|tot-net-in|tot-net-out)=\S*"
)


def client_lines(one: Node, other: Node) -> bool:
    return one.kind == other.kind and _OF_THE_MOMENT.sub(b"", one.text) == _OF_THE_MOMENT.sub(b"", other.text)


def greeting(one: Node, other: Node) -> bool:
    """Compare replies to HELLO: all but the server's versions and the connection's number."""

    def known(node: Node) -> list[tuple[Node, Node]]:
        skipped = {b"version", b"id", b"respcache"}
        return [(key, value) for key, value in node.pairs() if key.text not in skipped]

    return one.kind == other.kind and known(one) == known(other)


def _bare(node: Node) -> tuple[str, bytes, bool]:
    return node.kind, node.text, node.is_null


def _without_digits(node: Node) -> Node:
    return Node(
        node.kind, re.sub(rb"\d+", b"0", node.text), tuple(map(_without_digits, node.children)), node.is_null
    )


RULES: dict[str, Rule] = {
    "client|id": any_digits,
    "client|info": client_lines,
    "client|list": client_lines,
    "command|count": any_digits,
    "command|docs": any_order_of_pairs,
    "command|list": any_order,
    "config|get": any_order_of_pairs,
    "expiretime": within(1),
    "hello": greeting,
    "hscan": page(any_order_of_pairs),
    "info": type_only,
    "keys": any_order,
    "lastsave": any_digits,
    "latency|doctor": type_only,
    "memory|doctor": type_only,
    "memory|malloc-stats": type_only,
    "memory|stats": type_only,
    "memory|usage": any_digits,
    "object|freq": within(2),
    "object|idletime": within(2),
    "pexpiretime": within(2000),
    "pttl": within(2000),
    "pubsub|channels": any_order,
    "pubsub|shardchannels": any_order,
    "scan": page(any_order),
    "time": any_digits,
    "ttl": within(1),
}
_BY_MARK = {
    Exactness.ANY_ORDER: any_order,
    Exactness.ANY_DIGITS: any_digits,
    Exactness.TYPE_ONLY: type_only,
}


def rule_for(argv: list[bytes], exactness: Exactness = Exactness.BY_COMMAND) -> Rule:
    names = [word.decode(errors="replace").lower() for word in argv[:2]]
    if exactness is Exactness.ANY_ORDER and names[:1] == ["hgetall"]:
        return any_order_of_pairs
    if exactness is not Exactness.BY_COMMAND:
        return _BY_MARK[exactness]
    if names[1:] == ["help"]:  # prose: Redis' own, or ours
        return type_only
    if len(argv) == len(names) and names in (["command"], ["command", "list"]):
        return type_only  # the whole table: ours has fewer rows
    return RULES.get("|".join(names)) or RULES.get(names[0] if names else "", exact)


class Comparer:
    """Compares two servers' replies step by step; it follows MULTI, so that EXEC is judged by the commands it ran."""

    def __init__(self) -> None:
        self._queued: dict[str, list[Step]] = {}

    def agree(self, step: Step, client: str, ours: list[bytes], theirs: list[bytes]) -> bool:
        """Compare what one client got in one step, sent by itself or by another."""
        if ours == theirs:
            self._follow(step, client, theirs)
            return True
        if len(ours) != len(theirs):
            return False
        rule = self._rule(step, client)
        return all(one == other or _agree(rule, one, other) for one, other in zip(ours, theirs, strict=True))

    def _rule(self, step: Step, client: str) -> Rule:
        if step.client != client:
            return exact
        if [word.upper() for word in step.argv] != [b"EXEC"]:
            return rule_for(step.argv, step.exactness)
        rules = [rule_for(queued.argv, queued.exactness) for queued in self._queued.pop(client, [])]

        def each_by_its_own(one: Node, other: Node) -> bool:
            if _bare(one) != _bare(other) or len(one.children) != len(rules):
                return one == other
            return all(map(_agree_nodes, rules, one.children, other.children))

        return each_by_its_own

    def _follow(self, step: Step, client: str, replies: list[bytes]) -> None:
        if step.client != client:
            return
        if replies == [b"+QUEUED\r\n"]:
            self._queued.setdefault(client, []).append(step)
        else:
            self._queued.pop(client, None)


def _agree(rule: Rule, one: bytes, other: bytes) -> bool:
    if CLOSED in (one, other):
        return False
    return _agree_nodes(rule, parse(one), parse(other))


def _agree_nodes(rule: Rule, one: Node, other: Node) -> bool:
    if one.is_error or other.is_error or (one.kind != other.kind):
        return one == other
    return rule(one, other)
