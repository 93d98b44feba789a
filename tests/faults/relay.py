"""A bad network in user space: packets between nodes pass through here, and some are lost, late, doubled or overtaken.

Linux has netem for that, where its kernel was built with it, and netem cannot be given a seed. Here one process holds a tun device of each node's
namespace, and the routes of those pairs that are to suffer lead into it.

    python -m tests.faults.relay SEED HOST:FD ...

Each line on standard input is a rule: ``[from, to, {"loss": 0.2, "delay_ms": 50, ...}]``. A pair without a rule gets its packets at once.
"""

import heapq
import os
import random
import selectors
import sys
import time
from collections.abc import Sequence
from typing import Final

import msgspec

PACKET_BYTES: Final = 1 << 16
IPV4: Final = 4
LAST_BYTE_OF_TARGET: Final = 19
"""The place of the last byte of the target's address in a packet: hosts are told apart by that."""

QUEUED_PACKETS: Final = 20_000
"""As netem's limit, but larger: what comes on top is lost. A second of 2,000 writes needs some 10,000."""

OVERTAKEN_MS: Final = 20.0
"""How much later a packet comes that others are to overtake: several round trips of a local network."""


class Trouble(msgspec.Struct, frozen=True):
    """What happens to the packets from one node to another; shares are between 0 and 1."""

    loss: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0

    def arrivals(self, chance: random.Random, now_s: float) -> list[float]:
        """Return when copies of a packet arrive that was sent now: none if it is lost."""
        if chance.random() < self.loss:
            return []
        count = 2 if chance.random() < self.duplicate else 1
        return [now_s + self._delay_s(chance) for _ in range(count)]

    def _delay_s(self, chance: random.Random) -> float:
        delay_ms = self.delay_ms + chance.uniform(-self.jitter_ms, self.jitter_ms)
        if chance.random() < self.reorder:
            delay_ms += OVERTAKEN_MS
        return max(0.0, delay_ms) / 1000


class Relay:
    """The tun devices by host, the rules by pair, and the packets on their way."""

    def __init__(self, seed: str, devices: dict[int, int]) -> None:
        self._chance = random.Random(seed)
        self._devices = devices
        self._rules: dict[tuple[int, int], Trouble] = {}
        self._queue: list[tuple[float, int, int, bytes]] = []
        self._numbers = 0
        self._partial = b""

    def run(self) -> None:
        """Work until standard input ends."""
        selector = selectors.DefaultSelector()
        selector.register(sys.stdin, selectors.EVENT_READ, None)
        for host, device in self._devices.items():
            os.set_blocking(device, False)
            selector.register(device, selectors.EVENT_READ, host)
        while True:
            wait_s = max(0.0, self._queue[0][0] - time.monotonic()) if self._queue else None
            for key, _ in selector.select(wait_s):
                if key.data is not None:
                    self._receive(key.data)
                elif not self._obey():
                    return
            self._deliver(time.monotonic())

    def _obey(self) -> bool:
        data = os.read(sys.stdin.fileno(), PACKET_BYTES)
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            source, target, trouble = msgspec.json.decode(line, type=tuple[int, int, Trouble])
            self._rules[source, target] = trouble
        return bool(data)

    def _receive(self, source: int) -> None:
        now_s = time.monotonic()
        while (packet := _read(self._devices[source])) is not None:
            if packet[0] >> 4 != IPV4 or len(self._queue) >= QUEUED_PACKETS:
                continue
            target = packet[LAST_BYTE_OF_TARGET]
            trouble = self._rules.get((source, target), Trouble())
            for at_s in trouble.arrivals(self._chance, now_s):
                self._numbers += 1
                heapq.heappush(self._queue, (at_s, self._numbers, target, packet))

    def _deliver(self, now_s: float) -> None:
        while self._queue and self._queue[0][0] <= now_s:
            _, _, target, packet = heapq.heappop(self._queue)
            device = self._devices.get(target)
            if device is not None:
                try:
                    os.write(device, packet)
                except OSError:
                    pass  # a full queue, or a device that is down: lost, as on any network


def _read(device: int) -> bytes | None:
    try:
        return os.read(device, PACKET_BYTES) or None
    except OSError:
        return None


def devices_of(words: Sequence[str]) -> dict[int, int]:
    return {int(host): int(device) for host, device in (word.split(":") for word in words)}


if __name__ == "__main__":
    Relay(sys.argv[1], devices_of(sys.argv[2:])).run()
