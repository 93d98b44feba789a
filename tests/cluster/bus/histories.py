"""What one client has written and read of keys that are its alone, and whether that can have been."""

from collections.abc import Iterator
from typing import Any

from respcache.protocol.replies import ErrorReply
from tests.cluster.bus.pair import World
from tests.cluster.bus.wires import Caller

WAIT_S = 5.0


class History:
    """Writes and reads at random, each command in a batch of its own; ``faults`` tells what cannot be.

    What is read must be the last that was written before, wherever its partition has gone since.
    """

    def __init__(self, world: World, client: Caller, prefix: str) -> None:
        self._chance = world.chance
        self._client = client
        self._last = {f"{prefix}:{number}": 0 for number in range(12)}
        self._asked: list[tuple[list[str], list[int]]] = []
        """For each command the keys that were read, and what they had to be; no keys for a write."""

    def go_on(self, turn: int) -> None:
        for key in self._sample():
            self._last[key] = turn
            self._client.send(f"SET {key} {turn}")
            self._asked.append(([], []))
        keys = self._sample()
        for group in [keys] if self._chance.random() < 0.5 else [[key] for key in keys]:
            self._client.send("MGET " + " ".join(group))
            self._asked.append((group, [self._last[key] for key in group]))

    def faults(self) -> Iterator[str]:
        replies = self._client.wait(len(self._asked), WAIT_S)
        if len(replies) != len(self._asked):
            yield f"{len(self._asked) - len(replies)} replies are missing"
        for (keys, expected), reply in zip(self._asked, replies, strict=False):
            if isinstance(reply, ErrorReply):
                yield f"{keys}: {reply}"
            else:
                yield from _wrong(keys, expected, reply)

    def _sample(self) -> list[str]:
        return self._chance.sample(list(self._last), 3)


def live(world: World, *, turns: int, lost: int) -> list[History]:
    """Let three clients of a world of four nodes work while its partitions go to and fro; return what they saw.

    One delivery of ``lost`` loses a connection, any of them; of 0, none does.
    """

    def lose_some(number: int) -> None:
        if lost and not world.chance.randrange(lost):
            one, other = world.chance.sample(range(4), 2)
            world.lose(one, other, world.chance.randrange(world.lanes))

    world.before_delivery = lose_some
    histories = [History(world, world.client(node), f"c{at}") for at, node in enumerate((0, 0, 1))]
    for turn in range(1, turns + 1):
        for history in histories:
            history.go_on(turn)
        world.run(world.chance.uniform(0, 0.01))
        if turn % 12 == 6:
            _tell_one_after_the_other(world, [0, 1, 2, 3] if turn % 24 == 6 else [0, 1, 2])
    world.run(0.2)
    world.before_delivery = lambda number: None
    return histories


def _tell_one_after_the_other(world: World, active: list[int]) -> None:
    for peer in world.peers:
        world.after(world.chance.uniform(0, 0.005), lambda peer=peer: peer.see(active))  # type: ignore[misc]


def _wrong(keys: list[str], expected: list[int], reply: Any) -> Iterator[str]:
    for key, value, found in zip(keys, expected, reply if keys else [], strict=True):
        if found != (b"%d" % value if value else None):
            yield f"{key} was {value}, and {found!r} was read"
