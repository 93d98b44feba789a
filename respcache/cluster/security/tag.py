"""The cluster's tag: a hash of its name, on every packet and in every greeting.

Keeps clusters apart when an address passes from one to the other. It is no secret and protects against nobody.
"""

import hashlib
from typing import Final

TAG_BYTES: Final = 8
"""Two names share a tag by accident once in 10**19."""


def cluster_tag(cluster_name: str) -> bytes:
    return hashlib.blake2b(
        cluster_name.encode("utf-8", "surrogateescape"), digest_size=TAG_BYTES, person=b"respcache tag"
    ).digest()
