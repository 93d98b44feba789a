"""The example that README shows, as its reader starts it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.servers import REPOSITORY, START_SECONDS, free_ports
from tests.wire import RawClient, parse


def test_the_shop_answers_with_rows_of_its_database(tmp_path: Path) -> None:
    [port] = free_ports(1)
    server = subprocess.Popen(
        [sys.executable, str(REPOSITORY / "docs" / "examples" / "shop.py"), "--port", str(port)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        with connected(port) as client:
            row = parse(client.call("HGETALL", "product:7"))
            missing = client.call("EXISTS", "product:5000")
            odd_spelling = client.call("EXISTS", "product:007")
            again = client.call("HGET", "product:7", "price")
    finally:
        server.send_signal(signal.SIGTERM)
        output, _ = server.communicate(timeout=START_SECONDS)
    assert [field.text for field in row.children] == [b"id", b"7", b"name", b"Product 7", b"price", b"2.59"]
    assert (missing, odd_spelling, again) == (b":0\r\n", b":0\r\n", b"$4\r\n2.59\r\n")
    assert output.count("the database is asked") == 3


def connected(port: int) -> RawClient:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return RawClient(port)
        except OSError:
            assert time.monotonic() < deadline, "the example does not start"
            time.sleep(0.02)
