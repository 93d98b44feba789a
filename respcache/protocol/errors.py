"""The one exception of the protocol layer."""


class ProtocolError(Exception):
    """What the client sent is not RESP; nothing after it can be trusted, so the connection ends.

    The text is Redis' own, without the leading ``-ERR ``. It is raised and caught within the
    parser: who feeds one finds the text in its ``error``, beside the commands before the broken place.
    """
