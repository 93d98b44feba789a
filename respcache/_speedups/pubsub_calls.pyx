"""PUBLISH, compiled; see ``commands/pubsub.py``.

It declines while anybody listens to patterns or on other nodes, and where a subscriber is not in an ordinary state or is
the publisher itself, whose message stands before its reply. So nobody has to be asked while a message is noted for all.
"""

from .calls cimport Call, Compiled
from .fanout cimport FanOut


cdef Compiled compiled_command(bytes name):
    """Return the compiled command of this name, in capitals, or NULL."""
    if name == b"PUBLISH":
        return publish
    return NULL


cdef int publish(Call call) except -1:
    cdef object broker = call.context.node.broker
    cdef FanOut fan_out
    cdef bytes channel
    cdef dict clients
    if broker.elsewhere is not None or broker.patterns or call.notes:  # notes come first
        return 0
    channel = call.words[1][:call.sizes[1]]
    clients = (<dict?>broker.channels).get(channel)
    if clients is None:
        call.out.integer(0)
        return 1
    fan_out = <FanOut?>broker.fan_out
    if not fan_out.is_quick(clients, call.context.client, call.sizes[1] + call.sizes[2]):
        return 0
    call.out.integer(fan_out.send_to(clients, [b"message", channel, call.words[2][:call.sizes[2]]]))
    call.has_called = True  # the loop is not to wait before the message has been sent
    return 1
