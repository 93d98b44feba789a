"""Fixtures shared by all tests: real servers, and Hypothesis' profiles.

``redis_server`` and ``respcache_server`` run for a whole session (one pair per worker under xdist). ``start_redis`` and
``start_respcache`` start further ones with flags of their own, which end with the test. ``postgresql`` runs for a session, too.
``loopback_clock`` and ``no_proxy`` are for tests that speak HTTP on loopback.
"""

import gc
import inspect
import os
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import hypothesis
import pytest
import trio
from trio.testing import MockClock

from tests.forks import end_forks
from tests.servers import Server, running_redis, running_respcache

if TYPE_CHECKING:
    from tests.certificates import Files
    from tests.postgresql import PostgreSQL

StartServer = Callable[..., Server]

CLOCKS: Final = ("autojump_clock", "mock_clock")

GC_THRESHOLDS: Final = (10_000, 10, 5)
"""Tests make and drop whole clusters: with Python's own thresholds an eighth of the processor goes into looking for garbage.
Thrice as large ones save no more."""

# Where everybody waits for the result the examples are the same every time; at a desk they are new ones.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("desk", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "desk")


# The two servers of a session start alike. respcache's own default policy evicts, as a cache should; clients ask for
# Redis' own. And on a busy machine a command may take 10 ms, and would stand in one slow log and not in the other.
ALIKE = ["--maxmemory-policy", "noeviction", "--slowlog-log-slower-than", "1000000"]


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Let the garbage collector pass over whatever collecting makes, now and in all tests: it stays to the end."""
    gc.disable()
    try:
        _import_a_share(session.config)
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        gc.enable()


def _import_a_share(config: pytest.Config) -> None:
    """Import what the other workers do not.

    Whoever imports a test first rewrites its assertions, for all who come later. All workers would begin with the same
    tests, and each rewrite all: 7 s of its processor.
    """
    count, worker = os.environ.get("PYTEST_XDIST_WORKER_COUNT"), os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None or count is None or sys.dont_write_bytecode:
        return
    if worker == "gw0":
        # Which characters there are: a second for whoever asks first, and then in a file for all.
        hypothesis.strategies.text().validate()
    tests = sorted(path for name in config.args for path in Path(name).rglob("test_*.py"))
    for path in tests[int(worker.removeprefix("gw")) :: int(count)]:
        # Where it can't be imported, or is skipped, the collection will say so.
        with suppress(Exception, pytest.skip.Exception, pytest.fail.Exception):
            import_module(".".join(path.resolve().relative_to(config.rootpath).with_suffix("").parts))


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Let the clock that a fixture asks for be the test's.

    pytest-trio only looks among the arguments of the test itself, and would run it in real time without a word.
    """
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            arguments = inspect.signature(item.function).parameters
            for name in CLOCKS:
                if name in item.fixturenames and name not in arguments:
                    item.add_marker(pytest.mark.trio(run=_runner(item, name)), append=False)


def _runner(item: pytest.Function, clock_name: str) -> Callable[..., Any]:
    def run(main: Callable[[], Any], *, clock: None, instruments: Sequence[trio.abc.Instrument]) -> Any:
        own = item.funcargs[clock_name]
        assert isinstance(own, trio.abc.Clock)
        return trio.run(main, clock=own, instruments=instruments)

    return run


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """End what the servers were forked from; of those none is left."""
    end_forks()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_redis(tmp_path_factory.mktemp("redis"), *ALIKE) as server:
        yield server


@pytest.fixture(scope="session")
def respcache_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # Cold, as users start it, because real clients of all kinds meet this one.
    with running_respcache(tmp_path_factory.mktemp("respcache"), *ALIKE, is_cold=True) as server:
        yield server


@pytest.fixture
def start_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    with ExitStack() as running:
        yield lambda *flags: running.enter_context(running_redis(tmp_path_factory.mktemp("redis"), *flags))


@pytest.fixture
def start_respcache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    with ExitStack() as running:
        yield lambda *flags, is_cold=False: running.enter_context(
            running_respcache(tmp_path_factory.mktemp("respcache"), *flags, is_cold=is_cold)
        )


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> "Files":
    from tests.certificates import write_certificates  # a fifth of a second, for the few that need them

    return write_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def postgresql() -> "Iterator[PostgreSQL]":
    from tests.postgresql import running_postgresql  # its client takes a tenth of a second

    with running_postgresql() as server:
        yield server


@pytest.fixture
def loopback_clock() -> MockClock:
    # Loopback needs no time of its own, but data in the kernel's hands must not pass for idleness.
    return MockClock(autojump_threshold=0.02)


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let HTTP go straight to this machine, whatever its environment says."""
    monkeypatch.setenv("NO_PROXY", "*")
