"""When a source begins to fail and when it is back: each told once, however often it is asked in between."""

import logging

log = logging.getLogger(__name__)


class Outage:
    """Whether one source fails at present."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.trouble: str | None = None
        """What is wrong since the last success; None while all is well."""

    def note(self, trouble: str | None, known: int) -> None:
        """Take in how it went. ``known`` is how many addresses of it are known all the same."""
        if trouble is not None and self.trouble is None:
            log.warning("discovery %s fails, its last %d addresses stay: %s", self._name, known, trouble)
        elif trouble is None and self.trouble is not None:
            log.info("discovery %s is back, with %d addresses", self._name, known)
        self.trouble = trouble
