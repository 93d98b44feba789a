"""The recipes under conf/ name settings that exist, and a node starts with them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import REPOSITORY

RECIPES = ["conf/kubernetes/respcache.yaml", "conf/compose/compose.yaml"]
# "{name: RESPCACHE_BIND, value: "*"}" and "RESPCACHE_BIND: "*"", and names whose values come from elsewhere.
VARIABLE = re.compile(r"(?:name: )?(RESPCACHE_[A-Z_]+)(?:, value)?(?:: *(?P<value>[^}\n]+))?")
FROM_ELSEWHERE = {
    "RESPCACHE_CLUSTER_ANNOUNCE_HOST": "10.1.2.3",
    "RESPCACHE_CLUSTER_MACHINE": "node-7.example",
    "RESPCACHE_CLUSTER_SECRET": "secret",
    "RESPCACHE_REQUIREPASS": "password",
}
NO_SETTINGS = {"RESPCACHE_PASSWORD"}  # the compose file's own, handed on under another name


def variables(recipe: str) -> dict[str, str]:
    found = {}
    for line in (REPOSITORY / recipe).read_text().splitlines():
        match = None if line.lstrip().startswith("#") else VARIABLE.search(line)
        if match and match[1] not in NO_SETTINGS:
            written = (match["value"] or "").strip().strip('"')
            found[match[1]] = FROM_ELSEWHERE.get(match[1], written)
    return found


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_node_would_start_with_it(recipe: str, tmp_path: Path) -> None:
    given = variables(recipe)
    assert given["RESPCACHE_CLUSTER_ENABLED"] == "yes"
    assert given["RESPCACHE_CLUSTER_DISCOVERY"] == "dns"
    others = {name: value for name, value in os.environ.items() if not name.startswith("RESPCACHE_")}
    finished = subprocess.run(
        [sys.executable, "-m", "respcache", "check-config", "--dump"],
        env={**others, **given, "PYTHONPATH": str(REPOSITORY)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "cluster-enabled\tyes" in finished.stdout
