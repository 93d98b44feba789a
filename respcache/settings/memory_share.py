"""The grammar of maxmemory-clients: a size, or a percentage of maxmemory."""

import msgspec

from .errors import InvalidValueError
from .kinds import LONG_MAX, Kind, parse_size, size_text, toml_string, within


class MemoryShare(msgspec.Struct, frozen=True):
    """At most one of the two is not 0; both 0 means no limit."""

    size_bytes: int = 0
    percent: int = 0

    def limit_bytes(self, maxmemory_bytes: int) -> int:
        """Return the limit; 0 is none, as it is for a percentage of no maxmemory."""
        return maxmemory_bytes * self.percent // 100 if self.percent else self.size_bytes


class SizeOrPercent(Kind[MemoryShare]):
    """``64mb`` or ``5%``."""

    allowed = "a number of bytes such as 64mb, or a percentage of maxmemory such as 5%"

    def parse(self, text: str, current: MemoryShare) -> MemoryShare:
        number, sign, rest = text.partition("%")
        if sign and not rest and number.isascii() and number.isdigit() and len(number) <= 20:
            if int(number) > 100:
                raise InvalidValueError("percentage argument must be less or equal to 100")
            return MemoryShare(percent=int(number))
        size_bytes = parse_size(text)
        if size_bytes is None:
            raise InvalidValueError("argument must be a memory or percent value")
        return MemoryShare(within(size_bytes, 0, LONG_MAX))

    def show(self, value: MemoryShare) -> str:
        return f"{value.percent}%" if value.percent else str(value.size_bytes)

    def text_of_toml(self, value: object) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return super().text_of_toml(value)

    def toml(self, value: MemoryShare) -> str:
        return toml_string(self.show(value) if value.percent else size_text(value.size_bytes))
