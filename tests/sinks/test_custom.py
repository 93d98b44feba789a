import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from respcache.events.record import Event
from respcache.sinks.custom import CustomOutlet, custom_outlet
from respcache.sinks.settings import CustomSettings, SinkSettingsError
from tests.rows import every_row

from .fakes import flushed

HERE = __name__


class Collector:
    """Keeps events, and notes in which thread it was told."""

    def __init__(self, label: str = "plain") -> None:
        self.label = label
        self.events: list[Event] = []
        self.threads: set[int] = set()
        self.is_closed = False

    def deliver_batch(self, events: Sequence[Event]) -> None:
        self.threads.add(threading.get_ident())
        self.events += events

    def close(self) -> None:
        self.is_closed = True


class AsyncCollector:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.is_closed = False

    async def deliver_batch(self, events: Sequence[Event]) -> None:
        await trio.sleep(1)
        self.events += events

    async def close(self) -> None:
        self.is_closed = True


class WithoutMethod:
    pass


class Explosive:
    def __init__(self) -> None:
        raise RuntimeError("no fuse")


async def test_a_plain_method_is_called_in_a_thread() -> None:
    collector = Collector()
    await CustomOutlet(collector, timeout_s=5).write([flushed(1), flushed(2)])
    assert collector.events == [flushed(1), flushed(2)]
    assert threading.get_ident() not in collector.threads


async def test_an_async_method_is_awaited(autojump_clock: MockClock) -> None:
    collector = AsyncCollector()
    await CustomOutlet(collector, timeout_s=5).write([flushed(1)])
    assert collector.events == [flushed(1)]


async def test_an_async_method_has_its_time(autojump_clock: MockClock) -> None:
    collector = AsyncCollector()
    with pytest.raises(trio.TooSlowError):
        await CustomOutlet(collector, timeout_s=0.5).write([flushed(1)])
    assert collector.events == []


async def test_a_thread_that_outlives_its_time_is_left_alone_and_never_joined_by_another() -> None:
    calls, gate = list[int](), threading.Event()

    class Stuck:
        def deliver_batch(self, events: Sequence[Event]) -> None:
            calls.append(len(events))
            gate.wait(10)

    outlet = CustomOutlet(Stuck(), timeout_s=0.05)
    for _ in range(3):
        with pytest.raises(trio.TooSlowError):
            await outlet.write([flushed(1)])
    gate.set()
    assert calls == [1]


@pytest.mark.parametrize("kind", [Collector, AsyncCollector])
async def test_closing_is_passed_on(kind: type[Collector | AsyncCollector]) -> None:
    collector = kind()
    await CustomOutlet(collector, timeout_s=5).close()
    assert collector.is_closed


async def test_a_class_without_close_needs_none() -> None:
    await CustomOutlet(WithoutMethod(), timeout_s=5).close()


async def test_the_class_is_imported_and_made_with_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Collector] = []

    def make(label: str) -> Collector:
        made.append(Collector(label))
        return made[-1]

    monkeypatch.setattr(sys.modules[HERE], "Made", make, raising=False)
    outlet = custom_outlet(CustomSettings(target=f"{HERE}:Made", options={"label": "mine"}))
    await outlet.write([flushed(1)])
    assert (made[0].label, made[0].events) == ("mine", [flushed(1)])


@every_row(
    ("target", "options", "complaint"),
    [
        ("no-colon", {}, "sink custom: 'no-colon' should look like package.module:Class"),
        (":Class", {}, "should look like package.module:Class"),
        ("module:", {}, "should look like package.module:Class"),
        (
            "no_such_module_anywhere:Class",
            {},
            "cannot import no_such_module_anywhere: ModuleNotFoundError: No module named 'no_such_module_anywhere'",
        ),
        (".relative:Class", {}, "cannot import .relative: TypeError"),
        (f"{HERE}:NoSuchClass", {}, f"{HERE} has no NoSuchClass"),
        (f"{HERE}:HERE", {}, f"{HERE}:HERE cannot be called"),
        (f"{HERE}:Collector", {"colour": 1}, r"cannot make it with the options \['colour'\]: TypeError"),
        (f"{HERE}:Explosive", {}, r"cannot make it: RuntimeError: no fuse"),
        (f"{HERE}:WithoutMethod", {}, r"WithoutMethod has no method deliver_batch\(events\)"),
    ],
)
def test_a_class_that_cannot_be_used_is_refused_with_the_reason(
    target: str, options: dict[str, object], complaint: str
) -> None:
    with pytest.raises(SinkSettingsError, match=complaint):
        custom_outlet(CustomSettings(target=target, options=options))


def test_an_error_within_the_module_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "module_that_breaks.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        SinkSettingsError, match="cannot import module_that_breaks: ZeroDivisionError"
    ) as caught:
        custom_outlet(CustomSettings(target="module_that_breaks:Class"))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
