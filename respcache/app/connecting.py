"""Which server a command of the command line talks to, the same for all commands; and what its errors mean there."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Final

from cyclopts import Parameter

from .client import Address, ClientError

PASSWORD_VARIABLE: Final = "REDISCLI_AUTH"
"""Where redis-cli looks for a password, too. One on the command line is seen by everybody on the machine."""

NOT_OURS: Final = "does not know this command: is it a respcache?"
"""Of another server than ours."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Server:
    """The options that say where a server is. A command has them all with ``server: Server = LOCAL``."""

    host: Annotated[str, Parameter(["--host", "-h"], help="Name or address of the server.")] = "127.0.0.1"
    port: Annotated[int, Parameter(["--port", "-p"], help="Its TCP port.")] = 6379
    socket: Annotated[
        str, Parameter(["--socket", "-s"], help="Path of its Unix socket, instead of host and port.")
    ] = ""
    password: Annotated[
        str, Parameter(["--password", "-a"], help=f"Better given in the variable {PASSWORD_VARIABLE}.")
    ] = ""

    @property
    def address(self) -> Address:
        """Where and how to connect; the environment has the password if nobody gives one."""
        password = self.password or os.environ.get(PASSWORD_VARIABLE, "")
        return Address(self.host, self.port, self.socket, password)


LOCAL: Final = Server()


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
