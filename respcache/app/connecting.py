"""The options that say which server a command talks to; they are the same for all commands."""

import os
from typing import Annotated, Final

from cyclopts import Parameter

from .client import Address

PASSWORD_VARIABLE: Final = "REDISCLI_AUTH"
"""Where redis-cli looks for a password, too. One on the command line is seen by everybody on the machine."""

Host = Annotated[str, Parameter(["--host", "-h"], help="Name or address of the server.")]
Port = Annotated[int, Parameter(["--port", "-p"], help="Its TCP port.")]
Socket = Annotated[
    str, Parameter(["--socket", "-s"], help="Path of its Unix socket, instead of host and port.")
]
Password = Annotated[
    str, Parameter(["--password", "-a"], help=f"Better given in the variable {PASSWORD_VARIABLE}.")
]


def address_of(host: str, port: int, socket: str, password: str) -> Address:
    """Return where and how to connect; the environment has the password if nobody gives one."""
    return Address(host, port, socket, password or os.environ.get(PASSWORD_VARIABLE, ""))
