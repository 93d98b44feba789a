"""The lines of docs/http.md, typed into a shell."""

import re
import subprocess
from pathlib import Path

from tests.servers import REPOSITORY, free_port, require_tool, running_respcache

BLOCK = re.compile(r"^```\n(\$ curl .*?)^```", re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, str]]:
    """Return each line, and what it prints."""
    blocks = BLOCK.findall((REPOSITORY / "docs" / "http.md").read_text())
    typed = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE) if part]
    return [(line, shown) for line, _, shown in (part.partition("\n") for part in typed)]


def test_what_the_page_shows_is_what_happens(tmp_path: Path) -> None:
    require_tool("curl")
    port = free_port()
    assert len(examples()) > 15
    with running_respcache(tmp_path, "--http", str(port)):
        for line, shown in examples():
            command = line.replace("localhost:8379", f"127.0.0.1:{port}").replace("curl ", "curl -s ", 1)
            finished = subprocess.run(
                ["sh", "-c", command], capture_output=True, text=True, timeout=20, check=False
            )
            assert finished.stdout.rstrip("\n") == shown.rstrip("\n"), line
