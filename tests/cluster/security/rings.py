"""Keyrings for tests, made once: each secret costs 50 ms."""

from functools import cache
from itertools import pairwise

from respcache.cluster.security.keyring import Keyring


@cache
def ring(*secrets: str) -> Keyring:
    return Keyring(secrets)


ROTATION = (("old",), ("old", "new"), ("new", "old"), ("new",))
"""The rings of a node through a rotation."""
STEPS = list(pairwise(ROTATION))
"""In the midst of each pass some nodes have the ring before it and some that after it."""
