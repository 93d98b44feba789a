"""The command ``respcache``: serves at once, or hands over to the command line for everything else."""

import gc
import os
import sys


def main() -> int:
    """Run what the command line asks for; return the exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["serve"]:
        return _serve(arguments[1:])
    from .app.cli import main as run_command_line  # noqa: PLC0415

    return run_command_line(arguments)


def _serve(arguments: list[str]) -> int:
    gc.disable()  # imports make objects that stay: looking for garbage among them is a tenth of the start
    try:
        # Past cyclopts and rich, which would make up half of the start.
        from .app.start import start  # noqa: PLC0415

        return start(arguments, os.environ)
    finally:
        gc.enable()


if __name__ == "__main__":
    sys.exit(main())
