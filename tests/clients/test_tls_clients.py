"""Real clients over TLS: redis-py, redis-cli and redis-benchmark."""

import subprocess
from collections.abc import Iterator

import pytest
import redis

from tests.certificates import Files
from tests.clients.python_client import EXERCISES, run
from tests.servers import free_port, require_tool, running_respcache


@pytest.fixture(scope="module")
def port(certificates: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server that speaks TLS there."""
    port = free_port()
    flags = certificates.flags(tls_port=port, maxmemory_policy="noeviction")
    with running_respcache(tmp_path_factory.mktemp("tls"), *flags, is_cold=True):
        yield port


def tool(name: str, port: int, certificates: Files, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [require_tool(name), "-p", str(port), "--tls", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def shown(certificates: Files) -> list[str]:
    return ["--cacert", certificates.authority, "--cert", certificates.client, "--key", certificates.client]


@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("name", EXERCISES)
def test_redis_py(name: str, protocol: int, port: int, certificates: Files) -> None:
    run(
        name,
        port,
        protocol,
        ssl=True,
        ssl_ca_certs=certificates.authority,
        ssl_certfile=certificates.client,
        ssl_keyfile=certificates.client,
    )


def test_redis_py_by_a_url(port: int, certificates: Files) -> None:
    url = f"rediss://localhost:{port}/3?ssl_ca_certs={certificates.authority}"
    with redis.Redis.from_url(
        url, ssl_certfile=certificates.client, ssl_keyfile=certificates.client
    ) as client:
        assert client.set("k", b"\0" * 3_000_000)
        assert client.get("k") == b"\0" * 3_000_000
        assert client.client_info()["db"] == 3


def test_redis_py_without_a_certificate_is_refused(port: int, certificates: Files) -> None:
    with (
        redis.Redis.from_url(f"rediss://localhost:{port}?ssl_ca_certs={certificates.authority}") as client,
        pytest.raises(redis.ConnectionError),
    ):
        client.ping()


@pytest.mark.redis
def test_redis_cli(port: int, certificates: Files) -> None:
    finished = tool("redis-cli", port, certificates, *shown(certificates), "ECHO", "hello")
    assert (finished.stdout, finished.returncode) == ("hello\n", 0)


@pytest.mark.redis
def test_redis_cli_that_does_not_trust_the_authority_stays_away(port: int, certificates: Files) -> None:
    finished = tool("redis-cli", port, certificates, "--cacert", certificates.strangers_authority, "PING")
    assert finished.returncode != 0
    assert "certificate verify failed" in finished.stderr


@pytest.mark.redis
def test_redis_benchmark(port: int, certificates: Files) -> None:
    arguments = ["-n", "2000", "-c", "20", "-P", "8", "-d", "5000", "-t", "set,get", "--csv"]
    finished = tool("redis-benchmark", port, certificates, *shown(certificates), *arguments)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("\n") == 3, finished.stdout
