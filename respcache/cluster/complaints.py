"""Warnings about others that would come again and again: each is told once, and again after a while."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

QUIET_S: Final = 60.0
"""Before the same complaint is told again: seen by who looks, and not flooding a log."""

KINDS: Final = 256
"""Different complaints remembered; who sends garbage from many addresses makes us forget, not grow."""


class Complaints:
    """What was complained of lately."""

    def __init__(self, log: logging.Logger, now_s: Callable[[], float]) -> None:
        self._log = log
        self._now_s = now_s
        self._told: OrderedDict[str, float] = OrderedDict()

    def tell(self, text: str) -> None:
        """Warn, unless the same was told within the last minute."""
        now_s = self._now_s()
        told_s = self._told.get(text)
        if told_s is not None and now_s - told_s < QUIET_S:
            return
        self._told[text] = now_s
        self._told.move_to_end(text)
        if len(self._told) > KINDS:
            self._told.popitem(last=False)
        self._log.warning("%s", text)
