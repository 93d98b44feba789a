"""A sink of an operator's own that takes its time when the server stops."""

import time
from collections.abc import Sequence
from pathlib import Path

from respcache.events.record import Event
from respcache.events.vocabulary import Stopped

END_S = 0.3


class SlowAtTheEnd:
    """Leaves a file ``begun`` when it hears of the end, and ``done`` when it is through with that."""

    def deliver_batch(self, events: Sequence[Event]) -> None:
        if any(isinstance(event, Stopped) for event in events):
            Path("begun").touch()
            time.sleep(END_S)
            Path("done").touch()
