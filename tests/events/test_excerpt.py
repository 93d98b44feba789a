from hypothesis import given
from hypothesis import strategies as st

from respcache.events.excerpt import MEMBER_BYTES, Excerpt, excerpt


def test_a_small_string_is_taken_as_it_is() -> None:
    value = b"a value"
    assert excerpt(value, 7).content is value


def test_a_large_string_is_cut() -> None:
    assert excerpt(b"0123456789", 4) == Excerpt(b"0123", is_truncated=True)


def test_a_string_that_changes_in_place_is_copied() -> None:
    value = bytearray(b"before")
    taken = excerpt(value, 100)
    value[:] = b"after"
    assert taken == Excerpt(b"before")


def test_a_hash_is_copied() -> None:
    fields = {b"f": b"v"}
    taken = excerpt(fields, 100)
    fields[b"f"] = b"another"
    assert taken == Excerpt({b"f": b"v"})


def test_a_large_hash_is_cut_between_fields() -> None:
    fields = {b"%d" % number: b"v" for number in range(10)}
    assert excerpt(fields, 2 * (MEMBER_BYTES + 2)) == Excerpt({b"0": b"v", b"1": b"v"}, is_truncated=True)


def test_no_more_of_a_collection_is_looked_at_than_is_kept() -> None:
    endless = iter(lambda: b"member", b"never")
    assert excerpt(endless, 3 * (MEMBER_BYTES + 6)) == Excerpt((b"member",) * 3, is_truncated=True)


@given(st.lists(st.binary(max_size=20)), st.integers(0, 200))
def test_an_excerpt_keeps_within_its_limit(members: list[bytes], limit_bytes: int) -> None:
    taken = excerpt(members, limit_bytes)
    assert isinstance(taken.content, tuple)
    assert sum(len(member) + MEMBER_BYTES for member in taken.content) <= limit_bytes
    assert taken.content == tuple(members[: len(taken.content)])
    assert taken.is_truncated == (len(taken.content) < len(members))
