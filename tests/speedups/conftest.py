"""Tests of compiled modules need those modules, also where the server is told not to use them.

Where they were not built, what is in this folder is left out, all but the test that says so.

``served`` is a server in the compiled loop, and ``left`` the names of the commands that it leaves to the Python session.
"""

from collections.abc import AsyncIterator
from importlib.util import find_spec

import pytest

from tests.commands.harness import Harness
from tests.server.served import Served, serving
from tests.servers import TOOLS_ARE_REQUIRED

from .talk import note_left

IS_BUILT = find_spec("respcache._speedups.stamp") is not None

collect_ignore_glob = (
    []
    if IS_BUILT or TOOLS_ARE_REQUIRED
    else ["test_[!i]*.py", "test_i[!n]*.py", "test_in[!i]*.py", "differential"]
)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving(Harness()) as served:
        yield served


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    names: list[bytes] = []
    note_left(monkeypatch, lambda argv: names.append(argv[0]))
    return names
