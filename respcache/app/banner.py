"""What a person sees when the server is up: where it listens, and what is on."""

import platform

from .. import REDIS_COMPATIBLE_VERSION, __version__
from .._speedups import DESCRIPTION
from ..settings.kinds import seconds_text, size_text
from ..settings.settings import Settings
from .configuration import Configuration

BOLD = "\x1b[1m"
FAINT = "\x1b[2m"
PLAIN = "\x1b[0m"


def banner(configuration: Configuration, port: int, pid: int, *, has_colour: bool) -> str:
    """Return a few lines; ``port`` is the one that was really opened, 0 for none."""
    settings = configuration.settings
    bold, faint, plain = (BOLD, FAINT, PLAIN) if has_colour else ("", "", "")
    head = f"{bold}respcache {__version__}{plain}"
    python = platform.python_version()
    tail = f"Redis {REDIS_COMPATIBLE_VERSION} protocol, Python {python}, {DESCRIPTION}, pid {pid}"
    rows = [
        ("listening", ", ".join(addresses(settings, port))),
        ("access", access(settings)),
        ("memory", memory(settings)),
        ("expiration", expiration(settings)),
        ("events", ", ".join(events(settings)) or "off"),
        ("settings", str(configuration.path or "defaults, environment and flags")),
    ]
    lines = [f"{head} {faint}({tail}){plain}"]
    lines += [f"  {faint}{label:<11}{plain}{text}" for label, text in rows]
    return "\n".join(lines) + "\n"


def addresses(settings: Settings, port: int) -> list[str]:
    """Return where clients find the server. An address that may be missing on this machine is shown all the same."""
    places = []
    for opened, remark in ((port, ""), (settings.tls_port, " (TLS)")):
        for word in settings.bind if opened else ():
            host = word.removeprefix("-")
            places.append((f"[{host}]:{opened}" if ":" in host else f"{host}:{opened}") + remark)
    if settings.unixsocket:
        places.append(settings.unixsocket)
    return places


def access(settings: Settings) -> str:
    """Say who may come in. The password itself is never shown."""
    if settings.requirepass:
        return "with the password"
    if settings.protected_mode:
        return "from this machine only (protected-mode, no password)"
    return "anybody who can reach the port: no password, protected-mode off"


def memory(settings: Settings) -> str:
    if not settings.maxmemory_bytes:
        return "no limit (maxmemory 0)"
    return f"{size_text(settings.maxmemory_bytes)}, then {settings.maxmemory_policy}"


def expiration(settings: Settings) -> str:
    life_ms = settings.expiration_ms
    default = "none by default" if life_ms is None else f"{seconds_text(life_ms)} s by default"
    count = len(settings.expirations)
    return f"{default}, {count} pattern{'s' * (count != 1)}" if count else default


def events(settings: Settings) -> list[str]:
    """Name the sinks that are on."""
    notifications = settings.notify_keyspace_events
    switches = {
        "channel respcache:events": settings.events_channel,
        "console": settings.events_console,
        f"file {settings.events_file}": bool(settings.events_file),
        "webhook": bool(settings.events_webhook_url),  # the URL may hold a token
        f"keyspace notifications {notifications}": bool(notifications),
    }
    own = [sink.class_path for sink in settings.events_sinks]
    return [name for name, is_on in switches.items() if is_on] + own
