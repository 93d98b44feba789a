"""Gives a Python process a wall clock that is wrong, while its monotonic clock stays right, as on a machine with a bad clock.

Python imports this by itself from a folder in PYTHONPATH, before any line of the program runs. The file named by FAULTS_CLOCK
holds the nanoseconds by which the clock is off, and may change at any moment.
"""

import mmap
import os
import struct
import time

_PATH = os.environ.get("FAULTS_CLOCK")

if _PATH:
    with open(_PATH, "rb") as _file:
        _offset = mmap.mmap(_file.fileno(), 8, prot=mmap.PROT_READ)
    _true_time_ns, _unpack = time.time_ns, struct.Struct("<q").unpack_from

    def _time_ns() -> int:
        return _true_time_ns() + int(_unpack(_offset)[0])

    def _time() -> float:
        return _time_ns() / 1e9

    time.time_ns, time.time = _time_ns, _time
