"""What this machine is called, and where others find it."""

import contextlib
import os
import socket
from pathlib import Path


def machine_identity() -> str:
    """Return what tells this machine from others, where copies of data must not all lie."""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        with contextlib.suppress(OSError):
            text = Path(path).read_text().strip()
            if text:
                return (
                    f"{text[:32]}-{socket.gethostname()[:24]}"  # containers share the file, and not the name
                )
    return os.uname().nodename[:64]


def outward_host(family: int) -> str:
    """Return the address that this machine has towards others. No packet is sent."""
    target = ("2001:db8::1", 9) if family == socket.AF_INET6 else ("192.0.2.1", 9)
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(target)
            return str(probe.getsockname()[0])
        except OSError:
            return "::1" if family == socket.AF_INET6 else "127.0.0.1"
