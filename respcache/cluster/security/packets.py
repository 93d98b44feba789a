"""One UDP datagram: its header, its seal, and what is refused.

    magic 2 | version 1 | flags 1 | cluster tag 8 | key id 4 | sender 20 | sequence 8 | payload

With a secret the payload is sealed with AES-GCM, and the whole header is authenticated with it. Each sender seals
with a key of its own, derived from the cluster's and its id, which is random and new at every start of the process;
the nonce is the sequence number, which never comes twice in it. So no nonce is ever used twice under one key,
however many nodes send however long, which random nonces under one shared key could not promise beyond some
2**32 packets: five days of a hundred nodes.

Promises that `open` raises nothing but `Refused`, counts what it refuses, and keeps a bounded memory of senders
however many there pretend to be. A replay is refused as long as its sender is remembered; a node that has just started
remembers nobody, and takes an old packet of a sender until it has heard a newer one: incarnations are what makes that
harmless, and are the payload's affair. So is whom a packet is for: one that was sent to another node opens here too.
Without a secret all this keeps out accidents, and nobody who means harm.
"""

import random
from collections import Counter, OrderedDict
from enum import StrEnum
from struct import Struct
from typing import Final

from .ciphers import AUTHENTICATION_TAG_BYTES, NONCE_BYTES, Cipher
from .keyring import NO_KEY_ID, Keyring
from .replay import ReplayWindow
from .tag import cluster_tag

DATAGRAM_BYTES: Final = 1400
"""Fits into one Ethernet frame with room for tunnels; a datagram in fragments is lost when one of them is."""
SENDER_ID_BYTES: Final = 20
VERSION: Final = 1

_MAGIC: Final = b"rC"
_SEALED: Final = 1
_HEADER: Final = Struct(">2sBB8s4s20sQ")
PAYLOAD_BYTES: Final = DATAGRAM_BYTES - _HEADER.size - AUTHENTICATION_TAG_BYTES
"""What fits into a datagram, sealed or not."""

_SENDERS: Final = 4096
"""Many times the members of the largest cluster, and all who were it lately; a megabyte."""
_PURPOSE: Final = b"respcache packet"


class Reason(StrEnum):
    """Why a datagram was refused."""

    TOO_LONG = "too-long"
    NOT_OURS = "not-ours"
    OTHER_VERSION = "other-version"
    OTHER_CLUSTER = "other-cluster"
    OWN = "own"
    NOT_SEALED = "not-sealed"
    SEALED = "sealed"
    UNKNOWN_KEY = "unknown-key"
    FORGED = "forged"
    REPLAYED = "replayed"


class Refused(Exception):  # noqa: N818  # nothing is wrong with us
    """A datagram was not opened."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class _Sender:
    """What is remembered of a sender that proved itself: its window, and the cipher of the key it used last."""

    __slots__ = ("cipher", "key_id", "window")

    def __init__(self, sequence: int, key_id: bytes, cipher: Cipher | None) -> None:
        self.window = ReplayWindow(sequence)
        self.key_id = key_id
        self.cipher = cipher


class PacketCodec:
    """Seals what this node sends and opens what it receives.

    ``sender`` is our node id. ``chance`` chooses the first sequence number, nothing else.
    """

    def __init__(self, cluster_name: str, keyring: Keyring, sender: bytes, chance: random.Random) -> None:
        assert len(sender) == SENDER_ID_BYTES
        self.refused: Counter[Reason] = Counter()
        self._tag = cluster_tag(cluster_name)
        self._me = sender
        # From anywhere: should an id ever be used twice, then still no sequence number is.
        self._sequence = chance.getrandbits(62)
        self._senders: OrderedDict[bytes, _Sender] = OrderedDict()
        self.rekey(keyring)

    def rekey(self, keyring: Keyring) -> None:
        """Go on with other secrets; what was seen of senders stays known."""
        self._keyring = keyring
        self._sealer: Cipher | None = None
        if keyring.sealing is not None:
            self._sealer = Cipher(keyring.sealing.derive(_PURPOSE, self._me))
        for sender in self._senders.values():
            sender.cipher, sender.key_id = None, NO_KEY_ID

    def seal(self, payload: bytes) -> bytes:
        """Make a datagram of at most 1400 bytes; a longer payload is a mistake of the caller's, a ValueError."""
        if len(payload) > PAYLOAD_BYTES:
            raise ValueError(f"{len(payload)} bytes do not fit into a datagram, which takes {PAYLOAD_BYTES}")
        self._sequence += 1
        key = self._keyring.sealing
        if key is None or self._sealer is None:
            return self._header(0, NO_KEY_ID) + payload
        header = self._header(_SEALED, key.id)
        return header + self._sealer.seal(_nonce(self._sequence), payload, header)

    def _header(self, flags: int, key_id: bytes) -> bytes:
        return _HEADER.pack(_MAGIC, VERSION, flags, self._tag, key_id, self._me, self._sequence)

    def open(self, datagram: bytes) -> bytes:
        """Return the payload; raise `Refused` for everything but a new datagram of a member of this cluster."""
        try:
            return self._open(datagram)
        except Refused as refused:
            self.refused[refused.reason] += 1
            raise

    def _open(self, datagram: bytes) -> bytes:
        if len(datagram) > DATAGRAM_BYTES:
            raise Refused(Reason.TOO_LONG)
        if len(datagram) < _HEADER.size:
            raise Refused(Reason.NOT_OURS)
        magic, version, flags, tag, key_id, sender, sequence = _HEADER.unpack_from(datagram)
        self._check_header(magic, version, flags, tag, sender)
        known = self._senders.get(sender)
        if self._keyring:
            cipher = self._cipher_of(known, key_id, sender)
            payload = cipher.open(_nonce(sequence), datagram[_HEADER.size :], datagram[: _HEADER.size])
            if payload is None:
                raise Refused(Reason.FORGED)
        else:
            cipher, payload = None, datagram[_HEADER.size :]
        self._remember(known, sender, sequence, key_id, cipher)
        return payload

    def _check_header(self, magic: bytes, version: int, flags: int, tag: bytes, sender: bytes) -> None:
        if magic != _MAGIC:
            raise Refused(Reason.NOT_OURS)
        if version != VERSION or flags & ~_SEALED:
            raise Refused(Reason.OTHER_VERSION)
        if tag != self._tag:
            raise Refused(Reason.OTHER_CLUSTER)
        if sender == self._me:  # thrown back at us, or found in a list of seeds
            raise Refused(Reason.OWN)
        if self._keyring and not flags:
            raise Refused(Reason.NOT_SEALED)
        if flags and not self._keyring:
            raise Refused(Reason.SEALED)

    def _cipher_of(self, known: _Sender | None, key_id: bytes, sender: bytes) -> Cipher:
        if known is not None and known.cipher is not None and known.key_id == key_id:
            return known.cipher
        key = self._keyring.find(key_id)
        if key is None:
            raise Refused(Reason.UNKNOWN_KEY)
        return Cipher(key.derive(_PURPOSE, sender))

    def _remember(
        self, known: _Sender | None, sender: bytes, sequence: int, key_id: bytes, cipher: Cipher | None
    ) -> None:
        """Note the sequence number. Only now: before the seal was found whole, nobody may claim our memory."""
        if known is None:
            if len(self._senders) >= _SENDERS:
                self._senders.popitem(last=False)
            self._senders[sender] = _Sender(sequence, key_id, cipher)
            return
        if not known.window.accepts(sequence):
            raise Refused(Reason.REPLAYED)
        known.key_id, known.cipher = key_id, cipher
        self._senders.move_to_end(sender)


def _nonce(sequence: int) -> bytes:
    return sequence.to_bytes(NONCE_BYTES, "big")
