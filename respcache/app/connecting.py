"""Which server a command of the command line talks to, the same for all commands; and what its errors mean there.

The options are named as redis-cli's.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Final

from cyclopts import Parameter

from .client import Address, ClientError
from .client_tls import ClientTls

PASSWORD_VARIABLE: Final = "REDISCLI_AUTH"
"""Where redis-cli looks for a password, too. One on the command line is seen by everybody on the machine."""

NOT_OURS: Final = "does not know this command: is it a respcache?"
"""Of another server than ours."""

Host = Annotated[str, Parameter(["--host", "-h"], help="Name or address of the server.")]
Port = Annotated[int, Parameter(["--port", "-p"], help="Its TCP port.")]
Socket = Annotated[
    str, Parameter(["--socket", "-s"], help="Path of its Unix socket, instead of host and port.")
]
Password = Annotated[
    str, Parameter(["--password", "-a"], help=f"Better given in the variable {PASSWORD_VARIABLE}.")
]
SpeakTls = Annotated[bool, Parameter("--tls", negative="", help="Speak TLS.")]
Authority = Annotated[
    str,
    Parameter(
        "--cacert", help="Certificates of the authorities to trust, PEM; without, those of the system."
    ),
]
Authorities = Annotated[str, Parameter("--cacertdir", help="A folder of such certificates.")]
Certificate = Annotated[str, Parameter("--cert", help="A certificate to show, PEM.")]
Key = Annotated[str, Parameter("--key", help="Its private key, PEM.")]
Name = Annotated[str, Parameter("--sni", help="The name that its certificate must have, if not the host.")]
Insecure = Annotated[
    bool, Parameter("--insecure", negative="", help="Trust any certificate: anybody could be the server.")
]


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Server:
    """The options that say where a server is, and how to get in. A command has them all with ``server: Server = LOCAL``."""

    host: Host = "127.0.0.1"
    port: Port = 6379
    socket: Socket = ""
    password: Password = field(default="", repr=False)
    tls: SpeakTls = False
    cacert: Authority = ""
    cacertdir: Authorities = ""
    cert: Certificate = ""
    key: Key = ""
    sni: Name = ""
    insecure: Insecure = False

    @property
    def address(self) -> Address:
        """Where and how to connect; the environment has the password if nobody gives one. Raises ClientError."""
        password = self.password or os.environ.get(PASSWORD_VARIABLE, "")
        return Address(self.host, self.port, self.socket, password, self._tls())

    def _tls(self) -> ClientTls | None:
        if self.tls:
            if self.socket:
                raise ClientError("--tls is for a host and a port; a Unix socket needs none")
            return ClientTls(
                self.cacert, self.cacertdir, self.cert, self.key, self.sni or self.host, not self.insecure
            )
        if self.cacert or self.cacertdir or self.cert or self.key or self.sni or self.insecure:
            raise ClientError("certificates are for TLS: say --tls, too")  # else all would go in the clear
        return None


LOCAL: Final = Server()
"""The server that commands talk to unless they are told of another."""


@contextmanager
def explained(server: object, meanings: Mapping[str, str]) -> Iterator[None]:
    """Say of the server what an error means whose text has certain words in it; other errors stay as they are."""
    try:
        yield
    except ClientError as error:
        for words, meaning in meanings.items():
            if words in str(error):
                raise ClientError(f"{server} {meaning}") from None
        raise
