"""A source of the operator's own, named ``package.module:Class``.

The class is called once, without arguments, and has the four methods of ``protocol.Discovery``. They run in the server's own
loop, where they must never block.
"""

from typing import Final, cast

from ...settings.class_path import CannotImportError, imported, made
from .protocol import Discovery, DiscoverySettingsError

METHODS: Final = ("peers", "register", "deregister", "run")


def custom_discovery(target: str) -> Discovery:
    """Import, make and check it; DiscoverySettingsError says what is wrong."""
    try:
        source = made(imported(target), {})
    except CannotImportError as error:
        raise DiscoverySettingsError(str(error)) from error
    missing = [method for method in METHODS if not callable(getattr(source, method, None))]
    if missing:
        raise DiscoverySettingsError(f"it has no method {missing[0]}")
    return cast("Discovery", source)
