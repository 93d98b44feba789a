"""Records as they travel."""

import msgspec

from respcache.cluster.replication import records
from respcache.cluster.replication.records import Effects, effects_frame, encoded, records_of


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
    record = [records.STRING, 5, 0, b"key", (1 << 64) - 1, (1 << 32) - 1, 0, b"v", False]
    other = [records.OFFERED, 7]
    operations = [(b"o" * 20, 3, 0, [b"+OK\r\n"])]
    wire = effects_frame(1, 2, [encoded(record), encoded(other)], operations)
    assert wire[:1] == records.EFFECTS
    told = msgspec.msgpack.decode(wire[1:], type=Effects)
    assert (told.generation, told.sequence, told.operations) == (1, 2, operations)
    assert records_of(told.records) == [record, other]
