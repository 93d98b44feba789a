import pytest

from respcache.commands import cluster_errors as errors
from respcache.commands.errors import CommandError
from respcache.protocol.replies import ErrorReply


@pytest.mark.parametrize(
    ("error", "wire"),
    [
        (errors.moved(12182, "127.0.0.1", 7001), b"-MOVED 12182 127.0.0.1:7001\r\n"),
        (errors.moved(0, "::1", 7001), b"-MOVED 0 ::1:7001\r\n"),
        (errors.crossslot(), b"-CROSSSLOT Keys in request don't hash to the same slot\r\n"),
        (errors.tryagain("The owner has changed"), b"-TRYAGAIN The owner has changed\r\n"),
        (errors.clusterdown(), b"-CLUSTERDOWN The cluster is down\r\n"),
        (errors.clusterdown(errors.NOT_SERVED), b"-CLUSTERDOWN Hash slot not served\r\n"),
    ],
)
def test_clients_read_the_words_of_redis(error: CommandError, wire: bytes) -> None:
    assert ErrorReply(error.code, error.message).wire == wire
