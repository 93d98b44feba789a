"""From ``package.module:Class`` to the class: for sinks, loaders and sources of peers of the operator's own."""

import re
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from operator import attrgetter
from typing import Any, Final

CLASS_PATH: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", re.ASCII)


class CannotImportError(ValueError):
    """A class cannot be had; the text says why, for the operator."""


def imported(target: str) -> Callable[..., object]:
    """Return what is named; the current directory is looked into as well, as ``python -m`` does."""
    module_name, colon, class_name = target.partition(":")
    if not (module_name and colon and class_name):
        raise CannotImportError(f"{target!r} should look like package.module:Class")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        module = import_module(module_name)
    except (Exception, SystemExit) as error:  # importing runs the operator's code, which may raise anything
        raise CannotImportError(f"cannot import {module_name}: {described(error)}") from error
    try:
        found = attrgetter(class_name)(module)
    except AttributeError:
        raise CannotImportError(f"{module_name} has no {class_name}") from None
    if not callable(found):
        raise CannotImportError(f"{target} cannot be called")
    return found  # type: ignore[no-any-return]  # attrgetter cannot know more than we have just checked


def made(factory: Callable[..., object], options: Mapping[str, Any]) -> object:
    """Return an object of the class, made with these keyword arguments."""
    try:
        return factory(**options)
    except (Exception, SystemExit) as error:  # the operator's code again
        given = f" with the options {list(options)}" if options else ""
        raise CannotImportError(f"cannot make it{given}: {described(error)}") from error


def described(error: BaseException) -> str:
    """Return an exception in one line."""
    return f"{type(error).__name__}: {error}"
