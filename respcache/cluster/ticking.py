"""The clock of one node, at the pace that is needed (``pace.py``): waking up fifty times a second is most of what an idle node would cost."""

from collections.abc import Callable

import trio

from .pace import TICK_S, Pace


class Ticking:
    """Calls ``tick`` until it is cancelled."""

    def __init__(self, pace: Pace, tick: Callable[[], None]) -> None:
        self._pace = pace
        self._tick = tick
        self._ended = trio.Event()
        pace.on_hurry = self.beat

    async def run(self) -> None:
        """See the file's docstring."""
        pace = self._pace
        while True:
            if not pace.is_quick:
                self._ended = trio.Event()
                with trio.move_on_after(pace.pause_s()):
                    await self._ended.wait()
            if pace.is_quick:  # also where a pause was ended for that: what has just failed deserves a moment
                await trio.sleep(TICK_S)
            pace.look()
            self._tick()

    def beat(self) -> None:
        """Tick now if there is a pause: for whoever has woken this process up anyway, as one waking costs less than two."""
        self._ended.set()
