"""Whether the bus may be opened where strangers can reach it.

Who reaches the bus of a cluster without a secret can read and change every key. So without one it is opened on loopback only, unless
the operator says in so many words that the network is trusted.
"""

from collections.abc import Iterable
from ipaddress import ip_address


class ExposureError(Exception):
    """The bus would be open to strangers."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``. A name counts as loopback only if it is ``localhost``."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return host.lower() == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)  # ::ffff:127.0.0.1
    return (mapped or address).is_loopback


def check_exposure(bind_hosts: Iterable[str], has_secret: bool, allow_insecure: bool) -> None:
    """Raise `ExposureError` if nodes would listen beyond loopback with neither a secret nor the operator's word."""
    if has_secret or allow_insecure:
        return
    exposed = [host for host in bind_hosts if not is_loopback(host)]
    if exposed:
        raise ExposureError(
            f"the cluster's bus would listen on {', '.join(host or 'every address' for host in exposed)} without"
            " a secret, and whoever reaches it could read and change every key: set cluster.secret to the same long"
            " random text on every node, or bind to 127.0.0.1"
        )
