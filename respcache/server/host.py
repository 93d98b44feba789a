"""The rim's side of commands.node.Host: the process, the operating system, and stopping."""

import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import trio

from .housekeeping import LoopLag


class ProcessHost:
    """The running process, as its commands may ask for it."""

    def __init__(self, lag: LoopLag, config_file: Path | None, rewrite: Callable[[], None]) -> None:
        self._lag = lag
        self._config_file = config_file
        self._rewrite = rewrite
        self._shutdown = trio.Event()
        self.is_urgent = False
        """SHUTDOWN NOW: do not wait for clients to be answered."""

    async def wait_shutdown(self) -> None:
        """Wait until a command or a signal asks the server to stop."""
        await self._shutdown.wait()

    @property
    def is_stopping(self) -> bool:
        return self._shutdown.is_set()

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    def block(self, seconds: float) -> None:
        time.sleep(seconds)

    def shut_down(self, *, now: bool) -> None:
        self.is_urgent = self.is_urgent or now
        self._shutdown.set()

    def cancel_shutdown(self) -> bool:
        return False  # clients are answered and let go within one turn: there is nothing left to take back

    def rewrite_settings(self) -> None:
        self._rewrite()

    def resident_bytes(self) -> int:
        try:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            return self.peak_resident_bytes()
        return pages * resource.getpagesize()

    def peak_resident_bytes(self) -> int:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

    def cpu_seconds(self) -> tuple[float, float]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime, usage.ru_stime

    def facts(self) -> dict[str, str]:
        system = platform.uname()
        return {
            "os": f"{system.system} {system.release} {system.machine}",
            "arch_bits": "64" if sys.maxsize > 2**32 else "32",
            "multiplexing_api": "epoll" if sys.platform == "linux" else "kqueue",
            "process_id": str(os.getpid()),
            "python_version": platform.python_version(),
            "executable": sys.executable,
            "config_file": str(self._config_file or ""),
            "total_system_memory": str(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
        }

    def loop_lag_ms(self) -> tuple[float, float]:
        return self._lag.last_and_worst_ms()

    def running_tasks(self) -> int:
        return trio.lowlevel.current_statistics().tasks_living
