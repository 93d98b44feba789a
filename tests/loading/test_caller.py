"""How a loader's methods are called, and what is made of everything that they may do wrong."""

import threading
from collections.abc import Awaitable, Mapping
from typing import Any

import pytest
import trio

from respcache.loading.caller import Caller
from respcache.loading.loader import KEEP, Change, Loaded, Loader, LoadError, Missing
from respcache.loading.options import options_of
from respcache.loading.values import AS_SET, Found, Plain, WrongAnswerError
from tests.loading.rig import until


class Fixed(Loader):
    pattern = "*"
    max_concurrent_batches = 2

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def bulk_load(self, keys: list[bytes]) -> Any:
        self.thread = threading.current_thread()
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class FixedAsync(Fixed):
    async def bulk_load(self, keys: list[bytes]) -> Any:
        return Fixed.bulk_load(self, keys)


def caller_of(loader: Loader) -> Caller:
    return Caller(loader, options_of(loader))


def shown(outcome: Any) -> Any:
    """Return an outcome as something that can be compared."""
    if isinstance(outcome, Found):
        return outcome.value if outcome.life_ms == AS_SET else (outcome.value, outcome.life_ms)
    return str(outcome) if isinstance(outcome, LoadError) else outcome


async def load(loader: Loader, *keys: bytes, olds: Mapping[bytes, Plain] = {}) -> dict[bytes, Any]:
    outcomes = await caller_of(loader).load(list(keys), olds, 0)
    return {key: shown(outcome) for key, outcome in outcomes.items()}


@pytest.mark.parametrize("kind", [Fixed, FixedAsync])
async def test_keys_without_an_answer_are_missing(kind: type[Fixed]) -> None:
    loader = kind({b"a": b"1", "b": "ü", b"c": None, b"d": Missing, b"e": Loaded({"f": "v"}, 5)})
    assert await load(loader, b"a", b"b", b"c", b"d", b"e", b"f") == {
        b"a": b"1",
        b"b": "ü".encode(),
        b"c": Missing,
        b"d": Missing,
        b"e": ({b"f": b"v"}, 5000),
        b"f": Missing,
    }
    assert (loader.thread is threading.main_thread()) == (kind is FixedAsync)


@pytest.mark.parametrize("kind", [Fixed, FixedAsync])
@pytest.mark.parametrize("error", [ValueError("x"), LoadError("x")])
async def test_what_bulk_load_raises_gets_out(kind: type[Fixed], error: Exception) -> None:
    with pytest.raises(type(error), match="x"):
        await load(kind(error), b"a")


@pytest.mark.parametrize("kind", [Fixed, FixedAsync])
async def test_a_loader_that_wants_to_end_the_process_only_fails(kind: type[Fixed]) -> None:
    class Exits(kind):  # type: ignore[misc, valid-type]  # one of two classes
        pass

    loader = Exits(SystemExit(3))
    with pytest.raises(LoadError, match="SystemExit: 3"):
        await load(loader, b"a")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([b"a"], "must return a mapping, not list"),
        (5, "must return a mapping, not int"),
        ({5: b"x"}, "must return bytes or str as keys, not int"),
    ],
)
async def test_what_is_no_mapping_is_refused(answer: Any, reason: str) -> None:
    with pytest.raises(WrongAnswerError, match=reason):
        await load(Fixed(answer), b"a")


async def test_one_wrong_value_fails_its_own_key_only() -> None:
    answer = {
        b"a": 5,
        b"b": {b"f": None},
        b"c": Loaded(b"x", -1),
        b"d": Loaded(b"x", None),  # type: ignore[arg-type]  # that is the point
        b"e": "\ud800",
        b"f": b"right",
        b"g": KEEP,
        b"h": LoadError("locked"),
    }
    got = await load(Fixed(answer), *answer)
    assert got.pop(b"f") == b"right"
    assert got == {
        b"a": "a value must be bytes, str or a mapping of these, not int",
        b"b": "fields and their values must be bytes or str, not NoneType",
        b"c": "no life in seconds: -1",
        b"d": "no life in seconds: None",
        b"e": got[b"e"],
        b"g": "KEEP was returned for a key that is not there",
        b"h": "locked",
    }
    assert got[b"e"].startswith("the value cannot be read: UnicodeEncodeError")


async def test_answers_that_nobody_asked_for_are_counted_and_left_out() -> None:
    caller = caller_of(Fixed({b"a": b"1", b"z": b"2"}))
    assert list(await caller.load([b"a"], {}, 0)) == [b"a"]
    assert caller.unasked == 1


# -- key_exists, new and refresh ---------------------------------------------------


class Asking(Fixed):
    def key_exists(self, key: bytes) -> bool:
        if key == b"bad":
            raise KeyError("who knows")
        return key != b"none"

    def bulk_load(self, keys: list[bytes]) -> Any:
        self.asked = keys
        return dict.fromkeys(keys, b"v")


class AskingAsync(Asking):
    async def key_exists(self, key: bytes) -> bool:  # type: ignore[override]  # either is allowed
        return Asking.key_exists(self, key)


@pytest.mark.parametrize("kind", [Asking, AskingAsync])
async def test_only_keys_that_exist_are_asked_for(kind: type[Asking]) -> None:
    loader = kind({})
    outcomes = await load(loader, b"a", b"none", b"bad")
    assert outcomes == {b"a": b"v", b"none": Missing, b"bad": "KeyError: 'who knows'"}
    assert loader.asked == [b"a"]
    del loader.asked
    assert await load(loader, b"none") == {b"none": Missing}
    assert not hasattr(loader, "asked")


class Making(Fixed):
    def new(self, key: bytes, datum: Any) -> Any:
        if datum == b"bad":
            raise ValueError("cannot")
        return b"new " + datum

    def refresh(self, key: bytes, old: Any, datum: Any) -> Any:
        return KEEP if old == datum else b"not " + old


class MakingAsync(Making):
    async def new(self, key: bytes, datum: Any) -> Any:
        return Making.new(self, key, datum)

    async def refresh(self, key: bytes, old: Any, datum: Any) -> Any:
        return Making.refresh(self, key, old, datum)


class MakingLater(Making):
    """Plain functions that return awaitables, as decorators make them."""

    def new(self, key: bytes, datum: Any) -> Awaitable[Any]:
        return MakingAsync.new(self, key, datum)  # type: ignore[arg-type]  # it only needs a Making

    def bulk_load(self, keys: list[bytes]) -> Awaitable[Any]:
        return FixedAsync.bulk_load(self, keys)  # type: ignore[arg-type]  # the same


@pytest.mark.parametrize("kind", [Making, MakingAsync, MakingLater])
async def test_values_are_made_by_new_or_by_refresh_of_the_old_one(kind: type[Making]) -> None:
    loader = kind({b"a": b"1", b"b": b"bad", b"c": b"3", b"d": b"4"})
    assert await load(loader, b"a", b"b", b"c", b"d", b"e", olds={b"c": b"3", b"d": b"x"}) == {
        b"a": b"new 1",
        b"b": "ValueError: cannot",
        b"c": KEEP,
        b"d": b"not x",
        b"e": Missing,
    }


class MakingOnly(Fixed):
    def new(self, key: bytes, datum: Any) -> Any:
        return b"new " + datum


async def test_without_refresh_values_are_made_anew_by_new() -> None:
    assert await load(MakingOnly({b"a": b"1"}), b"a", olds={b"a": b"x"}) == {b"a": b"new 1"}


# -- threads ---------------------------------------------------------------------------


async def test_threads_are_bounded_and_those_given_up_are_known() -> None:
    go_on = threading.Event()

    class Slow(Fixed):
        def bulk_load(self, keys: list[bytes]) -> Any:
            go_on.wait(20)
            return {}

    caller = caller_of(Slow({}))
    for abandoned in (0, 2):
        with trio.move_on_after(0.05):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(caller.load, [b"a"], {}, 0)
                nursery.start_soon(caller.load, [b"b"], {}, 0)
                nursery.start_soon(caller.load, [b"c"], {}, 0)
                await trio.sleep(0.02)
                assert caller.abandoned == abandoned
    assert caller.abandoned == 2
    go_on.set()
    await until(lambda: not caller.abandoned)
    assert await caller.load([b"a"], {}, 0) == {b"a": Missing}


# -- writing, starting, closing -----------------------------------------------------------


class Writing(Fixed):
    def __init__(self) -> None:
        super().__init__({})
        self.did: list[Any] = []

    def write(self, key: bytes, value: Any) -> None:
        self.did.append((key, value))

    async def delete(self, key: bytes) -> None:
        self.did.append(key)

    def start(self) -> None:
        self.did.append("start")

    async def close(self) -> None:
        self.did.append("close")


async def test_changes_are_written_in_order() -> None:
    loader = Writing()
    caller = caller_of(loader)
    await caller.start()
    await caller.write([Change(b"a", b"1"), Change(b"b", None), Change(b"a", {b"f": b"v"})])
    await caller.close()
    assert loader.did == ["start", (b"a", b"1"), b"b", (b"a", {b"f": b"v"}), "close"]


async def test_changes_are_written_at_once_where_the_loader_can() -> None:
    class Bulk(Writing):
        async def bulk_write(self, changes: list[Change]) -> None:
            self.did.append(changes)

    loader = Bulk()
    changes = [Change(b"a", b"1"), Change(b"b", None)]
    await caller_of(loader).write(changes)
    assert loader.did == [changes]


async def test_who_cannot_delete_says_so() -> None:
    class Keeping(Fixed):
        def write(self, key: bytes, value: Any) -> None:
            raise AssertionError("nothing is written")

    with pytest.raises(LoadError, match="no method delete"):
        await caller_of(Keeping({})).write([Change(b"a", None)])
    await caller_of(Keeping({})).start()
    await caller_of(Keeping({})).close()


class Remembering(Fixed):
    exists_expiration = 10

    def __init__(self, answer: Any) -> None:
        super().__init__(answer)
        self.asked: list[bytes] = []

    def key_exists(self, key: bytes) -> bool:
        self.asked.append(key)
        return key != b"no"


async def test_what_is_known_to_exist_is_not_asked_again_for_a_while() -> None:
    loader = Remembering({b"a": b"1", b"b": b"2"})
    caller = caller_of(loader)
    assert shown((await caller.load([b"a", b"no"], {}, 0))[b"no"]) is Missing
    assert shown((await caller.load([b"a", b"b"], {}, 9_999))[b"a"]) == b"1"
    assert loader.asked == [b"a", b"no", b"b"]
    await caller.load([b"a"], {}, 10_000)
    assert loader.asked == [b"a", b"no", b"b", b"a"]


async def test_a_key_that_is_not_found_although_it_exists_is_asked_for_again() -> None:
    loader = Remembering({})
    caller = caller_of(loader)
    for now_ms in (0, 1):
        assert await caller.load([b"a"], {}, now_ms) == {b"a": Missing}
    assert loader.asked == [b"a", b"a"]
