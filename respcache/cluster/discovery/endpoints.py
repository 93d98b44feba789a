"""``host:port`` as people write it, and numeric addresses as sockets take them.

Pure: nothing is looked up here. IPv6 addresses with a port stand in brackets, as in a URL.
"""

import ipaddress
import re
from typing import Final

import msgspec

Address = tuple[str, int]
"""A numeric IP address and a port."""

HIGHEST_PORT: Final = 65535
OUR_PORT: Final = 0
"""An endpoint without a port: the same one that we listen on ourselves."""

LONGEST_HOST: Final = 255
"""The most that the DNS allows, with its dots."""

_ENDPOINT: Final = re.compile(r"(?:\[(?P<bracketed>[^\]]+)\]|(?P<plain>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")
_HOST: Final = re.compile(r"[^\s/@?#,\[\]\x00-\x1f]+")


class EndpointError(ValueError):
    """A text is no ``host:port``; the message says so and shows it, shortened."""


class Endpoint(msgspec.Struct, frozen=True):
    """A host, by name or number, and a port, which may be OUR_PORT."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host


def parse_endpoint(text: str) -> Endpoint:
    """Read ``host:port``, ``[IPv6]:port`` or either without the port; EndpointError if it is none of these."""
    text = text.strip()
    match = _ENDPOINT.fullmatch(text)
    if match is None:
        if numeric_host(text) is not None:  # with a port it could be another address just as well
            raise EndpointError(f"{text!r} should stand in brackets, as IPv6 addresses do")
        raise EndpointError(f"{text[:80]!r} should look like host:port")
    host = match["bracketed"] or match["plain"]
    if match["bracketed"] is not None and (":" not in host or numeric_host(host) is None):
        raise EndpointError(f"{text[:80]!r}: what stands in brackets is no IPv6 address")
    if not _HOST.fullmatch(host) or len(host) > LONGEST_HOST:
        raise EndpointError(f"{text[:80]!r} has no proper host")
    if match["port"] is None:
        return Endpoint(host, OUR_PORT)
    port = int(match["port"])
    if not 0 < port <= HIGHEST_PORT:
        raise EndpointError(f"{text[:80]!r}: a port is a number from 1 to {HIGHEST_PORT}")
    return Endpoint(host, port)


def numeric_host(host: str) -> str | None:
    """Return the usual spelling of an IP address, or None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)  # where it leads, and how it is heard from
    return str(address)


def is_anywhere(host: str) -> bool:
    """Say whether a host is none in particular: empty, ``*``, 0.0.0.0 or ::."""
    numeric = numeric_host(host)
    return host in ("", "*") or (numeric is not None and ipaddress.ip_address(numeric).is_unspecified)
