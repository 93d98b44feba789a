"""CONFIG REWRITE's file work: the new text takes the old one's place at once or not at all."""

import os
import tempfile
from pathlib import Path

from ..settings.rewrite import rewrite_text
from ..settings.settings import Settings


def rewrite_file(settings: Settings, path: Path | None) -> None:
    """Bring the settings file up to date. Raises ValueError (SettingsError too) or OSError, and changes nothing."""
    if path is None:
        raise ValueError("The server is running without a config file")
    # What a symbolic link points to is replaced, not the link (Kubernetes mounts files so).
    target = path.resolve()
    with target.open(encoding="utf-8", newline="") as file:
        original = file.read()
    text = rewrite_text(settings, original)
    if text == original:
        return
    replace_text(target, text)


def replace_text(target: Path, text: str) -> None:
    """Write a file atomically: a crash leaves the old one or the new one, never half of either."""
    mode = target.stat().st_mode & 0o7777
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # else a power cut may bring the old name back
    finally:
        os.close(directory)
