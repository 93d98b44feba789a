"""A name in the DNS whose addresses (A and AAAA) are the peers.

Kubernetes' headless services are that, and so are the services of Docker Compose and Swarm (``tasks.name``). The system's resolver is
asked, so /etc/hosts, search domains and caches count as for every other program.
"""

from collections.abc import Sequence

from .endpoints import Endpoint
from .protocol import ReadOnly


class DnsName(ReadOnly):
    """Hands the name on: whoever asks resolves it to all of its addresses each time."""

    name = "dns"

    def __init__(self, host: str, port: int) -> None:
        self._endpoint = str(Endpoint(host, port))

    async def peers(self) -> Sequence[str]:
        return [self._endpoint]
