"""A source of the operator's own, named ``package.module:Class``.

The class is called once, without arguments, and has the four methods of ``protocol.Discovery``. They run in the server's own
loop, where they must never block.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Final, cast

from .protocol import Discovery, DiscoverySettingsError
from .watch import described

METHODS: Final = ("peers", "register", "deregister", "run")


def custom_discovery(target: str) -> Discovery:
    """Import, make and check it; DiscoverySettingsError says what is wrong."""
    try:
        source = _imported(target)()
    except DiscoverySettingsError:
        raise
    except Exception as error:  # the operator's code may raise anything
        raise DiscoverySettingsError(f"cannot make it: {described(error)}") from error
    missing = [method for method in METHODS if not callable(getattr(source, method, None))]
    if missing:
        raise DiscoverySettingsError(f"it has no method {missing[0]}")
    return cast("Discovery", source)


def _imported(target: str) -> Callable[[], object]:
    module_name, colon, class_name = target.partition(":")
    if not (module_name and colon and class_name):
        raise DiscoverySettingsError(f"{target!r} should look like package.module:Class")
    try:
        module = import_module(module_name)
    except Exception as error:  # importing runs the operator's code
        raise DiscoverySettingsError(f"cannot import {module_name}: {described(error)}") from error
    found = getattr(module, class_name, None)
    if not callable(found):
        raise DiscoverySettingsError(f"{module_name} has no class {class_name}")
    return cast("Callable[[], object]", found)
