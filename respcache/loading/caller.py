"""Calls a loader's methods, each in its own way: coroutine functions here, plain ones in worker threads of the loader's own.

Whatever the loader does wrong becomes an exception or a ``LoadError`` for the key; nothing else gets out.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import trio

from .known import Known
from .loader import KEEP, Change, Loader, LoadError, Missing
from .options import Options
from .values import Outcome, Plain, WrongAnswerError, outcome_of, reason_of, stored_text

Method = Callable[..., Any]  # Any: the loader's author decides

KNOWN_TO_EXIST: Final = 100_000
"""Keys of which ``key_exists`` has said yes, some 26 MB; the oldest are forgotten."""


class Caller:
    """One loader, and the threads that its calls may take."""

    def __init__(self, loader: Loader, options: Options) -> None:
        self._loader = loader
        # A thread that is given up keeps its token until it returns, so that threads cannot pile up.
        self.threads = trio.CapacityLimiter(options.max_concurrent_batches)
        self._writing_thread = trio.CapacityLimiter(1)
        self.writes_in_bulk = hasattr(loader, "bulk_write")
        self.has_started = trio.Event()
        self._key_exists: Method | None = getattr(loader, "key_exists", None)
        self._existing = Known(KNOWN_TO_EXIST)
        self._exists_ms = round(options.exists_expiration * 1000)
        self._makes = type(loader).new is not Loader.new
        self._renews = type(loader).refresh is not Loader.refresh
        self._threads_awaited = 0
        self._has_abandoned = False
        self.unasked = 0
        """Answers for keys that nobody had asked for."""

    @property
    def abandoned(self) -> int:
        """How many threads nobody waits for any more, and that have not returned."""
        if not self._has_abandoned:
            return 0  # asked for every key
        threads = self.threads.statistics()
        abandoned = int(threads.borrowed_tokens) + threads.tasks_waiting - self._threads_awaited
        self._has_abandoned = abandoned > 0
        return abandoned

    async def start(self) -> None:
        """Let the loader open what it needs. Raises whatever it raises."""
        await self._call_if_any("start")
        self.has_started.set()

    async def close(self) -> None:
        """Let the loader close what it has opened."""
        await self._call_if_any("close")

    async def _call_if_any(self, name: str) -> None:
        method: Method | None = getattr(self._loader, name, None)
        if method is not None:
            await self._call(method, limiter=self._writing_thread)

    # -- loading -------------------------------------------------------------

    async def load(self, keys: list[bytes], olds: Mapping[bytes, Plain], now_ms: int) -> dict[bytes, Outcome]:
        """Return what has become of each key; ``olds`` are the values of those that are there already.

        Raises what ``key_exists`` and ``bulk_load`` raise.
        """
        outcomes = await self._ask_whether(keys, now_ms)
        wanted = [key for key in keys if key not in outcomes]
        if not wanted:
            return outcomes
        found = self._checked(await self._call(self._loader.bulk_load, list(wanted)), wanted)
        there = {key: datum for key, datum in found.items() if not _is_final(datum)}
        made = await self._make(there, olds)
        for key in wanted:
            if key not in found:
                self._existing.forget(key)
            outcomes[key] = made[key] if key in made else outcome_of(found.get(key, Missing))
        return outcomes

    async def _ask_whether(self, keys: list[bytes], now_ms: int) -> dict[bytes, Outcome]:
        """Return what has become of those keys that do not exist, as far as the loader can tell cheaply."""
        outcomes: dict[bytes, Outcome] = {}
        if self._key_exists is None:
            return outcomes
        unknown = [key for key in keys if not self._existing.is_present(key, now_ms)]
        exists = await self._for_each(self._key_exists, [(key,) for key in unknown])
        for key, there in zip(unknown, exists, strict=True):
            if isinstance(there, Exception):
                outcomes[key] = _as_load_error(there)
            elif not there:
                outcomes[key] = Missing
            elif self._exists_ms:
                self._existing.note_present(key, now_ms, self._exists_ms)
        return outcomes

    def _checked(self, found: object, wanted: Sequence[bytes]) -> dict[bytes, Any]:
        if not isinstance(found, Mapping):
            raise WrongAnswerError(f"bulk_load must return a mapping, not {type(found).__name__}")
        asked = frozenset(wanted)
        data: dict[bytes, Any] = {}
        for name, datum in found.items():
            if not isinstance(name, bytes | str):
                raise WrongAnswerError(
                    f"bulk_load must return bytes or str as keys, not {type(name).__name__}"
                )
            key = stored_text(name)
            if key in asked:
                data[key] = datum
            else:
                self.unasked += 1
        return data

    async def _make(self, data: Mapping[bytes, Any], olds: Mapping[bytes, Plain]) -> dict[bytes, Outcome]:
        """Return what ``new`` and ``refresh`` make of data."""
        old = {key: olds[key] for key in data if key in olds} if self._renews else {}
        fresh = [key for key in data if key not in old] if self._makes else []
        results: dict[bytes, Any] = {key: datum for key, datum in data.items() if key not in old}
        for keys, method, arguments in (
            (fresh, self._loader.new, [(key, data[key]) for key in fresh]),
            (list(old), self._loader.refresh, [(key, value, data[key]) for key, value in old.items()]),
        ):
            results.update(zip(keys, await self._for_each(method, arguments), strict=True))
        return {
            key: _as_load_error(made)
            if isinstance(made, Exception)
            else _fitting(outcome_of(made), key in olds)
            for key, made in results.items()
        }

    # -- writing -------------------------------------------------------------

    async def write(self, changes: Sequence[Change]) -> None:
        """Write changes, in order; raises what the loader raises. What went before an exception may be written."""
        bulk_write: Method | None = getattr(self._loader, "bulk_write", None)
        if bulk_write is not None:
            await self._call(bulk_write, list(changes), limiter=self._writing_thread)
            return
        for change in changes:
            await self._write_one(change)

    async def _write_one(self, change: Change) -> None:
        if change.value is not None:
            write: Method = self._loader.write  # type: ignore[attr-defined]  # checked with the settings
            await self._call(write, change.key, change.value, limiter=self._writing_thread)
            return
        delete: Method | None = getattr(self._loader, "delete", None)
        if delete is None:
            raise LoadError("the loader has no method delete")
        await self._call(delete, change.key, limiter=self._writing_thread)

    # -- within --------------------------------------------------------------

    async def _call(
        self, method: Method, *arguments: object, limiter: trio.CapacityLimiter | None = None
    ) -> Any:
        if inspect.iscoroutinefunction(method):
            result = method(*arguments)
        elif limiter is None:
            self._threads_awaited += 1
            try:
                [result] = await trio.to_thread.run_sync(
                    _in_thread, method, arguments, limiter=self.threads, abandon_on_cancel=True
                )
            except trio.Cancelled:
                self._has_abandoned = True
                raise
            finally:
                self._threads_awaited -= 1
        else:
            [result] = await trio.to_thread.run_sync(
                _in_thread, method, arguments, limiter=limiter, abandon_on_cancel=True
            )
        return await _awaited(result)

    async def _for_each(self, method: Method, calls: list[tuple[Any, ...]]) -> list[Any]:
        """Call a method for each; an exception stands in the place of its result. Plain functions share one thread."""
        if not calls:
            return []
        is_async = inspect.iscoroutinefunction(method)
        done = [] if is_async else await self._call(_all_results, method, calls)
        results: list[Any] = []
        for at, arguments in enumerate(calls):
            try:
                results.append(await _awaited(method(*arguments) if is_async else done[at]))
            except Exception as error:  # the loader's code: it may raise anything
                results.append(error)
        return results


async def _awaited(result: Any) -> Any:
    """Return a result, or what comes of it where it is an awaitable."""
    if not inspect.isawaitable(result):
        return result
    try:
        return await result
    except SystemExit as error:  # of some library: no reason to end the server
        raise LoadError(reason_of(error)) from error


def _in_thread(method: Method, arguments: tuple[object, ...]) -> tuple[Any]:
    """Call a method; its result is wrapped, since trio takes an awaitable for a mistake."""
    try:
        return (method(*arguments),)
    except Exception:
        raise
    except (
        BaseException
    ) as error:  # SystemExit, or the end of another event loop: no reason to end the server
        raise LoadError(reason_of(error)) from error


def _all_results(method: Method, calls: list[tuple[Any, ...]]) -> list[Any]:
    results: list[Any] = []
    for arguments in calls:
        try:
            results.append(method(*arguments))
        except Exception as error:  # as above
            results.append(error)
    return results


def _is_final(datum: object) -> bool:
    """Say whether nothing is to be made of what ``bulk_load`` has answered for a key."""
    return datum is Missing or datum is None or isinstance(datum, LoadError)


def _fitting(outcome: Outcome, is_refresh: bool) -> Outcome:
    """Refuse ``KEEP`` where nothing is that could be kept."""
    if outcome is KEEP and not is_refresh:
        return WrongAnswerError("KEEP was returned for a key that is not there")
    return outcome


def _as_load_error(error: Exception) -> LoadError:
    return error if isinstance(error, LoadError) else LoadError(reason_of(error))
