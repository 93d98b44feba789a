from respcache.commands.writes import WRITTEN, plain_copy
from respcache.keyspace.hashes import Hash


def test_copies_do_not_follow_their_originals() -> None:
    text = bytearray(b"abc")
    fields = Hash()
    fields.set(b"f", b"1")
    copies = plain_copy(text), plain_copy(fields)
    text += b"d"
    fields.set(b"f", b"2")
    assert copies == (b"abc", {b"f": b"1"})
    assert type(copies[0]) is bytes


def test_what_is_written_is_known_to_be() -> None:
    assert WRITTEN.error is None
    assert WRITTEN.is_known
