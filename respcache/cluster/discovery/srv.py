"""A service in the DNS: SRV records name the hosts of the peers, and the port of each (RFC 2782).

Priorities and weights tell which server a client should choose; we want all of them. The system's resolver cannot ask
for SRV, so dnspython does, of the servers in /etc/resolv.conf. The hosts it finds are
then resolved as any other name.
"""

from collections.abc import Callable, Sequence
from typing import Final

import dns.asyncresolver
import dns.exception
import dns.rdatatype
from dns.rdtypes.IN.SRV import SRV

from .endpoints import Endpoint
from .protocol import ReadOnly, SourceError

PATIENCE_S: Final = 4.0
"""For one question, over all servers; a second less than polling allows, so that the reason is told."""


def system_resolver() -> dns.asyncresolver.Resolver:
    """Read /etc/resolv.conf, which may have changed since the last question."""
    return dns.asyncresolver.Resolver()


class SrvRecords(ReadOnly):
    """Asks for the records of one service."""

    name = "srv"

    def __init__(
        self, service: str, resolver: Callable[[], dns.asyncresolver.Resolver] = system_resolver
    ) -> None:
        self._service = service
        self._resolver = resolver

    async def peers(self) -> Sequence[str]:
        try:
            answer = await self._resolver().resolve(
                self._service, dns.rdatatype.SRV, lifetime=PATIENCE_S, search=True
            )
        except (dns.exception.DNSException, OSError) as error:
            raise SourceError(f"no SRV records of {self._service}: {error}") from error
        return [
            str(Endpoint(record.target.to_text(), record.port))
            for record in answer
            if isinstance(record, SRV)
            and record.port
            and record.target.labels != (b"",)  # "." is: no service
        ]
