"""A registry that nodes tell where they are and ask for the others: see ``cluster.uplink`` for the other end.

An entry lives for some time and is renewed with every question. While the registry is away its last list stays, and the cluster,
once formed, does not need it; a registry that comes back empty has learnt of all nodes within one period.
"""

import ssl
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from ..uplink.messages import Listing, Registration
from .http_call import call, check_url
from .protocol import Announcement, SourceError

LEAST_TTL_S: Final = 30
"""A registry that is started anew, or a node that stands still, for less than this is no departure."""

PERIODS_PER_TTL: Final = 3
"""Two renewals may be lost in a row."""

_DECODER: Final = msgspec.json.Decoder(Listing)


class Uplink:
    """One registry, asked over HTTP."""

    name = "uplink"

    def __init__(self, url: str, cluster: str, period_s: float) -> None:
        check_url(url)
        self._members = f"{url.rstrip('/')}/v1/clusters/{quote(cluster, safe='')}/members"
        self._ttl_s = max(LEAST_TTL_S, int(PERIODS_PER_TTL * period_s))
        # Loading the system's authorities takes 20 ms, so once and before anybody is served.
        self._tls = ssl.create_default_context() if url.startswith("https:") else None

    async def peers(self) -> Sequence[str]:
        body = await call("GET", self._members, tls=self._tls)
        try:
            listing = _DECODER.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise SourceError(f"the answer is no list of members: {error}") from error
        return [member.bus for member in listing.members]

    async def register(self, me: Announcement) -> None:
        content = msgspec.json.encode(Registration(me.bus, me.name, self._ttl_s))
        await call("PUT", f"{self._members}/{me.id}", tls=self._tls, content=content)

    async def deregister(self, me: Announcement) -> None:
        await call("DELETE", f"{self._members}/{me.id}", tls=self._tls)

    async def run(self) -> None:
        """Do nothing: all happens when asked."""
