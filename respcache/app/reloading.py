"""SIGHUP: the settings are read again, and what can change while the server runs is changed."""

import logging
from collections.abc import Callable

from ..settings.errors import ChangeRefusedError
from ..settings.settings import PARAMETERS, Settings
from .configuration import ConfigurationError

log = logging.getLogger(__name__)


def reload_settings(settings: Settings, read_again: Callable[[], Settings]) -> None:
    """Take over what differs, all or nothing, as one CONFIG SET would; say in the log what was done.

    What CONFIG SET had changed becomes again what file, environment and flags say.
    """
    try:
        fresh = read_again()
    except ConfigurationError as error:
        log.error("settings were not reloaded: %s", error)
        return
    different = [one for one in PARAMETERS if fresh.value(one) != settings.value(one)]
    fixed = [one.name for one in different if not one.mutable]
    changed = [one for one in different if one.mutable]
    try:
        settings.set_many([(one.name, fresh.text(one)) for one in changed])
    except ChangeRefusedError as refusal:
        log.error("settings were not reloaded: %s", refusal)
        return
    names = ", ".join(one.name for one in changed)
    log.info("settings reloaded; changed: %s", names or "none")
    if fixed:
        log.warning("these settings need a restart: %s", ", ".join(fixed))
