"""What a machine is called, and where it is found."""

import socket

from respcache.app.machine import machine_identity, outward_host


def test_a_machine_is_the_same_for_all_its_processes() -> None:
    assert machine_identity() == machine_identity()
    assert 0 < len(machine_identity()) <= 64


def test_the_outward_host_is_a_numeric_address() -> None:
    assert socket.inet_pton(socket.AF_INET, outward_host(socket.AF_INET))
    assert socket.inet_pton(socket.AF_INET6, outward_host(socket.AF_INET6))
