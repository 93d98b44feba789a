import os
import subprocess
import sys

import pytest

from tests.servers import REPOSITORY

from .network import INSIDE, CannotCutError, Loopback, Namespaces, way_in
from .relay import Trouble

# Each host tells the other that it is there, fifty times a second, and writes down whether it has heard anything since.
TALK = """
import socket, sys, time
own, other = sys.argv[1:]
s = socket.socket(type=socket.SOCK_DGRAM)
s.bind((own, 5000))
while True:
    try:
        s.sendto(own.encode(), (other, 5000))
    except OSError:
        pass
    until, heard = time.monotonic() + 0.02, False
    while (left := until - time.monotonic()) > 0:
        s.settimeout(left)
        try:
            s.recv(100)
            heard = True
        except OSError:
            pass
    print("heard" if heard else "silence", flush=True)
"""
LINES = 10
"""As many in a row are no accident: a packet more or less was on its way."""


def run_inside() -> None:
    """Cut, unplug and trouble two hosts, and listen to what they hear; runs in a namespace of its own."""
    wire = Namespaces("1")
    one, two = wire.add_host(), wire.add_host()
    ears = {
        host: subprocess.Popen(
            [*wire.entry(host), sys.executable, "-c", TALK, host.address, other.address],
            stdout=subprocess.PIPE,
            text=True,
        )
        for host, other in ((one, two), (two, one))
    }

    def expect(heard_by_one: bool, heard_by_two: bool) -> None:
        for host, is_heard in ((one, heard_by_one), (two, heard_by_two)):
            lines, wanted, output = 0, "heard" if is_heard else "silence", ears[host].stdout
            assert output is not None
            for _ in range(500):
                lines = lines + 1 if output.readline().strip() == wanted else 0
                if lines == LINES:
                    break
            assert lines == LINES, f"{host}: not {wanted}"

    try:
        expect(True, True)
        wire.cut(one, two)
        expect(True, False)
        wire.mend(one, two)
        expect(True, True)
        wire.trouble(two, one, Trouble(loss=1.0))
        expect(False, True)
        wire.trouble(two, one, Trouble(delay_ms=5))
        expect(True, True)
        wire.trouble(two, one, None)
        wire.unplug(two)
        expect(False, False)
        wire.plug(two)
        expect(True, True)
    finally:
        for ear in ears.values():
            ear.kill()
            ear.wait()
        wire.close()
    again = Namespaces("2")
    assert again.add_host() != one  # another process keeps it
    again.close()


@pytest.mark.timeout(60)
def test_directions_are_cut_delayed_and_unplugged_one_by_one() -> None:
    way = way_in()
    if not way:
        pytest.skip("network namespaces cannot be made here")
    words = [*way, sys.executable, "-c", "from tests.faults.test_network import run_inside; run_inside()"]
    done = subprocess.run(
        words, cwd=REPOSITORY, env={**os.environ, INSIDE: "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_on_loopback_each_node_has_an_address_of_its_own() -> None:
    wire = Loopback("1")
    one, two = wire.add_host(), wire.add_host()
    assert one.address != two.address
    assert one.address.startswith("127.")
    with pytest.raises(CannotCutError):
        wire.cut(one, two)
