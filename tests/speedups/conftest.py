"""Tests of compiled modules need those modules, also where the server is told not to use them.

Where they were not built, what is in this folder is left out, all but the test that says so.
"""

from importlib.util import find_spec

from tests.servers import TOOLS_ARE_REQUIRED

IS_BUILT = find_spec("respcache._speedups.stamp") is not None

collect_ignore_glob = (
    []
    if IS_BUILT or TOOLS_ARE_REQUIRED
    else ["test_[!i]*.py", "test_i[!n]*.py", "test_in[!i]*.py", "differential"]
)
