"""A fuzzer reads the OpenAPI document and asks what it allows, and what it does not: whatever is asked, the answer is no 5xx."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import free_port, missing, running_respcache

STREAMS = ("/v1/events", "/v1/ws")
"""They have no end, and tests of their own."""


@pytest.mark.timeout(150)
def test_nothing_that_can_be_asked_is_a_failure_of_the_server(tmp_path: Path) -> None:
    if importlib.util.find_spec("schemathesis") is None:
        missing("schemathesis is not installed")
    port = free_port()
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{port}/v1/openapi.json"]
    command += ["--checks", "not_a_server_error,status_code_conformance"]
    command += ["--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--seed", "1", "--no-color"]
    command += ["--generation-database", "none"]
    for path in STREAMS:
        command += ["--exclude-path", path]
    with running_respcache(tmp_path / "server", "--http", str(port)) as server:
        finished = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, timeout=140, check=False
        )
        assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-1500:]
        assert server.process.poll() is None
