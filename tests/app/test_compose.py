"""That the parts of a server know each other. What each does is tested beside it."""

import random

from respcache.app.compose import Composition, compose
from respcache.events.record import Event
from respcache.events.vocabulary import OwnerCrashed
from respcache.keyspace.clock import BatchClock
from respcache.protocol.replies import OK
from respcache.settings.settings import Settings
from tests.commands.harness import START_MS, FakeHost, Harness
from tests.commands.tasks import run_tasks


class Ear:
    """A sink that keeps what it hears."""

    name = "ear"

    def __init__(self, composition: Composition, kind: type[Event]) -> None:
        self.heard: list[Event] = []
        composition.node.bus.subscribe(self, {kind})

    def deliver(self, event: Event) -> None:
        self.heard.append(event)


async def _rest() -> None: ...


def composed(seed: int = 7, name: str = "", **settings: str) -> Composition:
    return compose(
        Settings(**settings),
        clock=BatchClock(START_MS),
        chance=random.Random(seed),
        host=FakeHost(),
        spawn=lambda task: None,
        rest=_rest,
        report_sink=lambda sink, error, failures: None,
        name=name,
    )


def test_every_run_has_an_id_of_its_own() -> None:
    one, other = composed(seed=1), composed(seed=2)
    assert one.node.run_id != other.node.run_id
    assert len(one.node.run_id) == 40
    assert int(one.node.run_id, 16)


def test_a_node_without_a_name_is_called_after_its_run() -> None:
    composition = composed()
    assert composition.name == f"respcache-{composition.node.run_id[:8]}"
    assert composed(name="left").name == "left"


def test_the_start_is_when_the_parts_were_made() -> None:
    assert composed().node.started_ms == START_MS


def test_there_are_as_many_databases_as_asked_for() -> None:
    assert len(composed(databases="3").node.keyspace.databases) == 3


def test_commands_of_a_transaction_go_through_the_dispatcher() -> None:
    composition = composed()
    assert composition.node.invoke == composition.dispatcher.invoke_queued


def test_all_parts_live_in_one_time() -> None:
    harness = Harness()
    harness.client().send("SET key 1 PX 5")
    harness.clock.advance(5)
    assert harness.client()("GET key") is None
    assert harness.node.clock is harness.node.keyspace.databases[15].clock is harness.clock


def test_a_crash_of_an_owner_is_an_event() -> None:
    harness = Harness(enable_debug_command="yes")
    ear = Ear(harness.composition, OwnerCrashed)
    harness.client().send("DEBUG OWNER-CRASH key")
    run_tasks(harness)
    (event,) = ear.heard
    assert isinstance(event, OwnerCrashed)
    assert (event.db, event.key) == (0, b"key")


def test_owners_close_the_short_way_while_any_is_awake() -> None:
    harness = Harness()

    async def work() -> object:
        return OK

    harness.node.owners.wake(0, b"key", work)  # type: ignore[arg-type]
    assert not harness.dispatcher.fast
    run_tasks(harness)
    assert harness.dispatcher.fast
