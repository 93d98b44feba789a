"""How much of a request a client may ask the server to hold, before and after it has logged in."""

from typing import Final

import msgspec

REDIS_MAX_BULK_BYTES: Final = 512 * 1024 * 1024
"""Redis' default for ``proto-max-bulk-len``. More than this is refused in the same words to everybody."""


class Limits(msgspec.Struct, frozen=True):
    """Bounds on one client's unfinished request; the defaults are those of Redis 7.0, but for the arguments (see ``strict.py``)."""

    max_arguments: int = 1024 * 1024
    """Arguments in one command."""
    max_bulk_bytes: int = REDIS_MAX_BULK_BYTES
    """Bytes in one argument (``proto-max-bulk-len``)."""
    max_inline_bytes: int = 64 * 1024
    """Bytes in a line: an inline command, or a length."""
    max_query_bytes: int = 1024 * 1024 * 1024
    """Bytes kept of a request that is not complete (``client-query-buffer-limit``)."""
    is_authenticated: bool = True
    """Whether Redis' error texts for an excess speak of authentication."""


UNAUTHENTICATED: Final = Limits(max_arguments=10, max_bulk_bytes=16 * 1024, is_authenticated=False)
"""What Redis grants to those who have not logged in: enough for AUTH and HELLO."""
