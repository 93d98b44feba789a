"""What ``respcache serve --help`` prints: every setting that can be chosen, in one line each."""

from ..settings.compatibility import Compatibility
from ..settings.settings import SECTIONS

HEAD = """\
usage: respcache serve [FILE] [--name value ...]

Serve clients until a signal or SHUTDOWN. Settings come from FILE (TOML; else from
RESPCACHE_CONFIG, ./respcache.toml or /etc/respcache/respcache.toml), then from variables
such as RESPCACHE_MAXMEMORY=1gb, then from flags such as --maxmemory 1gb.
"""

FOOT = """
Sizes take the units k, kb, m, mb, g and gb. docs/configuration.md explains every setting.
"""


def serve_help() -> str:
    lines = [HEAD]
    for section in SECTIONS:
        if section is Compatibility:
            continue
        lines.append(f"{section.title}:")
        for parameter in section.parameters:
            default = parameter.kind.show(parameter.default)
            shown = f" [{default}]" if default else ""
            names = ", ".join(f"--{name}" for name in (parameter.name, *parameter.flags))
            lines.append(f"  {names}{shown}\n      {parameter.doc}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n" + FOOT
