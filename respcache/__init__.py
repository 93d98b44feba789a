"""respcache: a Redis-protocol cache server on trio."""

__version__ = "0.1.0"
REDIS_COMPATIBLE_VERSION = "7.4.0"
"""What HELLO and INFO report as redis_version: clients switch features on by it."""
