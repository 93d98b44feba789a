import logging

import pytest

from respcache.cluster.discovery.outages import Outage


def test_an_outage_is_told_at_its_beginning_and_its_end_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    outage = Outage("dns")
    for trouble in (None, "away", "still away", "away", None, None):
        outage.note(trouble, 3)
    assert [record.getMessage() for record in caplog.records] == [
        "discovery dns fails, its last 3 addresses stay: away",
        "discovery dns is back, with 3 addresses",
    ]
