import pytest
import trio
from trio.testing import MockClock

from respcache.cluster.discovery.protocol import Discovery, SourceError
from respcache.cluster.discovery.watch import MOST_ENDPOINTS, Watch, described

from .fakes import ME, Names, Scripted


def watching(source: Discovery, names: Names | None = None) -> Watch:
    return Watch(source, ME, names or Names(), timeout_s=5)


async def test_names_become_all_their_addresses() -> None:
    watch = watching(Scripted(["cache:1", "10.0.0.9:2"]), Names(cache=["10.0.0.1", "10.0.0.2"]))
    await watch.ask()
    assert sorted(watch.addresses) == [("10.0.0.1", 1), ("10.0.0.2", 1), ("10.0.0.9", 2)]


async def test_a_peer_without_a_port_has_ours() -> None:
    watch = watching(Scripted(["10.0.0.9", "[::2]"]))
    await watch.ask()
    assert watch.addresses == [("10.0.0.9", 17001), ("::2", 17001)]


async def test_an_error_keeps_the_last_list() -> None:
    watch = watching(Scripted(["10.0.0.9:2"], OSError("away")))
    await watch.ask()
    await watch.ask()
    assert watch.addresses == [("10.0.0.9", 2)]
    assert watch.outage.trouble == "OSError: away"


async def test_an_empty_answer_is_no_error() -> None:
    watch = watching(Scripted(["10.0.0.9:2"], []))
    await watch.ask()
    await watch.ask()
    assert watch.addresses == []
    assert watch.outage.trouble is None


async def test_names_are_resolved_at_every_question() -> None:
    names = Names(cache=["10.0.0.1"])
    watch = watching(Scripted(["cache:1"]), names)
    await watch.ask()
    names.hosts["cache"] = ["10.0.0.2"]
    await watch.ask()
    assert watch.addresses == [("10.0.0.2", 1)]


async def test_a_name_that_fails_keeps_its_addresses_and_hides_no_others() -> None:
    names = Names(one=["10.0.0.1"], two=["10.0.0.2"])
    watch = watching(Scripted(["one:1", "two:1", "three:1"]), names)
    await watch.ask()
    names.hosts = {"two": ["10.0.0.3"]}
    await watch.ask()
    assert watch.addresses == [("10.0.0.1", 1), ("10.0.0.3", 1)]
    assert watch.outage.trouble == "cannot resolve one (and 1 more)"


async def test_a_name_that_hangs_has_its_time(autojump_clock: MockClock) -> None:
    names = Names(one=["10.0.0.1"])
    names.hanging = {"two"}
    watch = watching(Scripted(["two:1", "one:1"]), names)
    await watch.ask()
    assert trio.current_time() == pytest.approx(5)
    assert watch.addresses == [("10.0.0.1", 1)]
    assert watch.outage.trouble == "cannot resolve two within 5 s"


async def test_a_source_that_hangs_has_its_time(autojump_clock: MockClock) -> None:
    watch = watching(Scripted(["10.0.0.1:1"], takes_s=1000))
    await watch.ask()
    assert trio.current_time() == pytest.approx(5)
    assert watch.outage.trouble == "no answer within 5 s"


async def test_nonsense_in_an_answer_hides_nothing_else() -> None:
    watch = watching(Scripted(["a b", "0.0.0.0:1", "10.0.0.1:1", "10.0.0.2:0"]))
    await watch.ask()
    assert watch.addresses == [("10.0.0.1", 1)]
    assert watch.outage.trouble == "'10.0.0.2:0': a port is a number from 1 to 65535 (and 1 more)"


async def test_a_source_gone_mad_is_cut_off() -> None:
    watch = watching(Scripted([f"10.0.{number >> 8}.{number & 255}:1" for number in range(5000)]))
    await watch.ask()
    assert len(watch.addresses) == MOST_ENDPOINTS


async def test_who_cannot_register_still_finds_others() -> None:
    class Refusing(Scripted):
        async def register(self, me: object) -> None:
            raise SourceError("full")

    watch = watching(Refusing(["10.0.0.1:1"]))
    await watch.ask()
    assert watch.addresses == [("10.0.0.1", 1)]
    assert watch.outage.trouble == "full"


async def test_background_work_that_fails_starts_again(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Falling(Scripted):
        async def run(self) -> None:
            await super().run()
            if len(self.told) < 4:
                raise OSError("fell")

    source = Falling([])
    await watching(source).keep_running(10)
    assert trio.current_time() == pytest.approx(30)
    assert len(source.told) == 4
    assert caplog.messages == ["discovery scripted stopped in the background: OSError: fell"]


def test_an_error_is_told_in_one_line() -> None:
    assert described(SourceError("away")) == "away"
    assert described(ValueError("two\nlines")) == "ValueError: two"
