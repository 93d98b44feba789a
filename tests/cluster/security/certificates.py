"""Certificates for tests of TLS: a cluster's authority, and a stranger's."""

import ssl
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme

from respcache.cluster.security.greeting import Role
from respcache.cluster.security.tunnel import node_context


@cache
def _authority(name: str) -> trustme.CA:
    return trustme.CA(organization_name=name)


@cache
def context(role: Role, authority: str = "ours", shown_by: str = "ours") -> ssl.SSLContext:
    """Make a node that trusts ``authority`` and shows a certificate that ``shown_by`` has signed."""
    leaf = _authority(shown_by).issue_cert("node.test")
    with TemporaryDirectory() as folder:
        certificate, key, trusted = (Path(folder, name) for name in ("node.pem", "node.key", "authority.pem"))
        certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        leaf.private_key_pem.write_to_path(key)
        _authority(authority).cert_pem.write_to_path(trusted)
        return node_context(role, certificate, key, trusted)
