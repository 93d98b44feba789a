"""Settings of TLS for clients: one set for the Redis port and the HTTP port, named as in Redis.

Between nodes of a cluster TLS has settings of its own; see ``cluster.py``.
"""

from .kinds import Choice, Integer, Text, YesNo
from .parameter import Parameter, Section


class Tls(Section, title="TLS", table="tls"):
    """In the file, what begins with ``tls-`` may stand in a table ``[tls]`` without that prefix."""

    tls_port = Parameter(
        "tls-port",
        Integer(0, 65535),
        0,
        mutable=False,
        doc="Port for the Redis protocol over TLS; 0 for none. With port 0 it is the only one.",
        reason="It needs a certificate.",
    )
    tls_cert_file = Parameter(
        "tls-cert-file",
        Text(),
        "",
        rereads=True,
        doc="Certificate that is shown to clients, PEM, with those between it and the authority's behind it.",
        reason="Only the operator has one.",
    )
    tls_key_file = Parameter(
        "tls-key-file",
        Text(),
        "",
        rereads=True,
        doc="Private key of the certificate, PEM.",
        reason="See tls-cert-file.",
    )
    tls_key_file_pass = Parameter(
        "tls-key-file-pass",
        Text(),
        "",
        secret=True,
        rereads=True,
        doc="Password of the key; empty for a key without one.",
        reason="Most keys are protected by the permissions of their file.",
    )
    tls_ca_cert_file = Parameter(
        "tls-ca-cert-file",
        Text(),
        "",
        rereads=True,
        doc="Certificates of the authorities that clients' certificates must be signed by, PEM.",
        reason="Public authorities sign for everybody.",
    )
    tls_ca_cert_dir = Parameter(
        "tls-ca-cert-dir",
        Text(),
        "",
        rereads=True,
        doc="Folder of such certificates, each in a file named by OpenSSL's hash (openssl rehash).",
        reason="See tls-ca-cert-file.",
    )
    tls_auth_clients = Parameter(
        "tls-auth-clients",
        Choice("no", "yes", "optional"),
        "yes",
        rereads=True,
        doc="Whether clients must show a certificate; optional: one that is shown must be right.",
        reason="As Redis: whoever opens the port to a network has said who may come in.",
    )
    tls_protocols = Parameter(
        "tls-protocols",
        Text(),
        "",
        rereads=True,
        doc="Versions of TLS that are spoken: TLSv1.2, TLSv1.3, or both with a blank between; empty for both.",
        reason="Older versions are broken, and refused.",
    )
    tls_ciphers = Parameter(
        "tls-ciphers",
        Text(),
        "",
        rereads=True,
        doc="Ciphers for TLSv1.2, in OpenSSL's notation; empty for Python's choice.",
        reason="Python's choice follows what is known of weak ciphers.",
    )
    tls_ciphersuites = Parameter(
        "tls-ciphersuites",
        Text(),
        "",
        rereads=True,
        doc="Ciphers for TLSv1.3, with colons between; empty for OpenSSL's choice. Needs Python 3.15.",
        reason="All of them are good, and older versions of Python cannot choose.",
    )
    tls_prefer_server_ciphers = Parameter(
        "tls-prefer-server-ciphers",
        YesNo(),
        False,
        rereads=True,
        doc="Whether the order of ciphers is the server's rather than the client's.",
        reason="As Redis: a client knows best which of the good ones is quick on its machine.",
    )
