from dataclasses import dataclass

import pytest

from respcache.protocol.parser import PlainRequestParser
from respcache.protocol.strict import StrictParser


@dataclass
class Work:
    """How many bytes parsers had in their hands. More than once for a byte is fine; once for each piece is not."""

    bytes: int = 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Count what parsers look at or copy: seconds would tell of the machine."""
    work = Work()
    gather, read_whole = StrictParser._gather, PlainRequestParser._read_whole

    def counting_gather(parser: StrictParser, data: bytes) -> tuple[bytes, int]:
        kept_bytes = len(parser._buffer) - parser._position + sum(map(len, parser._pieces))
        work.bytes += kept_bytes + len(data)
        return gather(parser, data)

    def counting_read_whole(parser: PlainRequestParser, data: bytes) -> list[list[bytes]] | None:
        work.bytes += len(data)
        return read_whole(parser, data)

    monkeypatch.setattr(StrictParser, "_gather", counting_gather)
    monkeypatch.setattr(PlainRequestParser, "_read_whole", counting_read_whole)
    return work
