"""Preloading against a server that exists only here, on a clock that is turned by sleeping."""

import heapq
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.app.client import ClientError
from respcache.app.preload import FAILED_SHOWN, MOST_UNDERWAY, PART, Counts, Preload

FATES = ("loaded", "absent", "failed")


class Server:
    """Takes some keys, and brings them a while later."""

    def __init__(
        self, fate: Callable[[bytes], str | None] = lambda key: "loaded", takes_s: float = 0.1
    ) -> None:
        self.now_s = 50.0
        self.fate = fate
        self.takes_s = takes_s
        self.room = 10**9
        self.slow: dict[bytes, float] = {}
        """Keys that take longer."""
        self.due_s: dict[bytes, float] = {}
        self.coming: list[float] = []
        self.requests: list[tuple[float, int]] = []
        self.looks = 0
        self.most_underway = 0
        self.errors: list[str] = []

    def call(self, command: str, question: str, *keys: bytes) -> object:
        assert command == "LOADER"
        if self.errors:
            raise ClientError(f"127.0.0.1:6379 answered: {self.errors.pop(0)}")
        return self._request(keys) if question == "REQUEST" else self._states(keys)

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def underway(self) -> int:
        while self.coming and self.coming[0] <= self.now_s:
            heapq.heappop(self.coming)
        return len(self.coming)

    def _request(self, keys: Iterable[bytes]) -> int:
        taken = 0
        for key in keys:
            due_s = self.due_s.get(key)
            if due_s is not None:
                taken += 1
            elif self.fate(key) is not None and self.underway() < self.room:
                self.due_s[key] = self.now_s + self.slow.get(key, self.takes_s)
                heapq.heappush(self.coming, self.due_s[key])
                taken += 1
        self.requests.append((self.now_s, taken))
        self.most_underway = max(self.most_underway, self.underway())
        return taken

    def _states(self, keys: Iterable[bytes]) -> list[bytes | None]:
        self.looks += 1
        return [self._state(key) for key in keys]

    def _state(self, key: bytes) -> bytes | None:
        fate = self.fate(key)
        due_s = self.due_s.get(key)
        if fate is None:
            return None
        if due_s is None:
            return b"unknown"
        return b"loading" if due_s > self.now_s else fate.encode()


def keys(count: int, name: str = "k") -> list[bytes]:
    return [f"{name}:{number}".encode() for number in range(count)]


def preload(server: Server, wanted: Iterable[bytes], **options: float) -> Preload:
    work = Preload(server.call, wanted, now_s=lambda: server.now_s, sleep=server.sleep, **options)
    for counts in work.run():
        assert counts is work.counts
    return work


def by_last(key: bytes) -> str | None:
    """Return a fate that follows from a key's last letter."""
    return {"7": "absent", "8": "failed", "9": None}.get(chr(key[-1]), "loaded")


def test_every_key_has_its_fate() -> None:
    work = preload(Server(by_last), keys(10_000))
    assert work.counts == Counts(loaded=7000, absent=1000, failed=1000, without_loader=1000)
    assert (work.counts.done, work.counts.wrong) == (10_000, 2000)
    assert str(work.counts) == "loaded 7000, absent 1000, failed 1000, without a loader 1000"
    assert {key[-1:] for key in work.failed} <= {b"8", b"9"}
    assert len(work.failed) == FAILED_SHOWN


def test_nothing_to_load_is_nothing() -> None:
    server = Server()
    assert preload(server, []).counts == Counts()
    assert server.requests == []


def test_no_more_keys_are_on_their_way_than_agreed() -> None:
    server = Server()
    work = preload(server, keys(60_000))
    assert work.counts.loaded == 60_000
    assert MOST_UNDERWAY - PART <= server.most_underway <= MOST_UNDERWAY
    assert {taken for _, taken in server.requests} == {PART}


def test_keys_that_take_long_hold_up_nobody() -> None:
    server = Server()
    server.slow = {key: 5.0 for key in keys(60_000) if key.endswith(b"000")}
    work = preload(server, keys(60_000))
    assert work.counts.loaded == 60_000
    others_s = max(at_s for at_s, _ in server.requests)
    assert others_s - 50.0 < 2.0  # without them it takes 0.7
    assert server.looks < 600


def test_a_part_that_does_not_begin_is_put_aside() -> None:
    server = Server()
    server.slow = dict.fromkeys(keys(PART), 3.0)
    assert preload(server, keys(30_000)).counts.loaded == 30_000
    assert max(at_s for at_s, _ in server.requests) - 50.0 < 2.0


def test_a_server_without_room_is_asked_again() -> None:
    server = Server(takes_s=0.05)
    server.room = 300
    assert preload(server, keys(3000)).counts == Counts(loaded=3000)
    assert server.most_underway <= 300


def test_a_server_that_takes_nothing_is_given_up_in_the_end() -> None:
    server = Server()
    server.room = 0
    work = preload(server, keys(12_000), patience_s=7)
    assert work.counts == Counts(refused=12_000)
    assert 7 <= server.now_s - 50.0 < 8
    assert len(work.failed) == FAILED_SHOWN
    assert len(server.requests) < 800  # it is not asked all the time


def test_patience_is_counted_from_the_last_news() -> None:
    server = Server(takes_s=4.0)
    server.slow = {b"k:1": 8.0, b"k:2": 12.0, b"k:3": 60.0}
    work = preload(server, keys(10), patience_s=5)
    assert work.counts == Counts(loaded=9, refused=1)


def test_what_was_asked_for_and_is_not_kept_is_no_failure() -> None:
    work = preload(Server(lambda key: "unknown" if key.endswith(b"0") else "loaded"), keys(100))
    assert work.counts == Counts(loaded=90, not_kept=10)
    assert (work.counts.wrong, str(work.counts)) == (0, "loaded 90, absent 0, failed 0, not kept 10")


def test_a_rate_is_kept() -> None:
    server = Server()
    preload(server, keys(1000), rate=100)
    assert 9.9 <= server.now_s - 50.0 < 10.5
    assert all(taken <= 10 for _, taken in server.requests)


def test_partitions_that_change_hands_are_waited_for() -> None:
    server = Server()
    server.errors = ["TRYAGAIN the owner has changed", "CLUSTERDOWN nobody", "TIMEOUT no answer"]
    assert preload(server, keys(100)).counts == Counts(loaded=100)


def test_other_errors_end_it() -> None:
    server = Server()
    server.errors = ["ERR no loader is configured"]
    with pytest.raises(ClientError, match="no loader is configured"):
        preload(server, keys(100))


def test_an_answer_that_is_none_ends_it() -> None:
    work = Preload(lambda *words: 1, [b"k"], sleep=lambda seconds: None)
    with pytest.raises(ClientError, match="the answer to LOADER STATE was 1"):
        list(work.run())


def test_keys_are_read_as_they_are_needed() -> None:
    read = 0

    def many() -> Iterator[bytes]:
        nonlocal read
        for key in keys(50_000):
            read += 1
            yield key

    server = Server()
    work = Preload(server.call, many(), now_s=lambda: server.now_s, sleep=server.sleep)
    next(work.run())
    assert read == MOST_UNDERWAY


@given(
    st.dictionaries(
        st.integers(0, 2000).map(lambda n: b"%d" % n), st.sampled_from([*FATES, "unknown", None])
    ),
    st.integers(1, 50),
    st.floats(0, 1),
)
def test_whatever_comes_all_keys_are_counted_once(
    fates: dict[bytes, str | None], room: int, takes_s: float
) -> None:
    server = Server(lambda key: fates.get(key, "loaded"), takes_s)
    server.room = room
    work = preload(server, fates)
    assert work.counts.done == len(fates)
    said = list(fates.values())
    assert [work.counts.loaded, work.counts.absent, work.counts.failed] == [
        said.count(fate) for fate in FATES
    ]
    assert work.counts.without_loader == said.count(None)
