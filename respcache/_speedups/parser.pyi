from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from .request_input import RequestInput

Plain = TypeVar("Plain")

class RequestLimits(Protocol):
    @property
    def max_arguments(self) -> int: ...
    @property
    def max_bulk_bytes(self) -> int: ...
    @property
    def max_inline_bytes(self) -> int: ...
    @property
    def max_query_bytes(self) -> int: ...

class RequestParser(RequestInput):
    limits: Any  # RequestLimits; whoever sets them knows more of their type
    @property
    def buffered_bytes(self) -> int: ...
    def __init__(self, limits: RequestLimits) -> None: ...
    def feed(self, data: bytes, most: int = 0) -> list[list[bytes]]: ...
    def read_all(self, data: bytes, most: int = 0) -> list[list[bytes]]: ...
    def count_all(self, data: bytes) -> int: ...

def best_parser(
    plain: type[Plain],
    split: Callable[[bytes], list[bytes] | None],
    count: Callable[[bytes, Any], int],
    size: Callable[[bytes, Any], int],
    error: type[Exception],
    limit: str,
) -> type[Plain]: ...
