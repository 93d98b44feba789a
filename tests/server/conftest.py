"""A server without sockets, and one client of it."""

import pytest

from tests.commands.harness import Harness, HarnessClient


@pytest.fixture
def harness() -> Harness:
    return Harness()


@pytest.fixture
def client(harness: Harness) -> HarnessClient:
    return harness.client()
