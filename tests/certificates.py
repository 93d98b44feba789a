"""Certificates for tests of TLS between clients and a server: an authority's, and a stranger's."""

import datetime
import ssl
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from respcache.settings.settings import Settings

NAMES: Final = ("localhost", "127.0.0.1", "::1")
PASSWORD: Final = "open sesame"


@cache
def authority(name: str = "ours") -> trustme.CA:
    return trustme.CA(organization_name=name)


def other_certificate(folder: Path, *, days: int = 365) -> tuple[Path, Path]:
    """Write another certificate of the same authority, which expires in so many days; return its file and its key's."""
    expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    issued = authority().issue_cert(*NAMES, not_after=expires)
    certificate, key = folder / f"other{days}.crt", folder / f"other{days}.key"
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(key)
    return certificate, key


@dataclass(frozen=True, slots=True)
class Files:
    """A server's files, a client's, and a stranger's; the paths of all are texts, as settings take them."""

    certificate: str
    key: str
    locked_key: str
    authority: str
    client: str
    stranger: str
    strangers_authority: str

    def flags(self, **others: object) -> list[str]:
        """Return flags for ``respcache serve`` or ``redis-server``, with ``others`` added."""
        settings = {
            "tls_cert_file": self.certificate,
            "tls_key_file": self.key,
            "tls_ca_cert_file": self.authority,
            **others,
        }
        return [
            word
            for name, value in settings.items()
            for word in (f"--{name.replace('_', '-')}", str(value))
            if value is not None
        ]

    def settings(self, **others: str) -> Settings:
        """Return settings of a server with these files."""
        files = {
            "tls_cert_file": self.certificate,
            "tls_key_file": self.key,
            "tls_ca_cert_file": self.authority,
        }
        return Settings(**{**files, **others})

    def client_context(self, *, shows: str | None = "client") -> ssl.SSLContext:
        """Return the context of a client that trusts the authority and shows its certificate, the ``stranger``'s, or none."""
        context = ssl.create_default_context(cafile=self.authority)
        if shows is not None:
            context.load_cert_chain(self.client if shows == "client" else self.stranger)
        return context


def write_certificates(folder: Path) -> Files:
    """Write all files."""
    folder.mkdir(parents=True, exist_ok=True)
    ours, strange = authority(), authority("strange")
    server = ours.issue_cert(*NAMES)
    (folder / "server.crt").write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
    key = server.private_key_pem.bytes()
    (folder / "server.key").write_bytes(key)
    (folder / "locked.key").write_bytes(
        load_pem_private_key(key, None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode())
        )
    )
    ours.cert_pem.write_to_path(folder / "ca.pem")
    ours.issue_cert("client.test").private_key_and_cert_chain_pem.write_to_path(folder / "client.pem")
    strange.cert_pem.write_to_path(folder / "strange-ca.pem")
    strange.issue_cert("client.test").private_key_and_cert_chain_pem.write_to_path(folder / "stranger.pem")
    return Files(
        *(
            str(folder / name)
            for name in (
                "server.crt",
                "server.key",
                "locked.key",
                "ca.pem",
                "client.pem",
                "stranger.pem",
                "strange-ca.pem",
            )
        )
    )
