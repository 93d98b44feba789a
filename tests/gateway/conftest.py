"""A server with an HTTP port that exists in memory only, and somebody who asks it."""

import pytest

from tests.gateway.visitor import HttpHarness, Visitor


@pytest.fixture
def http() -> HttpHarness:
    return HttpHarness()


@pytest.fixture
def visitor(http: HttpHarness) -> Visitor:
    return http.visitor()
