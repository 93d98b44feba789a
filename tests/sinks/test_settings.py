from typing import Any

import pytest

from respcache.events.vocabulary import READS
from respcache.sinks.settings import (
    BatchSettings,
    SinkSettings,
    SinkSettingsError,
    WebhookSettings,
)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"value_limit_bytes": -1}, "sink s: value_limit_bytes must be at least 0"),
        ({"queue_length": 0}, "queue_length must be at least 1"),
        ({"most_per_batch": 0}, "most_per_batch must be at least 1"),
        ({"linger_s": -0.1}, "linger_s must be at least 0"),
        ({"timeout_s": 0}, "timeout_s must be at least 0.001"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SinkSettingsError, match=complaint):
        BatchSettings(name="s", **options)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"attempts": 0}, "attempts must be at least 1"),
        ({"first_pause_s": 2, "longest_pause_s": 1}, "longest_pause_s must be at least 2"),
        ({"url": "ftp://example.org/"}, "url must begin with http:// or https://"),
    ],
)
def test_a_webhook_that_makes_no_sense_is_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SinkSettingsError, match=complaint):
        WebhookSettings(**{"url": "http://example.org/", **options})


def test_reads_are_not_wanted_by_default() -> None:
    assert READS.isdisjoint(SinkSettings(name="s").kinds)


def test_a_webhooks_headers_are_not_shown() -> None:
    settings = WebhookSettings(url="https://example.org/", headers={"Authorization": "Bearer secret"})
    assert "secret" not in repr(settings)
