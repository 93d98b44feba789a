"""A node that may serve nobody."""

from typing import Any, cast

from respcache.cluster.bus.batch import Batch
from respcache.cluster.bus.closed import Closed

CLIENT = cast(Any, None)


class Sink:
    wire = b""

    def fill(self, wire: bytes) -> None:
        self.wire = wire


def test_a_command_and_every_part_of_a_batch_is_refused_with_the_reason() -> None:
    closed = Closed(b"-CLUSTERDOWN why\r\n")
    one, other = Sink(), Sink()
    closed.add(CLIENT, one, [b"GET", b"a"], 5)
    batch = Batch(1, 0, 2, 0.0)
    batch.sinks = [other, None]
    closed.append(None, batch)
    assert one.wire == other.wire == b"-CLUSTERDOWN why\r\n"
