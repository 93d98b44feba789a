"""A forked respcache is what one that was started cold would be: its parts, its end, and what tests may do to it."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.forks import (
    CAN_FORK,
    ForkedProcess,
    Forks,
    ForkServerError,
    Process,
    imports_the_same,
    server_environment,
    start_respcache,
)
from tests.servers import TARGET, Server, free_port, running_respcache
from tests.thoroughness import IS_THOROUGH
from tests.wire import RawClient, parse

pytestmark = pytest.mark.skipif(
    not CAN_FORK or IS_THOROUGH or TARGET != "respcache", reason="nothing is forked here"
)

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="what a process has is not told here"
)

PATIENCE_S = 20.0


def forked(*words: str, directory: Path, own: Forks | None = None) -> ForkedProcess:
    """Fork from this worker's fork server, or from the test's own."""
    if own is None:
        process = started(*words, directory=directory)
        assert isinstance(process, ForkedProcess)
        return process
    with (directory / "respcache.log").open("ab") as output:
        return own.fork(words, directory=directory, output=output.fileno(), environment=server_environment())


def started(*words: str, directory: Path, is_cold: bool = False) -> Process:
    with (directory / "respcache.log").open("ab") as output:
        return start_respcache(
            words, directory=directory, output=output, environment=server_environment(), is_cold=is_cold
        )


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def answers(port: int) -> bool:
    try:
        with RawClient(port) as client:
            return client.call("PING") == b"+PONG\r\n"
    except OSError:
        return False


def state_of(pid: int) -> str:
    """Return the letter that the system has for a process."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# -- alike -----------------------------------------------------------------------


def test_a_server_is_forked_unless_it_is_asked_to_start_cold(tmp_path: Path) -> None:
    with running_respcache(tmp_path / "forked") as server:
        assert isinstance(server.process, ForkedProcess)
    with running_respcache(tmp_path / "cold", is_cold=True) as server:
        assert isinstance(server.process, subprocess.Popen)


@pytest.mark.parametrize("words", [["serve", "--version"], ["serve", "--port", "none"]])
def test_it_prints_and_returns_what_a_cold_one_does(words: list[str], tmp_path: Path) -> None:
    seen = []
    for is_cold in (False, True):
        directory = tmp_path / str(is_cold)
        directory.mkdir()
        code = started(*words, directory=directory, is_cold=is_cold).wait(PATIENCE_S)
        seen.append((code, (directory / "respcache.log").read_text()))
    assert seen[0] == seen[1]
    assert seen[0][1]


def test_what_it_tells_of_itself_is_its_own(tmp_path: Path) -> None:
    with running_respcache(tmp_path / "first") as first, running_respcache(tmp_path / "second") as second:
        ours, theirs = told(first), told(second)
        with first.client() as client:
            directory = parse(client.call("CONFIG", "GET", "dir")).plain()
    assert (int(ours["process_id"]), int(theirs["process_id"])) == (first.pid, second.pid)
    assert ours["run_id"] != theirs["run_id"]
    assert int(ours["uptime_in_seconds"]) < PATIENCE_S
    assert directory == [b"dir", str(tmp_path / "first").encode()]


def told(server: Server) -> dict[str, str]:
    with server.client() as client:
        lines = parse(client.call("INFO", "server")).text.decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


@needs_proc
def test_it_has_no_files_but_its_own(tmp_path: Path) -> None:
    with running_respcache(tmp_path / "other"), running_respcache(tmp_path / "cold", is_cold=True) as cold:
        process = forked("serve", "--port", str(port := free_port()), directory=tmp_path)
        eventually(lambda: answers(port))
        # Either may still have the connection of who has just asked.
        eventually(lambda: kinds_of_files(process.pid) == kinds_of_files(cold.pid))
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


def kinds_of_files(pid: int) -> list[str]:
    """Return what a process has open, without folders and the numbers of sockets."""
    with suppress(FileNotFoundError):  # closed since the folder was read
        found = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
        return sorted(Path(name).name.partition("[")[0] for name in found)
    return []


def test_it_draws_by_chance_of_its_own_and_imports_from_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "respcache_draws.py").write_text(
        "import random\nfrom trio._core import _run\nprint('drawn', random.random(), _run._r.random())\n"
    )
    for _ in range(2):
        process = forked("serve", "--port", "0", "--loader", "respcache_draws:None", directory=tmp_path)
        assert process.wait(PATIENCE_S) == 1
    lines = (tmp_path / "respcache.log").read_text().splitlines()
    first, second = (line.split()[1:] for line in lines if line.startswith("drawn"))
    assert len(first) == 2
    assert set(first).isdisjoint(second)


def test_its_environment_is_what_it_was_given(tmp_path: Path) -> None:
    port = free_port()
    environment = {**server_environment(), "RESPCACHE_PORT": str(port), "RESPCACHE_MAXMEMORY": "7mb"}
    with (tmp_path / "respcache.log").open("wb") as output:
        process = start_respcache(["serve"], directory=tmp_path, output=output, environment=environment)
    assert isinstance(process, ForkedProcess)
    eventually(lambda: answers(port))
    with RawClient(port) as client:
        assert parse(client.call("CONFIG", "GET", "maxmemory")).plain() == [b"maxmemory", b"7340032"]
    process.terminate()
    assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"RESPCACHE_PURE": "1"},
        {"PYTHONHASHSEED": "0"},
        {"PYTHONPATH": "/somewhere"},
        {"LD_PRELOAD": "libasan.so"},
        {"NOBODY_KNOWS": "what this is for"},
    ],
)
def test_what_may_matter_to_imports_asks_for_a_cold_start(changed: dict[str, str]) -> None:
    assert imports_the_same(server_environment())
    assert not imports_the_same({**server_environment(), **changed})


def test_what_the_tests_are_told_matters_to_no_import() -> None:
    assert imports_the_same({**server_environment(), "PYTEST_CURRENT_TEST": "x", "RESPCACHE_PORT": "1"})


# -- the end of one ----------------------------------------------------------------


def test_its_end_is_waited_for_and_its_code_is_kept(tmp_path: Path) -> None:
    process = forked("serve", "--port", "0", directory=tmp_path)
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired, match="--port"):
        process.wait(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert process.poll() == process.wait(0) == process.returncode == -signal.SIGKILL
    process.terminate()  # it has ended, and its number may be another's
    assert not exists(process.pid)


def test_several_may_wait_for_its_end(tmp_path: Path) -> None:
    process = forked("serve", "--port", "0", directory=tmp_path)
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(process.wait(PATIENCE_S))) for _ in range(3)]
    for thread in threads:
        thread.start()
    process.kill()
    for thread in threads:
        thread.join()
    assert codes == [-signal.SIGKILL] * 3


@pytest.mark.parametrize("is_cold", [False, True])
def test_who_was_told_to_end_is_not_told_again(is_cold: bool, tmp_path: Path) -> None:
    with running_respcache(tmp_path, is_cold=is_cold) as server:
        server.process.send_signal(signal.SIGHUP)
        assert not server.process.was_told_to_end
        server.process.terminate()
        assert server.process.was_told_to_end


@needs_proc
def test_it_can_be_stopped_for_a_while(tmp_path: Path) -> None:
    port = free_port()
    process = forked("serve", "--port", str(port), directory=tmp_path)
    eventually(lambda: answers(port))
    process.send_signal(signal.SIGSTOP)
    eventually(lambda: state_of(process.pid) == "T")
    assert process.poll() is None
    process.send_signal(signal.SIGCONT)
    eventually(lambda: answers(port))
    process.terminate()
    assert process.wait(PATIENCE_S) == 0


def test_an_exception_that_nobody_expects_is_shown_and_ends_it(tmp_path: Path) -> None:
    (tmp_path / "respcache_fails.py").write_text("raise KeyboardInterrupt\n")
    process = forked("serve", "--port", "0", "--loader", "respcache_fails:Any", directory=tmp_path)
    assert process.wait(PATIENCE_S) == -signal.SIGINT
    printed = (tmp_path / "respcache.log").read_text()
    assert printed.rstrip().endswith("KeyboardInterrupt")
    assert "respcache_fails.py" in printed


# -- the end of the fork server ------------------------------------------------------


def test_what_still_runs_ends_with_it(tmp_path: Path) -> None:
    own = Forks()
    running, stopped = (forked("serve", "--port", "0", directory=tmp_path, own=own) for _ in range(2))
    stopped.send_signal(signal.SIGSTOP)
    own.end()
    assert not exists(running.pid)
    assert not exists(stopped.pid)
    for process in (running, stopped):
        with pytest.raises(ForkServerError, match="has ended"):
            process.wait()


def test_without_it_nothing_can_be_known(tmp_path: Path) -> None:
    own = Forks()
    process = forked("serve", "--port", "0", directory=tmp_path, own=own)
    os.kill(own.pid, signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(ForkServerError, match="has ended"):
            process.wait(PATIENCE_S)
    with pytest.raises(ForkServerError, match="has ended"):
        process.poll()
    os.kill(process.pid, signal.SIGKILL)  # nobody else does
    with pytest.raises(ForkServerError, match="has ended"):
        forked("--version", directory=tmp_path, own=own)
    own.end()
