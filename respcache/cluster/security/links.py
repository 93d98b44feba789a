"""One TCP connection between two nodes, without the connection.

Bytes that came go in by `feed`, which returns whole frames; frames to send go in by `send`, and `take_output` gives
the bytes for the socket. Below are up to three layers, each in its file: TLS if asked for, the greeting that says
who is there and proves it, and records that seal when there is a secret. A frame begins with one byte of its type; what
that means is the bus's affair, and so is how long a greeting may take.

Promises that nothing from the network raises: a fault ends the link, with `error` for a log and `fault` for whoever
counts. Then `take_output` may still hold a last word for the peer; after that the connection is to be closed.
Memory: one unfinished frame, as far as it has come. What is to be sent is bounded by the lanes above.
"""

import ssl
from collections.abc import Callable, Sequence
from typing import Final

from .faults import Fault, LinkError
from .frames import FrameSplitter, MessageBuffer, framed
from .greeting import GREETING_BYTES, NONCE_BYTES, Hello, Role
from .handshake import Handshake, Session
from .keyring import NO_KEY_ID, Keyring
from .records import RecordOpener, RecordSealer
from .tag import cluster_tag
from .tunnel import Tunnel

FRAME_BYTES: Final = (512 << 20) + (64 << 10)
"""The largest value that Redis' protocol allows, and room for the command around it."""


class Link:
    """A link to another node, from the first byte. ``nonce``: 32 random bytes, fresh for every link.

    ``expected_id``, where known, is the id that must answer. ``tls`` is a context for the role, as
    `tunnel.node_context` makes them; another that would not ask for a certificate is a ValueError.
    """

    __slots__ = (
        "_frames",
        "_handshake",
        "_messages",
        "_opener",
        "_output",
        "_receive",
        "_sealer",
        "_splitter",
        "_tunnel",
        "error",
        "fault",
        "is_established",
        "peer_id",
        "version",
    )

    def __init__(
        self,
        role: Role,
        cluster_name: str,
        keyring: Keyring,
        my_id: bytes,
        nonce: bytes,
        *,
        expected_id: bytes | None = None,
        tls: ssl.SSLContext | None = None,
        versions: tuple[int, int] = (1, 1),
    ) -> None:
        assert len(nonce) == NONCE_BYTES
        key_id = keyring.sealing.id if keyring.sealing else NO_KEY_ID
        mine = Hello(role, bool(keyring), versions, cluster_tag(cluster_name), key_id, my_id, nonce)
        self._handshake = Handshake(mine, keyring, expected_id)
        self._tunnel = None if tls is None else Tunnel(role, tls)
        self._messages = MessageBuffer(GREETING_BYTES)
        self._splitter = FrameSplitter(FRAME_BYTES)
        self._opener: RecordOpener | None = None
        self._sealer: RecordSealer | None = None
        self._output: list[bytes] = []  # ready for the wire
        self._frames: list[bytes] = []  # to be sealed first, if there is a secret
        self._receive: Callable[[bytes], list[bytes]] = self._receive_greeting
        self.is_established = False
        self.peer_id: bytes | None = None
        self.version: int | None = None
        self.fault: Fault | None = None
        self.error: str | None = None

    def start(self) -> None:
        """Begin: who dials speaks first."""
        if self._tunnel is not None:
            self._tunnel.start()
        self._output += framed(self._handshake.open())

    # -- out --------------------------------------------------------------------

    def send(self, frames: Sequence[bytes]) -> None:
        """Send frames on an established link. On one that has failed they go nowhere, as on any closed connection."""
        if self.is_established:
            self._frames += framed(frames)
        else:
            assert self.fault is not None, "frames before the link was established"

    @property
    def has_output(self) -> bool:
        return bool(self._output or self._frames) or (self._tunnel is not None and self._tunnel.has_output)

    def take_output(self) -> bytes:
        """Return what is to be sent now. All frames since the last time are sealed together."""
        parts, frames = self._output, self._frames
        if frames:
            self._frames = []
            parts += frames if self._sealer is None else self._sealer.seal(b"".join(frames))
        self._output = []
        output = b"".join(parts)
        return output if self._tunnel is None else self._tunnel.send(output)

    # -- in ---------------------------------------------------------------------

    @property
    def is_between_frames(self) -> bool:
        """Say whether what comes next begins with a frame, as it is: nothing is sealed, and none has come in part."""
        is_plain = self._tunnel is None and self._opener is None
        return self.is_established and is_plain and self._splitter.is_between_frames

    def feed(self, data: bytes) -> list[bytes]:
        """Take what came, and return the frames that it completes; none once the link has failed."""
        if self._tunnel is None:
            return self._receive(data)
        frames: list[bytes] = []
        for plain in self._tunnel.receive(data):
            frames += self._receive(plain)
        if self._tunnel.error is not None and self.fault is None:
            self._fail(self._tunnel.error)
        return frames

    def _receive_greeting(self, data: bytes) -> list[bytes]:
        messages = self._messages
        messages.add(data)
        try:
            while (message := messages.next()) is not None:
                self._output += framed(self._handshake.receive(message))
                if self._handshake.session is not None:
                    self._establish(self._handshake.session)
                    return self._receive(messages.take_rest())
        except LinkError as error:
            self._fail(error)
        except ValueError:
            self._fail(LinkError(Fault.NOT_A_NODE))
        return []

    def _establish(self, session: Session) -> None:
        self.peer_id, self.version = session.peer_id, session.version
        self._receive = self._receive_frames
        if session.keys is not None:
            seal_with, open_with = session.keys
            self._sealer, self._opener = RecordSealer(seal_with), RecordOpener(open_with)
            self._receive = self._receive_records
        self.is_established = True

    def _receive_frames(self, data: bytes) -> list[bytes]:
        splitter = self._splitter
        frames = splitter.split(data)
        if splitter.is_broken:
            self._fail(LinkError(Fault.FRAME_SIZE))
        return frames

    def _receive_records(self, data: bytes) -> list[bytes]:
        assert self._opener is not None
        frames: list[bytes] = []
        for plain in self._opener.open(data):
            frames += self._receive_frames(plain)
            if self.fault is not None:
                return frames
        if self._opener.is_broken:
            self._fail(LinkError(Fault.BROKEN_RECORD))
        return frames

    def _receive_nothing(self, _data: bytes) -> list[bytes]:
        return []

    def _fail(self, error: LinkError) -> None:
        self.fault = error.fault
        self.error = str(error)
        self.is_established = False
        self._receive = self._receive_nothing
        self._frames = []
        if error.last_word is not None:
            self._output += framed([error.last_word])
