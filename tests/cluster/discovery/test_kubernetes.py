import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from respcache.cluster.discovery.kubernetes import KubernetesEndpoints
from respcache.cluster.discovery.protocol import DiscoverySettingsError, SourceError
from tests.http_server import Answerer, Asked, HttpServer, Reply, always


@pytest.fixture
def account(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("first-token\n")
    (tmp_path / "namespace").write_text("caches")
    return tmp_path


def pod(address: str, **conditions: bool) -> dict[str, Any]:
    return {"addresses": [address], "conditions": conditions, "targetRef": {"kind": "Pod"}, "nodeName": "n"}


def page(*pods: dict[str, Any], following: str = "") -> bytes:
    ports = [{"name": "redis", "port": 6379, "protocol": "TCP"}, {"name": "bus", "port": 16379}]
    piece = {"metadata": {"name": "cache-x"}, "addressType": "IPv4", "endpoints": list(pods), "ports": ports}
    empty: dict[str, Any] = {"metadata": {}, "addressType": "IPv6", "endpoints": None, "ports": None}
    return json.dumps(
        {"kind": "EndpointSliceList", "metadata": {"continue": following}, "items": [piece, empty]}
    ).encode()


def answering(*pods: dict[str, Any]) -> Answerer:
    return always(200, page(*pods))


def source_at(api: str, account: Path, **options: str) -> KubernetesEndpoints:
    return KubernetesEndpoints("cache", {}, api=api, account=account, **options)


async def test_endpoints_of_the_service_are_asked_for_with_the_accounts_token(account: Path) -> None:
    async with HttpServer(answering(pod("10.1.0.1"), pod("10.1.0.2"))).running() as server:
        assert list(await source_at(server.url, account).peers()) == ["10.1.0.1", "10.1.0.2"]
    (asked,) = server.asked
    assert asked.path == "/apis/discovery.k8s.io/v1/namespaces/caches/endpointslices"
    assert dict(asked.parameters)["labelSelector"] == "kubernetes.io/service-name=cache"
    assert asked.headers["authorization"] == "Bearer first-token"


@pytest.mark.parametrize(("port", "peer"), [("", "10.1.0.1"), ("bus", "10.1.0.1:16379"), ("7", "10.1.0.1:7")])
async def test_the_port_is_a_name_a_number_or_ours(account: Path, port: str, peer: str) -> None:
    async with HttpServer(answering(pod("10.1.0.1"))).running() as server:
        assert list(await source_at(server.url, account, port=port).peers()) == [peer]


async def test_pods_that_are_not_ready_count_and_those_that_end_do_not(account: Path) -> None:
    pods = (pod("10.1.0.1", ready=False), pod("10.1.0.2", ready=True), pod("10.1.0.3", terminating=True))
    async with HttpServer(answering(*pods)).running() as server:
        assert list(await source_at(server.url, account).peers()) == ["10.1.0.1", "10.1.0.2"]


async def test_ipv6_pods_are_found(account: Path) -> None:
    async with HttpServer(answering(pod("fd00::1"))).running() as server:
        assert list(await source_at(server.url, account, port="bus").peers()) == ["[fd00::1]:16379"]


async def test_labels_and_a_namespace_can_be_chosen(account: Path) -> None:
    async with HttpServer(answering()).running() as server:
        source = KubernetesEndpoints("app=a,tier=b", {}, namespace="x/y", api=server.url, account=account)
        assert list(await source.peers()) == []
    (asked,) = server.asked
    assert dict(asked.parameters)["labelSelector"] == "app=a,tier=b"
    assert "/namespaces/x%2Fy/" in asked.path


async def test_a_long_list_comes_in_pages(account: Path) -> None:
    def answer(asked: Asked) -> Reply:
        if "continue" in dict(asked.parameters):
            return Reply(200, page(pod("10.1.0.2")))
        return Reply(200, page(pod("10.1.0.1"), following="more"))

    async with HttpServer(answer).running() as server:
        assert list(await source_at(server.url, account).peers()) == ["10.1.0.1", "10.1.0.2"]


async def test_pages_without_end_are_cut_off(account: Path) -> None:
    async with HttpServer(always(200, page(pod("10.1.0.1"), following="more"))).running() as server:
        await source_at(server.url, account).peers()
    assert len(server.asked) == 10


async def test_a_renewed_token_is_used(account: Path) -> None:
    async with HttpServer(answering()).running() as server:
        source = source_at(server.url, account)
        await source.peers()
        (account / "token").write_text("second-token")
        await source.peers()
    assert server.asked[1].headers["authorization"] == "Bearer second-token"


async def test_the_api_is_believed_only_with_the_accounts_authority(account: Path) -> None:
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    async with HttpServer(answering(pod("10.1.0.1"))).running(tls) as server:
        source = source_at(server.url, account)
        authority.cert_pem.write_to_path(account / "ca.crt")
        assert list(await source.peers()) == ["10.1.0.1"]
        trustme.CA().cert_pem.write_to_path(account / "ca.crt")
        with pytest.raises(SourceError, match="CERTIFICATE_VERIFY_FAILED"):
            await source.peers()
        (account / "ca.crt").write_text("nonsense")
        with pytest.raises(SourceError, match=r"cannot use the certificate .*ca.crt"):
            await source.peers()


async def test_the_token_is_not_shown_to_the_network(account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []

    async def call(*_: object, headers: dict[str, str], **__: object) -> bytes:
        shown.append(headers)
        return page()

    monkeypatch.setattr("respcache.cluster.discovery.kubernetes.call", call)
    for api in ("http://10.9.9.9", "http://localhost:8001", "http://[::1]:8001", "https://10.9.9.9"):
        await source_at(api, account).peers()
    assert [bool(headers) for headers in shown] == [False, True, True, True]


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        ((403, b'{"message": "cannot list"}'), r'answers 403: {"message": "cannot list"}'),
        ((200, b"[]"), "no list of EndpointSlices"),
        ((200, b"\xff"), "no list of EndpointSlices"),
        ((200, page(pod("10.1.0.1"))), "no port named gossip"),
    ],
)
async def test_what_cannot_be_used_is_an_error(
    account: Path, answer: tuple[int, bytes], trouble: str
) -> None:
    async with HttpServer(always(*answer)).running() as server:
        with pytest.raises(SourceError, match=trouble):
            await source_at(server.url, account, port="gossip").peers()


async def test_without_a_namespace_somebody_must_say(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot read .*namespace: No such file"):
        await source_at("http://127.0.0.1:1", tmp_path).peers()


@pytest.mark.parametrize(
    ("environ", "api"),
    [
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}, "https://10.0.0.1:6443"),
        ({"KUBERNETES_SERVICE_HOST": "fd00::1"}, "https://[fd00::1]:443"),
    ],
)
async def test_pods_are_told_where_the_api_is(
    environ: dict[str, str], api: str, account: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = []

    async def call(_: str, url: str, **__: object) -> bytes:
        urls.append(url)
        return page()

    monkeypatch.setattr("respcache.cluster.discovery.kubernetes.call", call)
    await KubernetesEndpoints("cache", environ, account=account).peers()
    assert urls[0].startswith(f"{api}/apis/")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({}, "no pod of Kubernetes"), ({"api": "10.0.0.1:443"}, "no URL"), ({"api": "http://a", "port": "0"}, "0 is no port")],
)  # fmt: skip
def test_mistakes_are_told_at_the_start(options: dict[str, str], sentence: str) -> None:
    with pytest.raises(DiscoverySettingsError, match=sentence):
        KubernetesEndpoints("cache", {}, **options)  # type: ignore[arg-type]  # none of them is the account
