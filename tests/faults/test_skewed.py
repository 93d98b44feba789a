import os
import struct
import subprocess
import sys
import time
from pathlib import Path

from .fleet import SKEWED

LOOK = "import time; print(time.time(), time.time_ns() / 1e9, time.monotonic())"


def clocks(directory: Path, offset_s: float) -> list[float]:
    """Return what a process with such a clock reads: the wall clock twice, and the monotonic one."""
    (directory / "clock").write_bytes(struct.pack("<q", int(offset_s * 1e9)))
    environment = {**os.environ, "PYTHONPATH": str(SKEWED), "FAULTS_CLOCK": str(directory / "clock")}
    done = subprocess.run([sys.executable, "-c", LOOK], env=environment, capture_output=True, check=True)
    return [float(word) for word in done.stdout.split()]


def test_the_wall_clock_is_off_and_the_monotonic_one_is_not(tmp_path: Path) -> None:
    begun_s, monotonic_s = time.time(), time.monotonic()
    wall_s, wall_ns_s, own_s = clocks(tmp_path, 1000.0)
    assert 1000 <= wall_s - begun_s < 1020
    assert 1000 <= wall_ns_s - begun_s < 1020
    assert 0 <= own_s - monotonic_s < 20


def test_without_an_offset_nothing_is_off(tmp_path: Path) -> None:
    begun_s = time.time()
    assert 0 <= clocks(tmp_path, 0.0)[0] - begun_s < 20
