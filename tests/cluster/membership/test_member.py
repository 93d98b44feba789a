import msgspec
import pytest

from respcache.cluster.membership.member import META_BYTES, Meta, decode_meta, encode_meta, is_numeric_host
from tests.cluster.membership.simulator import meta_of


def test_meta_survives_the_journey() -> None:
    assert decode_meta(encode_meta(meta_of(7))) == meta_of(7)


def test_too_much_to_tell_is_refused_on_both_sides() -> None:
    long = msgspec.structs.replace(meta_of(1), zone="z" * META_BYTES)
    with pytest.raises(ValueError, match="at most 512 bytes"):
        encode_meta(long)
    assert decode_meta(msgspec.msgpack.encode(long)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"name": "a\nb"},
        {"zone": "\x00"},
        {"client_port": -1},
        {"http_port": 65536},
        {"weight": float("nan")},
        {"weight": float("inf")},
        {"weight": -1.0},
        {"versions": (2, 1)},
        {"loop_lag_ms": -1},
        {"phase": 3},
        {"machine": 5},
    ],
    ids=str,
)
def test_nonsense_is_refused(change: dict[str, object]) -> None:
    fields = {**msgspec.structs.asdict(meta_of(1)), **change}
    assert decode_meta(msgspec.msgpack.encode(list(fields.values()))) is None


def test_a_later_version_may_tell_more() -> None:
    fields = [*msgspec.structs.asdict(meta_of(1)).values(), "something new"]
    assert decode_meta(msgspec.msgpack.encode(fields)) == meta_of(1)


@pytest.mark.parametrize(
    "garbage", [b"", b"\xc1", b"\x91" * 400, b"\xa1\xff", b"\x9c\xa1\xff" + b"\x00" * 11]
)
def test_garbage_is_no_meta(garbage: bytes) -> None:
    assert decode_meta(garbage) is None


def test_only_the_addresses_of_one_host_are_taken() -> None:
    good = ["10.0.0.1", "127.0.0.1", "::1", "fe80::1%eth0"]
    bad = ["", "example.org", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "1" * 65, "10.0.0.1\n", "10.0.0"]
    assert [host for host in good + bad if is_numeric_host(host)] == good


def test_meta_is_a_record() -> None:
    with pytest.raises(AttributeError):
        meta_of(1).zone = "b"  # type: ignore[misc]
    assert isinstance(meta_of(1), Meta)
