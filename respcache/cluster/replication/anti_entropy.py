"""Comparing copies with what they are copies of, for ever and slowly.

Nothing should ever differ: the stream is ordered, and repeated until it is acknowledged. Should it happen all the same, a copy would
differ until its server dies and the difference comes to light. So a server asks its followers about one partition after the
other; the question travels in the stream, so it is exact while writes go on, and it costs the comparison of two numbers.
Whoever differs gets a full copy of that partition. It also tells followers that their server is there.
"""

from typing import Final

from .serving import Following, Serving

PERIOD_S: Final = 0.49
"""Between questions: how old a copy is believed to be at most while nothing is written. A little less than five rare ticks
(``pace.py``); each time wakes two nodes."""

ROUND_S: Final = 60.0
"""In which every partition is asked about: 1024 of them cost 17 questions a second, of some 30 bytes."""


class AntiEntropy:
    """The questions of one node."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._next_s = 0.0
        self._last = -1
        self.asked = 0

    def tick(self, now_s: float) -> None:
        """Ask what is due."""
        if now_s < self._next_s:
            return
        self._next_s = now_s + PERIOD_S
        served = self._serving.served
        if not served:
            return
        ordered = sorted(served)
        later = [partition for partition in ordered if partition > self._last]
        count = -(-len(ordered) * PERIOD_S // ROUND_S)
        for partition in (later + ordered)[: int(count)]:
            self._last = partition
            for peer, following in served[partition].followers.items():
                if following is Following.IN_STEP:
                    self.asked += 1
                    self._serving.ask(partition, peer)
