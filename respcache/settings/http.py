"""Settings of the HTTP port."""

import re

from .kinds import INT_MAX, Integer, Size, YesNo
from .parameter import Parameter, Section
from .word_lists import WordList

NO_HOSTS: tuple[str, ...] = ()

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s,@?#]{1,255}/?", re.IGNORECASE | re.ASCII)


class Http(Section, title="HTTP", table="http"):
    """In the file, what begins with ``http-`` may stand in a table ``[http]`` without that prefix."""

    http_port = Parameter(
        "http-port",
        Integer(0, 65535),
        0,
        mutable=False,
        flags=("http",),
        doc="Port for REST, live events, metrics and the dashboard; 0 for none.",
        reason="Nothing listens that was not asked for. 8379 is free nearly everywhere.",
    )
    http_tls_port = Parameter(
        "http-tls-port",
        Integer(0, 65535),
        0,
        mutable=False,
        flags=("https",),
        doc="Port for the same over TLS, with the certificate of tls-cert-file; 0 for none.",
        reason="It needs a certificate. 8743 is free nearly everywhere.",
    )
    http_hosts = Parameter(
        "http-hosts",
        WordList(
            "names with commas or blanks between them, or * for any",
            check=lambda word: len(word) < 256,
            most=100,
        ),
        NO_HOSTS,
        mutable=False,
        doc="Names that requests may be addressed to, beside those of this machine; * for any.",
        reason="A page of another site cannot reach the cache through the browser of somebody near it.",
    )
    http_cors_origins = Parameter(
        "http-cors-origins",
        WordList(
            "origins such as https://shop.example with commas or blanks between them, or * for any",
            check=lambda word: word == "*" or _ORIGIN.fullmatch(word) is not None,
            most=100,
        ),
        NO_HOSTS,
        mutable=False,
        doc="Sites whose pages may ask (CORS); * for any. None: only pages that come from here.",
        reason="Any page in the browser of somebody near it could write to the cache otherwise.",
    )
    http_max_connections = Parameter(
        "http-max-connections",
        Integer(1, INT_MAX),
        10_000,
        mutable=False,
        doc="Most HTTP connections at once; others get 503.",
        reason="As maxclients.",
    )
    http_max_requests = Parameter(
        "http-max-requests",
        Integer(1, INT_MAX),
        4096,
        mutable=False,
        doc="Most requests that wait at once for another node, a database or the end of a pause; others get 503.",
        reason="As many as commands may wait for one other node.",
    )
    http_max_body_bytes = Parameter(
        "http-max-body",
        Size(),
        64 * 1024 * 1024,
        mutable=False,
        doc="Most bytes of a request's body.",
        reason="Larger values are for the Redis port.",
    )
    http_open_metrics = Parameter(
        "http-open-metrics",
        YesNo(),
        False,
        mutable=False,
        doc="Whether /metrics is answered without the password.",
        reason="Names of commands and numbers of keys tell something of whoever uses the cache.",
    )
    http_head_timeout_ms = Parameter(
        "http-head-timeout-ms",
        Integer(100, INT_MAX),
        10_000,
        mutable=False,
        doc="How long a request may take to arrive after its first byte, for each 64 KiB of it.",
        reason="Whoever sends a byte now and then shall not keep a connection for ever.",
    )
    http_idle_timeout_ms = Parameter(
        "http-idle-timeout-ms",
        Integer(100, INT_MAX),
        75_000,
        mutable=False,
        doc="How long a connection may stand open between two requests.",
        reason="Longer than the minute after which load balancers let go theirs.",
    )
    http_request_timeout_ms = Parameter(
        "http-request-timeout-ms",
        Integer(100, INT_MAX),
        60_000,
        mutable=False,
        doc="How long a request may wait for one thing: a node, a database, the end of a pause; then it gets 504.",
        reason="What is waited for has limits of its own, all of them shorter; this is for what has none, such as WAIT.",
    )
    http_read_only = Parameter(
        "http-read-only",
        YesNo(),
        False,
        doc="Refuse every command over HTTP that changes keys or the server: the dashboard only shows.",
        reason="A cache is there to be written; where people only look, say so.",
    )
