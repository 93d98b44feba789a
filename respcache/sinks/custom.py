"""Hands events to a class of the operator's own, named ``package.module:Class``.

The class is called once, with the options of the settings as keyword arguments. It has

    def deliver_batch(self, events): ...         # in a thread of its own, or
    async def deliver_batch(self, events): ...   # in the server's own trio loop, where it must never block

and, if it likes, ``close()`` of either kind, called once at the end. ``events`` is a list of the records of
``respcache.events.vocabulary``. There is never more than one call at a time. An exception, or
taking longer than the timeout, gives the batch up; the cache goes on in any case.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import trio

from respcache.events.record import Event
from respcache.settings.class_path import CannotImportError, imported, made

from .settings import CustomSettings, SinkSettingsError


class CustomOutlet:
    """Calls the operator's object, async functions here and others in a thread."""

    def __init__(self, receiver: Any, timeout_s: float) -> None:  # any class will do that has the method
        self._receiver = receiver
        self._timeout_s = timeout_s
        # A call that outlives its timeout keeps its place, so that threads cannot pile up.
        self._one_thread = trio.CapacityLimiter(1)

    async def write(self, events: Sequence[Event]) -> None:
        with trio.fail_after(self._timeout_s):
            await self._call(self._receiver.deliver_batch, list(events))

    def reopen(self) -> None:
        """Do nothing: there is no file."""

    async def close(self) -> None:
        close = getattr(self._receiver, "close", None)
        if close is not None:
            with trio.fail_after(self._timeout_s):
                await self._call(close)

    async def _call(self, method: Callable[..., Awaitable[None] | None], *arguments: object) -> None:
        if inspect.iscoroutinefunction(method):
            await method(*arguments)
        else:
            await trio.to_thread.run_sync(
                method, *arguments, limiter=self._one_thread, abandon_on_cancel=True
            )


def custom_outlet(settings: CustomSettings) -> CustomOutlet:
    """Import, make and check what the settings name; SinkSettingsError says what is wrong with it."""
    try:
        receiver = made(imported(settings.target), settings.options)
    except CannotImportError as error:
        raise SinkSettingsError(f"sink {settings.name}: {error}") from error.__cause__
    if not callable(getattr(receiver, "deliver_batch", None)):
        raise SinkSettingsError(
            f"sink {settings.name}: {type(receiver).__qualname__} has no method deliver_batch(events)"
        )
    return CustomOutlet(receiver, settings.timeout_s)
