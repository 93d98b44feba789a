"""What commands may ask of the process."""

import os
import time
from pathlib import Path

import trio

from respcache.server.host import ProcessHost
from respcache.server.housekeeping import LoopLag


def host(config_file: Path | None = None) -> ProcessHost:
    return ProcessHost(LoopLag(), config_file, lambda: None)


async def test_whoever_waits_for_the_end_is_told() -> None:
    process = host()
    assert not process.is_stopping
    process.shut_down(now=False)
    with trio.fail_after(10):
        await process.wait_shutdown()
    assert process.is_stopping
    assert not process.is_urgent


def test_an_urgent_end_stays_urgent() -> None:
    process = host()
    process.shut_down(now=True)
    process.shut_down(now=False)
    assert process.is_urgent


def test_memory_and_time_are_those_of_this_process() -> None:
    process = host()
    assert 5_000_000 < process.resident_bytes() <= process.peak_resident_bytes() * 2
    before = sum(process.cpu_seconds())
    deadline = time.monotonic() + 0.05
    while time.monotonic() < deadline:
        pass
    assert sum(process.cpu_seconds()) > before


def test_facts_name_process_and_file() -> None:
    facts = host(Path("conf/respcache.toml")).facts()
    assert facts["process_id"] == str(os.getpid())
    assert facts["config_file"] == "conf/respcache.toml"


async def test_tasks_are_those_of_the_loop(nursery: trio.Nursery) -> None:
    before = host().running_tasks()
    nursery.start_soon(trio.sleep_forever)
    assert (before > 0, host().running_tasks()) == (True, before + 1)


def test_lag_is_nothing_before_it_was_measured() -> None:
    assert host().loop_lag_ms() == (0.0, 0.0)
