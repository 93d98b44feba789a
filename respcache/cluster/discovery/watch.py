"""One source under observation: asked, its answer resolved, and what it said last.

Names are resolved at every question, because whoever stands behind one changes. What fails leaves what was known
before, each name by itself: a seed that is away must not hide the others.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import Final

import trio

from .endpoints import OUR_PORT, Address, Endpoint, EndpointError, is_anywhere, parse_endpoint
from .outages import Outage
from .protocol import Announcement, Discovery, SourceError
from .resolving import Lookup

log = logging.getLogger(__name__)

MOST_ENDPOINTS: Final = 1024
"""Peers taken from one source. Ten times the clusters that this is made for; a source gone mad is cut off here."""

MOST_ADDRESSES_PER_NAME: Final = 1024
"""The same for the addresses of one name, such as a headless service's."""


class Watch:
    """Asks one source, and remembers its last good answer."""

    def __init__(self, discovery: Discovery, me: Announcement, lookup: Lookup, timeout_s: float) -> None:
        self._discovery = discovery
        self._me = me
        self._our_port = parse_endpoint(me.bus).port
        self._lookup = lookup
        self._timeout_s = timeout_s
        self._known: dict[Endpoint, tuple[Address, ...]] = {}
        self.name = str(getattr(discovery, "name", type(discovery).__name__))
        self.outage = Outage(self.name)

    @property
    def addresses(self) -> list[Address]:
        """Return what is known of this source's peers, each once."""
        return list({address: None for found in self._known.values() for address in found})

    async def ask(self) -> None:
        """Register, ask and resolve. Never raises, and never takes more than three timeouts."""
        unregistered = await self._trouble_with(self._register)
        unanswered = await self._trouble_with(self._refresh)
        self.outage.note(unanswered or unregistered, len(self.addresses))

    async def keep_running(self, pause_s: float) -> None:
        """Run what the source does in the background, again if it fails, until it returns."""
        last_trouble = ""
        while True:
            try:
                await self._discovery.run()
            except Exception as error:  # the operator's class may raise anything
                trouble = described(error)
                if trouble != last_trouble:
                    log.warning("discovery %s stopped in the background: %s", self.name, trouble)
                last_trouble = trouble
                await trio.sleep(pause_s)
            else:
                return

    async def _register(self) -> None:
        with trio.fail_after(self._timeout_s):
            await self._discovery.register(self._me)

    async def _refresh(self) -> None:
        with trio.fail_after(self._timeout_s):
            texts = await self._discovery.peers()
        endpoints, troubles = self._parsed(texts)
        found = await self._resolved(endpoints, troubles)
        self._known = {endpoint: found.get(endpoint, self._known.get(endpoint, ())) for endpoint in endpoints}
        if troubles:
            more = f" (and {len(troubles) - 1} more)" if len(troubles) > 1 else ""
            raise SourceError(min(troubles) + more)

    async def _trouble_with(self, step: Callable[[], Awaitable[None]]) -> str | None:
        try:
            await step()
        except trio.TooSlowError:
            return f"no answer within {self._timeout_s:g} s"
        except Exception as error:  # as above
            return described(error)
        return None

    def _parsed(self, texts: Iterable[str]) -> tuple[list[Endpoint], list[str]]:
        endpoints: dict[Endpoint, None] = {}
        troubles = []
        for text in islice(texts, MOST_ENDPOINTS):
            try:
                endpoint = parse_endpoint(text)
            except EndpointError as error:
                troubles.append(str(error))
            else:
                endpoints[endpoint] = None
        return list(endpoints), troubles

    async def _resolved(
        self, endpoints: list[Endpoint], troubles: list[str]
    ) -> dict[Endpoint, tuple[Address, ...]]:
        found: dict[Endpoint, tuple[Address, ...]] = {}

        async def resolve(endpoint: Endpoint) -> None:
            try:
                addresses = await self._lookup(endpoint.host, endpoint.port or self._our_port)
            except Exception as error:  # one name's trouble must not cancel the others
                troubles.append(described(error))
            else:
                found[endpoint] = tuple(islice(filter(_leads_somewhere, addresses), MOST_ADDRESSES_PER_NAME))

        with trio.move_on_after(self._timeout_s) as scope:
            async with trio.open_nursery() as nursery:
                for endpoint in endpoints:
                    nursery.start_soon(resolve, endpoint)
        if scope.cancelled_caught:
            late = next((endpoint for endpoint in endpoints if endpoint not in found), endpoints[-1])
            troubles.append(f"cannot resolve {late.host} within {self._timeout_s:g} s")
        return found


def described(error: Exception) -> str:
    """Say in one line what went wrong. Our own errors speak for themselves; others need their kind."""
    text = str(error).partition("\n")[0]
    return text if isinstance(error, SourceError) else f"{type(error).__name__}: {text}"


def _leads_somewhere(address: Address) -> bool:
    return address[1] != OUR_PORT and not is_anywhere(address[0])
