"""What is remembered of keys that could not be loaded."""

import pytest

from respcache.loading import failures as failures_module
from respcache.loading.failures import Failures


def test_a_failure_is_recent_for_its_time_and_until_it_is_forgotten() -> None:
    failures = Failures()
    failures.note(b"a", "gone", 1000)
    assert b"a" in failures
    assert failures.is_recent(b"a", 1999, 1000)
    assert not failures.is_recent(b"a", 2000, 1000)
    assert not failures.is_recent(b"b", 1000, 1000)
    failures.forget(b"a")
    failures.forget(b"a")
    assert b"a" not in failures


def test_only_the_latest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures_module, "FAILED_KEYS", 2)
    failures = Failures()
    for at, key in enumerate([b"a", b"b", b"a", b"c"]):
        failures.note(key, "gone", at)
    assert [key in failures for key in (b"a", b"b", b"c")] == [True, False, True]
    assert len(failures) == 2
