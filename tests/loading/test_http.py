import json

import httpx2
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from respcache.loading import Loaded, Missing
from respcache.loading.http_answers import UnavailableError
from respcache.loading.values import WrongAnswerError
from tests.http_server import Asked, Reply, always, by_name

from .http_loaders import load, loading

pytestmark = pytest.mark.usefixtures("no_proxy")


# -- one key, one request ----------------------------------------


async def test_each_key_is_asked_for_by_its_name() -> None:
    async with loading(by_name(none=Reply(404)), headers={"X-Key": "s3cret"}) as (source, loader):
        assert await load(loader, "a", "none", "b/c d") == ["a", Missing, "b/c d"]
    assert {asked.target for asked in source.asked} == {"/p/a", "/p/none", "/p/b%2Fc%20d"}
    assert {asked.method for asked in source.asked} == {"GET"}
    assert source.asked[0].headers["x-key"] == "s3cret"
    assert source.asked[0].headers["accept-encoding"] == "identity"


HOSTILE = [
    "..",
    "../admin",
    "a/../../admin",
    "?x=1",
    "#f",
    "%2e%2e%2f",
    "a\r\nX-Evil: 1\r\n\r\nGET /admin",
    "a\0b",
    "@h:1/",
    "//h",
    "\\..\\",
    "a;b=c",
    "é\u202e",
    "*",
    "{id}",
]


async def test_hostile_keys_reach_the_source_as_one_piece_or_not_at_all() -> None:
    async with loading(by_name()) as (source, loader):
        found = await load(loader, *HOSTILE)
    assert [one for one in found if one is not Missing] == [
        name for name, one in zip(HOSTILE, found, strict=True) if one is not Missing
    ]
    assert found[:3] == [Missing] * 3
    assert len(source.asked) == len(found) - found.count(Missing)
    for asked in source.asked:
        assert asked.path.startswith("/p/")
        assert asked.target == asked.path
        assert asked.path.count("/") == 2
        assert "x-evil" not in asked.headers


async def test_keys_that_do_not_match_have_no_value_and_are_asked_nobody_for() -> None:
    async with loading(by_name()) as (source, loader):
        assert await loader.bulk_load([b"p:", b"p:\xff", b"other"]) == {
            b"p:": Missing,
            b"p:\xff": Missing,
            b"other": Missing,
        }
    assert source.asked == []


async def test_connections_are_used_again_and_no_more_are_made_than_may_be_used_at_once() -> None:
    async with loading(by_name(gone=Reply(404, b"x" * 1000)), concurrency=3, max_concurrent_batches=1) as (
        source,
        loader,
    ):
        source.gate = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: load(loader, *"abcde", "gone"))
            nursery.start_soon(lambda: load(loader, *"fghij"))
            await source.wait_until(lambda: source.busy >= 3)
            await wait_all_tasks_blocked(0.05)
            source.gate.set()
        await load(loader, "k", "gone")
    assert len(source.asked) == 13
    assert (source.most_at_once, source.connections) == (3, 3)


async def test_closing_closes_the_connections_and_a_loader_can_be_started_again() -> None:
    async with loading(by_name()) as (source, loader):
        await load(loader, "a")
        await loader.start()
        assert await load(loader, "b") == ["b"]
        await loader.close()
        await source.wait_until(lambda: not source.open_now)
        assert await load(loader, "c") == ["all: the loader is not running"]
    assert source.connections == 2


async def test_cookies_are_not_kept() -> None:
    async with loading(by_name(a=Reply(body=b"1", headers={"Set-Cookie": "session=1; Path=/"}))) as (
        source,
        loader,
    ):
        await load(loader, "a")
        await load(loader, "b")
    assert "cookie" not in source.asked[1].headers


async def test_a_life_can_be_told_by_the_source() -> None:
    reply = Reply(body=b"1", headers={"Cache-Control": "max-age=60"})
    async with loading(by_name(a=reply), use_max_age=True) as (_, loader):
        assert await load(loader, "a", "b") == [Loaded("1", 60), "b"]


async def test_bytes_are_kept_as_they_came() -> None:
    async with loading(always(body=b"\xff\0{"), value_type="body") as (_, loader):
        assert await load(loader, "a") == [b"\xff\0{"]


async def test_a_long_key_and_a_long_value_go_through() -> None:
    async with loading(by_name(), max_body="1mb") as (_, loader):
        assert await load(loader, "x" * 7000) == ["x" * 7000]
    value = b'"' + b"x" * 900_000 + b'"'
    async with loading(always(body=value, manner="chunked"), max_body="1mb") as (_, loader):
        assert await load(loader, "a") == ["x" * 900_000]


# -- what fails, fails alone ----------------------------------------


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Reply(500), "the source answers 500"),
        (Reply(403), "the source answers 403"),
        (Reply(302, headers={"Location": "/p/b"}), "the source redirects (302), which is not followed"),
        (
            Reply(302, headers={"Location": "http://[::1"}),
            "the source redirects (302), which is not followed",
        ),
        (
            Reply(body=b"<html>"),
            "the source's answer is not as expected: it is no such JSON: JSON is malformed: invalid character (byte 0)",
        ),
        (
            Reply(body=b"[1]"),
            "the source's answer is not as expected: it has no text at $, but more than one value",
        ),
        (
            Reply(headers={"Content-Encoding": "gzip"}),
            "the source's answer is compressed, which was not asked for",
        ),
        (Reply(body=b" " * 2000), "the source's answer is longer than 1000 bytes (max_body)"),
        (
            Reply(body=b" " * 2000, manner="chunked"),
            "the source's answer is longer than 1000 bytes (max_body)",
        ),
        (Reply(manner="endless"), "the source's answer is longer than 1000 bytes (max_body)"),
        (Reply(manner="long"), "the source's answer is longer than 1000 bytes (max_body)"),
        (Reply(manner="half"), "the source has not answered: RemoteProtocolError: peer closed connection"),
        (Reply(manner="hang_up"), "the source has not answered: RemoteProtocolError: Server disconnected"),
        (Reply(manner="garbage"), "the source has not answered: RemoteProtocolError: illegal status line"),
        (Reply(manner="huge_head"), "the source has not answered: RemoteProtocolError: "),
    ],
    ids=lambda value: f"{value.status}-{value.manner}" if isinstance(value, Reply) else "",
)
async def test_a_key_that_fails_leaves_the_others_alone(reply: Reply, text: str) -> None:
    async with loading(by_name(bad=reply), max_body=1000) as (_, loader):
        first, bad, last = await load(loader, "a", "bad", "c")
        assert (first, last) == ("a", "c")
        assert bad.startswith(text)
        assert len(bad) < 250
        assert await load(loader, "d") == ["d"]


async def test_an_endless_answer_is_not_read_to_its_limit_in_memory() -> None:
    async with loading(by_name(bad=Reply(body=b" " * 1000, manner="endless")), max_body=100_000) as (
        source,
        loader,
    ):
        await load(loader, "bad")
        await source.wait_until(lambda: not source.open_now)
    assert source.sent_bytes < 20_000_000  # what the kernel's buffers on both sides take, and a margin


@pytest.mark.parametrize("manner", ["stall", "slow_head"])
async def test_a_slow_key_has_its_time_and_leaves_the_others_alone(
    loopback_clock: MockClock, manner: str
) -> None:
    async with loading(by_name(bad=Reply(manner=manner)), request_timeout_ms=1500) as (_, loader):
        begin_s = trio.current_time()
        assert await load(loader, "a", "bad") == ["a", "the source has not answered within 1.5 s"]
        assert 1.5 <= trio.current_time() - begin_s < 3
        assert await load(loader, "c") == ["c"]


async def test_an_error_with_an_endless_body_is_told_at_once(loopback_clock: MockClock) -> None:
    async with loading(by_name(bad=Reply(404, b" " * 1000, manner="endless"))) as (_, loader):
        assert await load(loader, "bad") == [Missing]


async def test_an_error_whose_body_never_comes_is_told_soon(loopback_clock: MockClock) -> None:
    async with loading(by_name(bad=Reply(manner="missing"))) as (_, loader):
        begin_s = trio.current_time()
        assert await load(loader, "bad") == [Missing]
        assert trio.current_time() - begin_s < 2.5


async def test_an_error_whose_body_breaks_off_is_what_its_status_says() -> None:
    async with loading(by_name(bad=Reply(manner="half_missing"))) as (_, loader):
        assert await load(loader, "bad", "a") == [Missing, "a"]


async def test_no_request_is_begun_when_nobody_waits_any_more(loopback_clock: MockClock) -> None:
    async with loading(always(manner="stall"), concurrency=2, timeout_ms=1000, request_timeout_ms=600) as (
        source,
        loader,
    ):
        keys = [f"p:{number}".encode() for number in range(20)]
        begin_s = trio.current_time()
        with pytest.raises(UnavailableError, match=r"has not answered within 0.6 s"):
            await loader.bulk_load(keys)
        assert trio.current_time() - begin_s < 2
    assert len(source.asked) == 4


# -- the source is away ----------------------------------------


async def test_where_nobody_listens_all_keys_fail_together() -> None:
    async with loading(by_name(), url="http://127.0.0.1:1/{id}") as (_, loader):
        (text,) = await load(loader, *"abc")
    assert text.startswith("all: the source cannot be reached: ConnectError: ")


async def test_a_source_that_takes_no_connection_is_not_asked_for_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:

    tries = 0

    async def refuse(self: object, request: object) -> object:
        nonlocal tries
        tries += 1
        await trio.lowlevel.checkpoint()
        raise httpx2.ConnectError("refused")

    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", refuse)
    async with loading(by_name(), concurrency=2) as (_, loader):
        assert await load(loader, *"abcdefgh") == ["all: the source cannot be reached: ConnectError: refused"]
    assert tries == 2


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_trouble_of_the_source_for_all_keys_is_raised(status: int) -> None:
    async with loading(always(status)) as (_, loader):
        assert await load(loader, "a", "..", "b") == [f"all: the source answers {status}"]


async def test_refusals_of_all_keys_are_no_trouble_of_the_source() -> None:
    async with loading(always(403)) as (_, loader):
        assert await load(loader, "a", "b") == ["the source answers 403"] * 2


async def test_refusals_are_not_tried_again_and_trouble_is() -> None:
    async with loading(by_name(no=Reply(403), busy=Reply(503))) as (_, loader):
        found = await loader.bulk_load([b"p:no", b"p:busy", b"p:a"])
    assert isinstance(found[b"p:no"], WrongAnswerError)
    assert isinstance(found[b"p:busy"], UnavailableError)
    assert not isinstance(found[b"p:busy"], WrongAnswerError)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_source_that_asks_for_a_pause_gets_it(loopback_clock: MockClock, status: int) -> None:
    replies = [Reply(status, headers={"Retry-After": "5"})]
    async with loading(lambda asked: replies.pop() if replies else by_name()(asked), concurrency=1) as (
        source,
        loader,
    ):
        assert await load(loader, "a", "b") == [
            f"all: the source answers {status} and asks for a pause of 5 s"
        ]
        await trio.sleep(4)
        assert await load(loader, "a") == ["all: the source has asked for a pause, of which 1.0 s are left"]
        assert len(source.asked) == 1
        await trio.sleep(1.5)
        assert await load(loader, "a") == ["a"]


# -- many keys, one request ----------------------------------------


def shop(asked: Asked) -> Reply:
    """Answer for keys 1 to 3, as a map or as a list."""
    wanted = asked.document["keys"] if asked.method == "POST" else [value for _, value in asked.parameters]
    if asked.path == "/list":
        return Reply(
            body=json.dumps(
                {"items": [{"id": int(one), "v": f"v{one}"} for one in wanted if one in "123"]}
            ).encode()
        )
    return Reply(body=json.dumps({one: f"v{one}" for one in wanted if one in "123"}).encode())


async def test_many_keys_are_asked_for_by_one_post() -> None:
    async with loading(shop, batch_url="{source}/map") as (source, loader):
        assert await load(loader, "1", "9", "3") == ["v1", Missing, "v3"]
    (asked,) = source.asked
    assert (asked.method, asked.target, asked.document) == ("POST", "/map", {"keys": ["1", "9", "3"]})
    assert asked.headers["content-type"] == "application/json"


async def test_many_keys_are_asked_for_by_one_get() -> None:
    table = {
        "batch_url": "{source}/list",
        "batch_method": "GET",
        "batch_items": "$.items",
        "batch_key": "id",
        "value": "$.v",
    }
    async with loading(shop, **table) as (source, loader):
        assert await load(loader, "1", "9", "3") == ["v1", Missing, "v3"]
    assert [asked.target for asked in source.asked] == ["/list?id=1&id=9&id=3"]


async def test_more_keys_than_a_url_has_room_for_are_asked_for_by_several_gets() -> None:
    table = {"batch_url": "{source}/map", "batch_method": "GET"}
    async with loading(
        lambda asked: Reply(body=json.dumps({value: "v" for _, value in asked.parameters}).encode()), **table
    ) as (source, loader):
        names = [str(number) * 1000 for number in range(10, 40)]
        assert await load(loader, *names) == ["v"] * 30
    assert len(source.asked) == 10


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Reply(503), "all: the source answers 503"),
        (
            Reply(manner="half"),
            "all: the source has not answered: RemoteProtocolError: peer closed connection",
        ),
        (Reply(403), "the source answers 403"),
        (
            Reply(body=b"[]"),
            "the source's answer is not as expected: it is no such JSON: Expected `object`, got `array`",
        ),
        (Reply(manner="endless"), "the source's answer is longer than 1000 bytes (max_body)"),
    ],
    ids=lambda value: f"{value.status}-{value.manner}" if isinstance(value, Reply) else "",
)
async def test_a_batch_that_fails_fails_all_its_keys(reply: Reply, text: str) -> None:
    async with loading(lambda _: reply, batch_url="{source}/map", max_body=1000) as (_, loader):
        found = await load(loader, "1", "2")
    assert {one[: len(text)] for one in found} == {text}


async def test_a_post_is_redirected_only_where_it_stays_a_post() -> None:
    def answer(asked: Asked) -> Reply:
        status = {"/a": 307, "/b": 302}.get(asked.path)
        return Reply(status, headers={"Location": "/map"}) if status else shop(asked)

    async with loading(answer, batch_url="{source}/a", follow_redirects=True) as (source, loader):
        assert await load(loader, "1") == ["v1"]
        assert [(asked.method, asked.target) for asked in source.asked] == [("POST", "/a"), ("POST", "/map")]
    async with loading(answer, batch_url="{source}/b", follow_redirects=True) as (_, loader):
        assert await load(loader, "1") == ["the source redirects (302), which is not followed"]
