import msgspec
import pytest

from respcache.protocol.limits import REDIS_MAX_BULK_BYTES, UNAUTHENTICATED, Limits
from tests.servers import Server
from tests.wire import parse


def test_limits_do_not_change_in_use() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        Limits().max_arguments = 1  # type: ignore[misc]


def test_before_the_login_a_client_may_send_little_more_than_a_password() -> None:
    few = msgspec.structs.replace(Limits(), max_arguments=10, max_bulk_bytes=16384, is_authenticated=False)
    assert few == UNAUTHENTICATED


@pytest.mark.redis
@pytest.mark.parametrize(
    ("setting", "limit"),
    [
        ("proto-max-bulk-len", REDIS_MAX_BULK_BYTES),
        ("proto-max-bulk-len", Limits().max_bulk_bytes),
        ("client-query-buffer-limit", Limits().max_query_bytes),
    ],
)
def test_the_defaults_are_those_of_redis(redis_server: Server, setting: str, limit: int) -> None:
    with redis_server.client() as client:
        _, value = parse(client.call("CONFIG", "GET", setting)).children
    assert limit == int(value.text)
