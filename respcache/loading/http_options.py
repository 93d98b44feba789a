"""A table ``[[loading.http]]``, checked, and made into what an HTTP loader works with. ``docs/loading-http.md`` says what can stand in it.

The values of headers are often secrets. They may be taken from the environment, are checked here, where the mistake can be told
without them, and appear in no message.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec

import respcache
from respcache.settings.kinds import parse_size

from .http_answers import AnswerReader, ValueType
from .http_requests import GetRequests, Plan, PostRequests, SingleRequests
from .json_path import JsonPath
from .key_pattern import KeyPattern
from .loader import Loader
from .options import LONGEST_MS, OPTION_NAMES, OTHER_NAMES, LoaderSettingsError, Options, checked_options

KEYS_PER_URL: Final = 100
"""The default ``batch_size`` for a GET of many keys: short lines, which every server takes."""

MOST_BODY_BYTES: Final = 512 * 1024 * 1024
"""The longest value that there can be."""

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NAME: Final = re.compile(r"[^\s:=,]{1,100}")
_OUR_HEADERS: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "content-type", "te", "transfer-encoding", "upgrade"}
)
"""What follows from how we ask."""

_ONLY_WITH: Final = {
    "batch_url": ("batch_method", "batch_items", "batch_key", "batch_body", "batch_parameter", "batch_join"),
    "url": ("concurrency",),
}
"""Settings that mean nothing without another one."""

Made = TypeVar("Made")


class _Table(msgspec.Struct, frozen=True, kw_only=True):
    pattern: str
    url: str = ""
    batch_url: str = ""
    batch_method: Literal["POST", "GET"] = "POST"
    batch_body: str = "keys"
    batch_parameter: Annotated[str, msgspec.Meta(min_length=1)] = "id"
    batch_join: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    batch_items: str = "$"
    batch_key: str = ""
    value: str = "$"
    value_type: ValueType = "json"
    headers: dict[str, str] = {}
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 16
    request_timeout_ms: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_MS)] | None = None
    verify: bool | Annotated[str, msgspec.Meta(min_length=1)] = True
    max_body: int | str = 16 * 1024 * 1024
    missing_status: tuple[Annotated[int, msgspec.Meta(ge=200, le=599)], ...] = (404, 410)
    follow_redirects: bool = False
    use_max_age: bool = False


TABLE_NAMES: Final = frozenset(_Table.__struct_fields__)
"""The settings that are about HTTP; a table has the general ones beside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """What an HTTP loader works with."""

    glob: str
    name: str
    batch_size: int
    plan: Plan
    reader: AnswerReader
    headers: Mapping[str, str]
    """Which say how we ask, by their names in lower case."""
    secrets: Mapping[str, str] = field(repr=False)
    """Which the operator adds, or has instead; for nobody but the source."""
    concurrency: int
    """Requests at once of one batch."""
    connections: int
    """At once, of all batches."""
    request_timeout_s: float
    batch_timeout_s: float
    """After this long nobody waits any more: no further request of a batch is begun."""
    tls: ssl.SSLContext | None
    max_body_bytes: int
    follow_redirects: bool


def read_table(table: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[HttpSettings, dict[str, Any]]:
    """Return what the table says of HTTP, and the rest of it, for ``options_of``. Raises LoaderSettingsError, in one line."""
    name = _name_of(table)
    try:
        return _read(table, name, environ)
    except msgspec.ValidationError as error:
        raise LoaderSettingsError(f"loader {name}: {error}") from None


def _read(
    table: Mapping[str, Any], name: str, environ: Mapping[str, str]
) -> tuple[HttpSettings, dict[str, Any]]:
    own = {setting: value for setting, value in table.items() if setting in TABLE_NAMES}
    general = {setting: value for setting, value in table.items() if setting not in TABLE_NAMES}
    for setting in sorted(general):
        if setting not in OPTION_NAMES | OTHER_NAMES.keys():
            raise _mistake(name, f"there is no setting {setting!r}")
    settings = msgspec.convert(own, _Table)
    _check_company(settings, table, name)
    pattern = _made(name, "pattern", KeyPattern, settings.pattern)
    options = _options(name, pattern, settings, general)
    is_batch = bool(settings.batch_url)
    request_timeout_s = (settings.request_timeout_ms or options.timeout_ms / 2) / 1000
    return HttpSettings(
        glob=pattern.glob,
        name=options.name,
        batch_size=options.batch_size,
        plan=_plan(name, settings, pattern),
        reader=_reader(name, settings),
        headers=_our_headers(settings),
        secrets=_given_headers(name, settings, environ),
        concurrency=settings.concurrency,
        connections=options.max_concurrent_batches * (1 if is_batch else settings.concurrency),
        request_timeout_s=request_timeout_s,
        batch_timeout_s=options.timeout_ms / 1000,
        tls=_tls(name, settings),
        max_body_bytes=_size(name, settings.max_body),
        follow_redirects=settings.follow_redirects,
    ), general


def _mistake(name: str, what: object) -> LoaderSettingsError:
    return LoaderSettingsError(f"loader {name}: {what}")


def _made(name: str, setting: str, make: "type[Made]", *arguments: Any) -> Made:
    """Return what a class makes of a setting; its ValueError becomes ours."""
    try:
        return make(*arguments)
    except ValueError as error:
        raise _mistake(name, f"{setting}: {error}") from None


def _name_of(table: Mapping[str, Any]) -> str:
    """Return the loader's name, or one made from how its keys begin."""
    given, pattern = table.get("name"), table.get("pattern")
    if isinstance(given, str) and _NAME.fullmatch(given):
        return given
    words = re.findall(r"[A-Za-z0-9_.]+", pattern.partition("{")[0]) if isinstance(pattern, str) else []
    return "-".join(["http", *words])[:100]


def _options(name: str, pattern: KeyPattern, settings: _Table, general: Mapping[str, Any]) -> Options:
    """Check the general settings as they will be checked again when the loader is there: some of ours depend on them."""
    attributes = {option: getattr(Loader, option) for option in OPTION_NAMES}
    attributes |= {"pattern": pattern.glob, "name": name}
    if settings.batch_method == "GET":
        attributes["batch_size"] = KEYS_PER_URL
    return checked_options(attributes, general, writes=False)


def _check_company(settings: _Table, table: Mapping[str, Any], name: str) -> None:
    """Refuse settings that would have no effect: whoever wrote them expects one."""
    if bool(settings.url) == bool(settings.batch_url):
        raise _mistake(name, "it needs either url or batch_url")
    for needed, others in _ONLY_WITH.items():
        if not getattr(settings, needed):
            _refuse(name, table, others, f"without {needed}")
    if settings.batch_method == "GET":
        _refuse(name, table, ("batch_body",), 'with batch_method = "GET"')
    else:
        _refuse(name, table, ("batch_parameter", "batch_join"), 'without batch_method = "GET"')
    if settings.value_type == "body":
        _refuse(name, table, ("value", "batch_url"), 'with value_type = "body"')


def _refuse(name: str, table: Mapping[str, Any], settings: tuple[str, ...], why: str) -> None:
    for setting in settings:
        if setting in table:
            raise _mistake(name, f"{setting} means nothing {why}")


def _plan(name: str, settings: _Table, pattern: KeyPattern) -> Plan:
    if settings.url:
        return _made(name, "url", SingleRequests, settings.url, pattern)
    if settings.batch_method == "POST":
        return _made(name, "batch_url", PostRequests, settings.batch_url, pattern, settings.batch_body)
    parameter, join = settings.batch_parameter, settings.batch_join
    return _made(name, "batch_url", GetRequests, settings.batch_url, pattern, parameter, join)


def _reader(name: str, settings: _Table) -> AnswerReader:
    items = _made(name, "batch_items", JsonPath, settings.batch_items) if settings.batch_url else None
    return AnswerReader(
        value=_made(name, "value", JsonPath, settings.value),
        value_type=settings.value_type,
        missing_status=frozenset(settings.missing_status),
        use_max_age=settings.use_max_age,
        batch_items=items,
        batch_key=settings.batch_key,
    )


def _our_headers(settings: _Table) -> dict[str, str]:
    headers = {
        "accept": "*/*" if settings.value_type == "body" else "application/json",
        "accept-encoding": "identity",  # unpacking would let a small answer become a huge one
        "user-agent": f"respcache/{respcache.__version__}",
    }
    if settings.batch_url and settings.batch_method == "POST":
        headers["content-type"] = "application/json"
    return headers


def _given_headers(name: str, settings: _Table, environ: Mapping[str, str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for header, value in settings.headers.items():
        low = header.lower()
        if not _HEADER_NAME.fullmatch(header):
            raise _mistake(name, f"headers: {header!r} is no name of a header")
        if low in _OUR_HEADERS:
            raise _mistake(name, f"headers: {header} is not yours to set")
        if low in headers:
            raise _mistake(name, f"headers: {header} stands there twice")
        headers[low] = _filled(name, header, value, environ)
    return headers


def _filled(name: str, header: str, value: str, environ: Mapping[str, str]) -> str:
    """Put variables of the environment into a header's value."""
    for variable in _VARIABLE.findall(value):
        if not environ.get(variable):
            raise _mistake(name, f"headers: the variable {variable}, which {header} needs, is not set")
    if "${" in _VARIABLE.sub("", value):
        raise _mistake(name, f"headers: {header} has a ${{ that begins no variable such as ${{SHOP_TOKEN}}")
    filled = _VARIABLE.sub(lambda found: environ[found[1]], value).strip()
    if not all(character.isprintable() for character in filled.replace("\t", " ")):
        raise _mistake(
            name, f"headers: {header} would have a line break, or another character that no header can have"
        )
    return filled


def _tls(name: str, settings: _Table) -> ssl.SSLContext | None:
    """Return how to speak TLS; None where that is not needed, for it takes a moment to read all authorities."""
    is_needed = (settings.url or settings.batch_url).lower().startswith("https:") or settings.follow_redirects
    if not is_needed and not isinstance(settings.verify, str):
        return None
    file = settings.verify if isinstance(settings.verify, str) else None
    try:
        context = ssl.create_default_context(cafile=file)
    except OSError as error:  # ssl.SSLError is one
        raise _mistake(
            name, f"verify: cannot use the authorities in {file}: {error.strerror or error}"
        ) from None
    if settings.verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _size(name: str, size: int | str) -> int:
    size_bytes = parse_size(size) if isinstance(size, str) else size
    if size_bytes is None or not 1 <= size_bytes <= MOST_BODY_BYTES:
        raise _mistake(name, f'max_body: {size!r} is no size from 1 byte to 512mb, such as 1048576 or "1mb"')
    return size_bytes
