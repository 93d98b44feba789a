"""The endpoints of a service, asked of Kubernetes' API: sees pods before the cluster's DNS does, and those not ready yet.

EndpointSlices are listed (discovery.k8s.io/v1) with the token, authority and namespace that every pod finds in its service
account's directory; all three are read at each question, because they are renewed. The account needs
the right to ``list`` ``endpointslices`` in that namespace.

Pods that are not ready count: a node becomes ready by joining, and joins by finding others. Those that end do not.
"""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from .endpoints import HIGHEST_PORT, Endpoint, numeric_host
from .http_call import call, check_url
from .protocol import DiscoverySettingsError, ReadOnly, SourceError

ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SERVICE_LABEL: Final = "kubernetes.io/service-name"

SLICES_PER_PAGE: Final = 100
"""A slice holds up to 100 endpoints by default, and takes some 50 KiB then."""

MOST_PAGES: Final = 10
"""More peers than are taken from one source."""


class _Record(msgspec.Struct, rename="camel"):
    """Kubernetes' spelling; what we do not name is skipped."""


class _Conditions(_Record):
    terminating: bool | None = None


class _Pod(_Record):
    addresses: list[str] = []
    conditions: _Conditions = msgspec.field(default_factory=_Conditions)


class _Port(_Record):
    name: str | None = None
    port: int | None = None


class _Slice(_Record):
    endpoints: list[_Pod] | None = None
    ports: list[_Port] | None = None


class _Metadata(_Record):
    continue_: str | None = msgspec.field(name="continue", default=None)


class _Page(_Record):
    items: list[_Slice] = []
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


_DECODER: Final = msgspec.json.Decoder(_Page)


class KubernetesEndpoints(ReadOnly):
    """Lists the endpoints of one service, or of all services with some labels."""

    name = "kubernetes"

    def __init__(
        self,
        service: str,
        environ: Mapping[str, str],
        *,
        namespace: str = "",
        port: str = "",
        api: str = "",
        account: Path = ACCOUNT,
    ) -> None:
        """``service`` is a name, or a selector of labels such as ``app=cache``; ``port`` a name, a number, or ours."""
        self._selector = service if "=" in service else f"{SERVICE_LABEL}={service}"
        self._namespace = namespace
        self._port = port
        self._api = api.rstrip("/") or _api_of(environ)
        self._account = account
        check_url(self._api)
        if port.isdecimal() and not 0 < int(port) <= HIGHEST_PORT:
            raise DiscoverySettingsError(f"{port} is no port")

    async def peers(self) -> Sequence[str]:
        namespace = self._namespace or self._read("namespace")
        url = f"{self._api}/apis/discovery.k8s.io/v1/namespaces/{quote(namespace, safe='')}/endpointslices"
        parameters = {"labelSelector": self._selector, "limit": str(SLICES_PER_PAGE)}
        found: list[str] = []
        for _ in range(MOST_PAGES):
            page = await self._page(url, parameters)
            for piece in page.items:
                found += _endpoints(piece, self._port)
            if not page.metadata.continue_:
                break
            parameters["continue"] = page.metadata.continue_
        return found

    async def _page(self, url: str, parameters: Mapping[str, str]) -> _Page:
        body = await call("GET", url, tls=self._tls(), headers=self._credentials(), parameters=parameters)
        try:
            return _DECODER.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise SourceError(f"Kubernetes' answer is no list of EndpointSlices: {error}") from error

    def _tls(self) -> ssl.SSLContext | None:
        if not self._api.startswith("https:"):
            return None
        authority = self._account / "ca.crt"
        try:
            return ssl.create_default_context(cafile=authority if authority.exists() else None)
        except (OSError, ssl.SSLError) as error:
            raise SourceError(f"cannot use the certificate {authority}: {error}") from error

    def _credentials(self) -> dict[str, str]:
        """Return the token, unless there is none or everybody on the way could read it."""
        if not (self._account / "token").exists():
            return {}
        if not self._api.startswith("https:") and not _is_this_machine(urlsplit(self._api).hostname or ""):
            return {}
        return {"Authorization": f"Bearer {self._read('token')}"}

    def _read(self, name: str) -> str:
        path = self._account / name
        try:
            return path.read_text("utf-8").strip()  # from memory: Kubernetes mounts a tmpfs there
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


def _api_of(environ: Mapping[str, str]) -> str:
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise DiscoverySettingsError("this is no pod of Kubernetes: give cluster-kubernetes-api")
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def _endpoints(piece: _Slice, port: str) -> Iterator[str]:
    for pod in piece.endpoints or ():
        if not pod.conditions.terminating:
            number = _port_number(piece, port)
            for address in pod.addresses:
                yield str(Endpoint(address, number))


def _port_number(piece: _Slice, wanted: str) -> int:
    if not wanted or wanted.isdecimal():
        return int(wanted or 0)
    for port in piece.ports or ():
        if port.name == wanted and port.port:
            return port.port
    raise SourceError(f"the service has no port named {wanted}")


def _is_this_machine(host: str) -> bool:
    return host == "localhost" or (numeric_host(host) or "").startswith("127.") or numeric_host(host) == "::1"
