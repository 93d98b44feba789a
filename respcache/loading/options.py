"""A loader's settings, read from its class and from the settings file, and checked once."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from .loader import Loader

LONGEST_MS: Final = 3_600_000
"""No client waits for an hour."""

LONGEST_SECONDS: Final = 10**12
"""About 32,000 years; what the setting ``expiration`` can hold."""

Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Milliseconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=LONGEST_MS)]
Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Life: TypeAlias = Annotated[float, msgspec.Meta(ge=0.001, lt=LONGEST_SECONDS)] | Literal["infinity"]
NoLife: TypeAlias = Annotated[float, msgspec.Meta(ge=0, lt=LONGEST_SECONDS)]


class LoaderSettingsError(ValueError):
    """A loader cannot be made from its settings; the text says which and why, for the operator."""


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What each of these means is said in ``Loader``."""

    pattern: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    name: Annotated[str, msgspec.Meta(pattern=r"^[^\s:=,]{1,100}$")]
    db: Annotated[int, msgspec.Meta(ge=0)]
    batch_size: Positive
    batch_window_ms: Milliseconds
    max_concurrent_batches: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    timeout_ms: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_MS)]
    tries: Positive
    retry_pause_ms: Milliseconds
    expiration: Life
    expiration_jitter: Share
    negative_expiration: NoLife
    exists_expiration: NoLife
    refresh_ahead: Share
    on_failure: Literal["error", "stale", "miss"]
    stale_seconds: NoLife
    circuit_failures: Positive
    circuit_reset_ms: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_MS)]
    write_mode: Literal["none", "through", "behind"]
    write_window_ms: Milliseconds
    write_queue: Annotated[int, msgspec.Meta(ge=1)]

    @property
    def life_ms(self) -> int | None:
        """How long a loaded value is fresh; None: for ever."""
        return milliseconds(self.expiration)

    @property
    def stale_ms(self) -> int:
        """How much longer it is kept, to be served where loading fails."""
        return round(self.stale_seconds * 1000) if self.on_failure == "stale" else 0

    @property
    def ahead_ms(self) -> int:
        """A value that has no more than this to live is loaded anew when it is read."""
        return round((self.life_ms or 0) * self.refresh_ahead) + self.stale_ms


OPTION_NAMES: Final = frozenset(Options.__struct_fields__)

OTHER_NAMES: Final = {"write": "write_mode"}
"""Tables have no methods that a setting could be confused with."""


def milliseconds(seconds: Any) -> int | None:
    """Return a life in milliseconds; None for ever. Raises ValueError for what is none."""
    if seconds == "infinity":
        return None
    if not isinstance(seconds, int | float) or not 0 < seconds < LONGEST_SECONDS:  # nor NaN
        raise ValueError(f"no life in seconds: {seconds!r}")
    return max(round(seconds * 1000), 1)


def options_of(loader: Loader, overrides: Mapping[str, Any] = {}) -> Options:
    """Return the settings of a loader: its attributes, or what stands in ``overrides`` instead.

    Raises LoaderSettingsError.
    """
    attributes = {name: getattr(loader, name) for name in OPTION_NAMES}
    attributes["name"] = loader.name or type(loader).__name__
    writes = hasattr(loader, "bulk_write") or hasattr(loader, "write")
    return checked_options(attributes, overrides, writes=writes)


def checked_options(attributes: Mapping[str, Any], overrides: Mapping[str, Any], *, writes: bool) -> Options:
    """Do as ``options_of`` for a loader of these attributes, which can write or cannot."""
    shown = attributes["name"]
    overrides = {OTHER_NAMES.get(name, name): value for name, value in overrides.items()}
    unknown = sorted(set(overrides) - OPTION_NAMES)
    if unknown:
        raise LoaderSettingsError(f"loader {shown}: there is no setting {unknown[0]!r}")
    values = {**attributes, **overrides}
    if not values["pattern"]:
        raise LoaderSettingsError(f'loader {shown} has no pattern; set one, such as pattern = "user:*"')
    try:
        options = msgspec.convert(values, Options)
    except msgspec.ValidationError as error:
        raise LoaderSettingsError(f"loader {shown}: {error}") from None
    mode = options.write_mode
    if mode != "none" and not writes:
        raise LoaderSettingsError(f"loader {shown}: write = {mode!r} needs a method write or bulk_write")
    return options
