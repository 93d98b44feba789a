import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from respcache.events.excerpt import Excerpt
from respcache.events.vocabulary import Expired
from respcache.sinks.assembly import make_sink
from respcache.sinks.settings import SinkSettingsError, WebhookSettings
from respcache.sinks.supervisor import Supervisor
from respcache.sinks.webhook import WebhookError, WebhookOutlet
from tests.http_server import Reply

from .fakes import Steady, flushed, strict_bus
from .receiver import FINE, Receiver, whole_seconds

pytestmark = pytest.mark.usefixtures("no_proxy")

NOT_NOW = Reply(503)


@asynccontextmanager
async def outlet_to(receiver: Receiver, **options: Any) -> AsyncIterator[WebhookOutlet]:
    settings = WebhookSettings(**{"url": receiver.hook, "first_pause_s": 1, "longest_pause_s": 4, **options})
    outlet = WebhookOutlet(settings, "alpha", Steady(1))
    try:
        yield outlet
    finally:
        await outlet.close()


async def test_a_batch_is_posted_as_json() -> None:
    async with Receiver().running() as receiver, outlet_to(receiver) as outlet:
        await outlet.write([flushed(1), flushed(2)])
    (request,) = receiver.asked
    assert (request.method, request.target) == ("POST", "/hook")
    assert request.headers["content-type"] == "application/json"
    assert request.document["node"] == "alpha"
    assert request.document["events"] == [
        {"kind": "flushed", "at_ms": 1001, "node": "alpha", "db": 1},
        {"kind": "flushed", "at_ms": 1002, "node": "alpha", "db": 2},
    ]


async def test_values_are_cut_at_the_limit() -> None:
    async with Receiver().running() as receiver, outlet_to(receiver, value_limit_bytes=3) as outlet:
        await outlet.write([Expired(0, "alpha", 0, b"k", Excerpt(b"value"))])
    assert receiver.asked[0].document["events"][0]["value"] == "val"


async def test_headers_of_the_settings_are_sent() -> None:
    async with (
        Receiver().running() as receiver,
        outlet_to(receiver, headers={"Authorization": "Bearer token"}) as outlet,
    ):
        await outlet.write([flushed(1)])
    assert receiver.asked[0].headers["authorization"] == "Bearer token"


@pytest.mark.parametrize("answer", [FINE, Reply(body=b""), Reply(204, b"", manner="chunked")])
async def test_one_connection_serves_all_batches(answer: Reply) -> None:
    receiver = Receiver()
    receiver.answers = [answer] * 3
    async with receiver.running(), outlet_to(receiver) as outlet:
        for number in range(3):
            await outlet.write([flushed(number)])
    assert receiver.databases == [[0], [1], [2]]
    assert receiver.connections == 1


async def test_every_batch_has_a_name_of_its_own() -> None:
    async with Receiver().running() as receiver, outlet_to(receiver) as outlet:
        await outlet.write([flushed(1)])
        await outlet.write([flushed(2)])
    first, second = receiver.asked
    assert first.document["batch"] == first.headers["idempotency-key"]
    assert first.document["batch"] != second.document["batch"]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
async def test_a_receiver_that_says_not_now_is_asked_again(loopback_clock: MockClock, status: int) -> None:
    receiver = Receiver()
    receiver.answers = [Reply(status)]
    async with receiver.running(), outlet_to(receiver) as outlet:
        await outlet.write([flushed(1)])
    assert receiver.databases == [[1], [1]]


async def test_a_repeated_batch_keeps_its_name(loopback_clock: MockClock) -> None:
    receiver = Receiver()
    receiver.answers = [NOT_NOW]
    async with receiver.running(), outlet_to(receiver) as outlet:
        await outlet.write([flushed(1)])
    first, second = receiver.asked
    assert first.body == second.body


async def test_pauses_grow_up_to_the_longest(loopback_clock: MockClock) -> None:
    receiver = Receiver()
    receiver.answers = [NOT_NOW] * 5
    async with receiver.running(), outlet_to(receiver) as outlet:
        await outlet.write([flushed(1)])
    assert whole_seconds(receiver.asked) == [0, 1, 3, 7, 11, 15]


async def test_a_batch_is_given_up_after_the_last_attempt(loopback_clock: MockClock) -> None:
    receiver = Receiver()
    receiver.answers = [NOT_NOW] * 9
    async with receiver.running(), outlet_to(receiver, attempts=3) as outlet:
        with pytest.raises(WebhookError, match="gave up after 3 attempts: the answer was 503"):
            await outlet.write([flushed(1)])
    assert len(receiver.asked) == 3


@pytest.mark.parametrize("status", [301, 400, 401, 404, 413])
async def test_a_refusal_is_not_argued_with(loopback_clock: MockClock, status: int) -> None:
    receiver = Receiver()
    receiver.answers = [Reply(status)]
    async with receiver.running(), outlet_to(receiver) as outlet:
        with pytest.raises(WebhookError, match=f"refused with {status}"):
            await outlet.write([flushed(1)])
    assert len(receiver.asked) == 1


@pytest.mark.parametrize("manner", ["stall", "drip"])
async def test_a_receiver_that_never_ends_its_answer_has_its_time(
    loopback_clock: MockClock, manner: str
) -> None:
    receiver = Receiver()
    receiver.answers = [Reply(body=b"." * 1000, manner=manner)]
    async with receiver.running(), outlet_to(receiver, timeout_s=20) as outlet:
        await outlet.write([flushed(1)])
    assert whole_seconds(receiver.asked) == [0, 21]


async def test_a_connection_that_breaks_is_made_again(loopback_clock: MockClock) -> None:
    receiver = Receiver()
    receiver.answers = [FINE, Reply(manner="hang_up")]
    async with receiver.running(), outlet_to(receiver) as outlet:
        await outlet.write([flushed(1)])
        await outlet.write([flushed(2)])
    assert receiver.databases == [[1], [2], [2]]
    assert receiver.connections == 2


async def test_a_long_answer_is_not_read(loopback_clock: MockClock) -> None:
    receiver = Receiver()
    receiver.answers = [Reply(body=b"." * 10_000_000)]
    async with receiver.running(), outlet_to(receiver) as outlet:
        await outlet.write([flushed(1)])
        await outlet.write([flushed(2)])
    assert receiver.connections == 2


async def test_a_receiver_that_comes_back_gets_the_batch(loopback_clock: MockClock) -> None:
    receiver = Receiver()
    async with receiver.running():
        pass
    async with trio.open_nursery() as nursery, outlet_to(receiver) as outlet:
        nursery.start_soon(outlet.write, [flushed(1)])
        await trio.sleep(5)
        async with receiver.running(port=receiver.port):
            await trio.sleep(5)
    assert receiver.databases == [[1]]


async def test_an_error_tells_nothing_of_the_urls_secrets(loopback_clock: MockClock) -> None:
    receiver = Receiver()
    async with receiver.running():
        pass
    async with outlet_to(receiver, url=f"{receiver.hook}/token", attempts=1) as outlet:
        with pytest.raises(WebhookError, match="ConnectError") as caught:
            await outlet.write([flushed(1)])
    assert "token" not in str(caught.value)


async def test_nothing_of_the_urls_secrets_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with Receiver().running() as receiver, outlet_to(receiver, url=f"{receiver.hook}/token") as outlet:
        await outlet.write([flushed(1)])
    assert "/hook/token" in receiver.asked[0].target
    assert "token" not in caplog.text


async def test_a_stalled_receiver_slows_nobody_and_is_told_what_it_missed(
    nursery: trio.Nursery, loopback_clock: MockClock
) -> None:
    receiver, bus, errors = Receiver(), strict_bus(), list[str]()
    receiver.answers = [Reply(manner="stall")]
    async with receiver.running():
        settings = WebhookSettings(
            url=receiver.hook, queue_length=4, most_per_batch=2, linger_s=1, timeout_s=30, attempts=1
        )
        sink = make_sink(settings, "alpha", Steady(1))
        supervisor = Supervisor(bus, [sink], Steady(1), lambda name, error: errors.append(str(error)))
        supervisor.start(nursery)
        for number in range(10):
            bus.publish(flushed(number))
            await trio.sleep(0.6)
        assert trio.current_time() == pytest.approx(6)
        await trio.sleep(60)
        await supervisor.drain(1)
    assert receiver.databases == [[0, 1], [None, 6, 7], [8, 9]]
    assert receiver.asked[1].document["events"][0]["count"] == 6
    assert errors == ["gave up after 1 attempts: no answer within 30 s"]
    statistics = sink.statistics()
    assert (statistics.delivered, statistics.dropped, statistics.failed) == (4, 4, 2)


def test_without_httpx2_the_operator_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(SinkSettingsError, match=r"sink webhook: .*pip install 'respcache\[webhook\]'"):
        WebhookOutlet(WebhookSettings(url="http://127.0.0.1/"), "alpha", Steady(1))


@pytest.mark.parametrize(
    "options", [{"url": "http://[::1/"}, {"url": "http://h:port/"}, {"headers": {"X": "\u2603"}}]
)
def test_settings_that_httpx2_cannot_use_are_refused_at_the_start(options: dict[str, Any]) -> None:
    with pytest.raises(SinkSettingsError, match="sink webhook: "):
        WebhookOutlet(WebhookSettings(**{"url": "http://127.0.0.1/", **options}), "alpha", Steady(1))
