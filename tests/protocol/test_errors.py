import pytest

from respcache.protocol.limits import Limits
from respcache.protocol.strict import StrictParser

BROKEN = [b"*x\r\n", b"*1\r\n:1\r\n", b"*1\r\n$-1\r\n", b"'a\r\n", b"x" * 70_000]


@pytest.mark.parametrize("stream", BROKEN)
def test_a_broken_stream_is_no_exception_for_who_feeds_it(stream: bytes) -> None:
    parser = StrictParser(Limits())
    assert parser.feed(stream) == []
    assert parser.error is not None


def test_the_text_is_that_of_redis_without_its_code() -> None:
    parser = StrictParser(Limits())
    parser.feed(b"*x\r\n")
    assert parser.error == "Protocol error: invalid multibulk length"
