"""Records as they travel."""

import msgspec

from respcache.cluster.replication import records
from respcache.cluster.replication.records import Effects


def test_every_kind_has_a_number_of_its_own() -> None:
    kinds = [
        records.STRING,
        records.HASH,
        records.STRING_PART,
        records.HASH_PART,
        records.DEADLINE,
        records.REMOVED,
        records.DROPPED,
        records.FLUSHED,
        records.BEGIN,
        records.END,
        records.CHECK,
        records.HAND,
        records.RELEASE,
        records.OFFERED,
        records.SERVED,
    ]
    assert len(set(kinds)) == len(kinds)
    assert all(kind + records.OFFER not in kinds for kind in kinds)


def test_records_keep_their_words_on_the_way() -> None:
    told = Effects(1, 2, [[records.STRING, 5, 0, b"key", (1 << 64) - 1, (1 << 32) - 1, 0, b"v", False]], [])
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(told), type=Effects) == told
