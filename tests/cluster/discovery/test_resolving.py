import socket
import threading

import pytest
import trio
import trio.testing

from respcache.cluster.discovery.protocol import SourceError
from respcache.cluster.discovery.resolving import MOST_THREADS, SystemLookup

PATIENCE_S = 8.0
"""For what takes no time on a machine that is not busy; less than a thread hangs below."""


async def test_a_number_needs_no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "getaddrinfo")
    assert await SystemLookup()("0::1", 7) == [("::1", 7)]


async def test_the_system_knows_this_machine() -> None:
    found = await SystemLookup()("localhost", 17001)
    assert {("127.0.0.1", 17001), ("::1", 17001)} & set(found)


@pytest.mark.parametrize("host", ["nobody.invalid", "a" * 64 + ".invalid", "\udcff.invalid"])
async def test_an_unknown_name_is_a_trouble_of_the_source(host: str) -> None:
    with pytest.raises(SourceError, match="cannot resolve"):
        await SystemLookup()(host, 1)


async def test_an_address_that_comes_twice_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 1))
    mapped = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::ffff:10.0.0.1", 1, 0, 0))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [one, one, mapped])
    assert await SystemLookup()("cache", 1) == [("10.0.0.1", 1)]


async def test_a_resolver_that_hangs_holds_few_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, started = threading.Event(), list[int]()

    def hang(*_: object, **__: object) -> list[object]:
        started.append(1)
        may_end.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    lookup = SystemLookup()
    async with trio.open_nursery() as nursery:
        for _ in range(3 * MOST_THREADS):
            nursery.start_soon(lookup, "cache", 1)
        with trio.fail_after(PATIENCE_S):
            while len(started) < MOST_THREADS:  # noqa: ASYNC110  # threads that hang tell nobody
                await trio.sleep(0.005)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    may_end.set()
    assert len(started) == MOST_THREADS
