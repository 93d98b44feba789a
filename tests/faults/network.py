"""Where nodes live: each in a network namespace of its own, on one bridge, or all on the loopback device.

All namespaces are made inside one that belongs to the run alone, and none has a name: the kernel removes everything when the last process of the run has
gone, however it went, and two runs at once never meet. So the addresses may be the same in each.

One direction between two nodes is cut by a wrong entry in the sender's table of neighbours: its packets go to a machine
that does not exist, silently, as with a filter in between, and no filter needs to be installed.
"""

import fcntl
import os
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from typing import IO, Final

import msgspec

from .relay import Trouble

NETWORK: Final = "10.77.0"
CLIENTS: Final = f"{NETWORK}.254"
NOBODY: Final = "02:00:00:00:00:fe"
"""A hardware address that no host has."""

TUN: Final = "/dev/net/tun"
TUNSETIFF: Final = 0x400454CA
TUN_WITHOUT_HEADER: Final = 0x1001
"""IFF_TUN | IFF_NO_PI, from linux/if_tun.h."""

INSIDE: Final = "FAULTS_NAMESPACE"
"""Set for the process that already has a namespace for the run."""

_TRIAL: Final = f"""
set -e
ip link set lo up
ip link add trial0 type veth peer name trial1
ip link add trial2 type bridge
unshare --net true
test -c {TUN}
"""


@dataclass(frozen=True, slots=True)
class Host:
    """A place for one node."""

    number: int
    address: str
    holder: int = 0
    """The process that keeps the namespace while no node is in it."""


class CannotCutError(Exception):
    """This wire cannot be cut or troubled; see ``can_cut``."""


class Loopback:
    """All nodes on addresses of the loopback device: they can be killed and stopped, but not cut off."""

    name = "loopback"
    can_cut = False

    def __init__(self, _seed: str) -> None:
        self._hosts = 0
        # 127.0.0.0/8 is large: parallel runs get different parts of it, and so can use the same ports.
        self._network = f"127.{1 + os.getpid() // 250 % 250}.{os.getpid() % 250}"

    def add_host(self) -> Host:
        self._hosts += 1
        return Host(self._hosts, f"{self._network}.{self._hosts}")

    def entry(self, host: Host) -> list[str]:
        """Return the words to put before a command that is to run at this host."""
        return []

    def close(self) -> None:
        """Leave nothing: there is nothing."""

    def cut(self, source: Host, target: Host) -> None:
        raise CannotCutError("the loopback device has no ends: this needs network namespaces")

    mend = cut

    def unplug(self, host: Host) -> None:
        raise CannotCutError("the loopback device has no ends: this needs network namespaces")

    plug = unplug

    def trouble(self, source: Host, target: Host, trouble: Trouble | None) -> None:
        raise CannotCutError("the loopback device has no ends: this needs network namespaces")


class Namespaces(Loopback):
    """A namespace for each node, joined by a bridge in the namespace of the run, where the clients are."""

    name = "namespaces"
    can_cut = True

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        self._seed = seed
        self._holders: list[subprocess.Popen[bytes]] = []
        self._devices: dict[int, int] = {}
        self._relay: subprocess.Popen[bytes] | None = None
        self._troubled: set[tuple[int, int]] = set()
        _run("ip link set lo up", "ip link add bridge0 type bridge", "ip link set bridge0 up")
        _run(f"ip address add {CLIENTS}/24 dev bridge0")

    def add_host(self) -> Host:
        self._hosts += 1
        number = self._hosts
        holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._holders.append(holder)
        assert holder.stdout is not None
        holder.stdout.readline()  # it has its namespace
        host = Host(number, f"{NETWORK}.{number}", holder.pid)
        _run(
            f"ip link add host{number} type veth peer name eth0 netns {holder.pid}",
            f"ip link set host{number} master bridge0 up",
        )
        self._run_at(
            host,
            "ip link set lo up",
            f"ip address add {host.address}/24 dev eth0",
            "ip link set eth0 up",
        )
        self._add_device(host)
        return host

    def entry(self, host: Host) -> list[str]:
        return ["nsenter", f"--net=/proc/{host.holder}/ns/net"]

    def cut(self, source: Host, target: Host) -> None:
        """Let nothing through from one node to another; the other direction stays as it is."""
        self._run_at(source, f"ip neighbour replace {target.address} lladdr {NOBODY} dev eth0 nud permanent")

    def mend(self, source: Host, target: Host) -> None:
        self._run_at(source, f"ip neighbour delete {target.address} dev eth0")

    def unplug(self, host: Host) -> None:
        """Take the cable out: nothing goes in or out."""
        _run(f"ip link set host{host.number} down")

    def plug(self, host: Host) -> None:
        _run(f"ip link set host{host.number} up")

    def trouble(self, source: Host, target: Host, trouble: Trouble | None) -> None:
        """Let the packets from one node to another suffer; None ends it."""
        relay = self._start_relay()
        rule = [source.number, target.number, trouble or Trouble()]
        assert relay.stdin is not None
        relay.stdin.write(msgspec.json.encode(rule) + b"\n")
        relay.stdin.flush()
        pair = (source.number, target.number)
        if trouble is not None and pair not in self._troubled:
            self._troubled.add(pair)
            self._run_at(source, f"ip route replace {target.address}/32 dev relay0 src {source.address}")
        elif trouble is None and pair in self._troubled:
            self._troubled.remove(pair)
            self._run_at(source, f"ip route delete {target.address}/32 dev relay0")

    def close(self) -> None:
        # Namespaces go some time after their last process, and the next trial of the run wants the same names now.
        hosts = range(1, self._hosts + 1)
        _run(*(f"ip link delete host{number}" for number in hosts), "ip link delete bridge0")
        for process in [*self._holders, *([self._relay] if self._relay else [])]:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    _close(pipe)
        for device in self._devices.values():
            os.close(device)

    def _add_device(self, host: Host) -> None:
        device = os.open(TUN, os.O_RDWR | os.O_CLOEXEC)
        name = f"tun{host.number}"
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), TUN_WITHOUT_HEADER))
        self._devices[host.number] = device
        _run(f"ip link set {name} netns {host.holder} name relay0")
        self._run_at(host, "ip link set relay0 up")

    def _start_relay(self) -> subprocess.Popen[bytes]:
        """Start the relay when it is first needed: it knows the hosts that there are then."""
        if self._relay is None:
            words = [f"{host}:{device}" for host, device in self._devices.items()]
            self._relay = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.relay", self._seed, *words],
                stdin=subprocess.PIPE,
                pass_fds=tuple(self._devices.values()),
            )
        return self._relay

    def _run_at(self, host: Host, *commands: str) -> None:
        _run(*commands, before=self.entry(host))


def _run(*commands: str, before: list[str] | None = None) -> None:
    """Run commands of ``ip``, all in one process: starting one costs more than what it does."""
    lines = "".join(command.removeprefix("ip ") + "\n" for command in commands)
    done = subprocess.run(
        [*(before or []), "ip", "-batch", "-"], input=lines.encode(), capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{commands}: {done.stderr.decode().strip()}")


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        pass  # what it had not read is for nobody


def way_in() -> list[str]:
    """Return the words that give a command a network namespace of its own, or nothing where that cannot be."""
    if not all(shutil.which(program) for program in ("unshare", "nsenter", "ip")):
        return []
    for way in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        if not subprocess.run([*way, "sh", "-c", _TRIAL], capture_output=True, check=False).returncode:
            return way
    return []


def enter_own_network() -> None:
    """Begin again in a namespace for this run, if that can be made: what follows then needs no care for others."""
    if os.environ.get(INSIDE):
        return
    way = way_in()
    if way:
        words = [*way, sys.executable, "-m", "tests.faults", *sys.argv[1:]]
        os.execvpe(words[0], words, {**os.environ, INSIDE: "1"})


def make_wire(kind: str, seed: str) -> Loopback:
    """Return namespaces where we are in one of our own, unless loopback is asked for."""
    if kind != "loopback" and os.environ.get(INSIDE):
        return Namespaces(seed)
    if kind == "namespaces":
        raise SystemExit("network namespaces cannot be made here")
    return Loopback(seed)
