"""Our own client over TLS, against a server of ours; and what it says when that fails."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from respcache.app.bench import Load, run_bench
from respcache.app.client import Address, ClientError, Connection
from respcache.app.client_tls import ClientTls
from tests.app.fakes import scripted_server
from tests.certificates import Files
from tests.servers import REPOSITORY, TARGET, Server, free_ports, running_respcache

pytestmark = pytest.mark.skipif(TARGET != "respcache", reason="about respcache's own process")


@pytest.fixture(scope="module")
def server(certificates: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int]]:
    """A server, and its port for TLS."""
    port, bus_port = free_ports(2)
    flags = certificates.flags(tls_port=port, cluster_enabled="yes", cluster_bus_port=bus_port)
    with running_respcache(tmp_path_factory.mktemp("tls"), *flags) as server:
        yield server, port


def address(port: int, certificates: Files, **others: object) -> Address:
    said = {
        "authority": certificates.authority,
        "certificate": certificates.client,
        "key": certificates.client,
        "name": "localhost",
        **others,
    }
    return Address(port=port, tls=ClientTls(**said))  # type: ignore[arg-type]  # of several types


def failure(where: Address) -> str:
    with pytest.raises(ClientError) as failed, Connection(where) as connection:
        connection.call("PING")
    return str(failed.value)


def test_it_asks_and_is_answered(server: tuple[Server, int], certificates: Files) -> None:
    with Connection(address(server[1], certificates)) as connection:
        assert connection.call("PING") == b"PONG"
        connection.call("SET", "big", b"x" * 300_000)
        assert connection.call("GET", "big") == b"x" * 300_000


def test_a_stranger_is_not_trusted(server: tuple[Server, int], certificates: Files) -> None:
    where = address(server[1], certificates, authority=certificates.strangers_authority)
    assert "its certificate is not to be trusted" in failure(where)


def test_a_certificate_for_another_name_is_not_trusted(
    server: tuple[Server, int], certificates: Files
) -> None:
    assert "Hostname mismatch" in failure(address(server[1], certificates, name="other.test"))


def test_all_can_be_trusted_if_somebody_says_so(server: tuple[Server, int], certificates: Files) -> None:
    where = address(server[1], certificates, authority="", name="other.test", is_checked=False)
    with Connection(where) as connection:
        assert connection.call("PING") == b"PONG"


def test_it_is_told_that_a_certificate_is_wanted(server: tuple[Server, int], certificates: Files) -> None:
    assert failure(address(server[1], certificates, certificate="", key="")).count("--cert") == 1


def test_a_port_without_tls_is_told(certificates: Files) -> None:
    with scripted_server([b"-ERR unknown command\r\n"]) as plain:
        assert "does not speak TLS" in failure(address(plain.port, certificates))


@pytest.mark.parametrize("option", ["authority", "certificate", "key"])
def test_a_file_that_is_not_there_is_named(
    option: str, server: tuple[Server, int], certificates: Files
) -> None:
    where = address(server[1], certificates, **{option: "/no/such.pem"})
    assert "/no/such.pem: No such file or directory" in failure(where)


def test_the_load_of_bench(server: tuple[Server, int], certificates: Files) -> None:
    results = run_bench(address(server[1], certificates), Load(200, 4, 2, 64))
    assert [(result.name, result.requests) for result in results] == [("SET", 200), ("GET", 200)]


def test_bench_says_what_is_wrong(server: tuple[Server, int], certificates: Files) -> None:
    with pytest.raises(ClientError, match="not to be trusted"):
        run_bench(address(server[1], certificates, name="other.test"), Load(10, 1, 1, 1))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ping",), "PONG"),
        (("cluster", "info"), "cluster_state"),
        (("cluster", "members"), "alive"),
        (("loading", "list"), "no loader is configured"),
    ],
)
def test_the_commands_take_redis_clis_options(
    words: tuple[str, ...], said: str, server: tuple[Server, int], certificates: Files
) -> None:
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "respcache", *words),
            *("-h", "localhost", "-p", str(server[1]), "--tls", "--cacert", certificates.authority),
            *("--cert", certificates.client, "--key", certificates.client),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said in finished.stdout + finished.stderr


def test_nothing_is_read_when_nothing_is_named(tmp_path: Path) -> None:
    assert ClientTls(authorities=str(tmp_path)).context().check_hostname
