from respcache.cluster.replication.content import content_digest
from respcache.cluster.replication.tables import Part
from respcache.keyspace.entry import Entry, Value
from respcache.keyspace.hashes import Hash


def part(
    *entries: tuple[bytes, Value], deadline_ms: int | None = None, version: int = 7, db: int = 0
) -> Part:
    new = Part()
    for key, value in entries:
        entry = new.table(db).entries[key] = Entry(key, value, 0)
        entry.version, entry.expires_at_ms = version, deadline_ms
    return new


def fields(*words: bytes) -> Hash:
    value = Hash()
    for word in words:
        value.set(word, word)
    return value


def test_equal_content_has_equal_digests_in_whatever_order() -> None:
    one = part((b"a", b"1"), (b"b", fields(b"f", b"g")))
    other = part((b"b", fields(b"g", b"f")), (b"a", b"1"))
    other.table(3)
    assert content_digest(one) == content_digest(other)
    assert len(content_digest(one)) == 16


def test_any_difference_shows() -> None:
    different = [
        part(),
        part((b"a", b"1")),
        part((b"a", b"2")),
        part((b"b", b"1")),
        part((b"a", bytearray(b"1"))),
        part((b"a", fields(b"1"))),
        part((b"a", b"1"), deadline_ms=5),
        part((b"a", b"1"), version=8),
        part((b"a", b"1"), db=1),
        part((b"a", b"1"), (b"b", b"")),
    ]
    assert len({content_digest(one) for one in different}) == len(different)
