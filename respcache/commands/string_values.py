"""What the string commands share: a value taken as a string, and how long one may get."""

from ..keyspace.database import Database
from ..keyspace.entry import Entry
from ..keyspace.hashes import Hash
from .context import Context
from .errors import CommandError, wrong_type

TOO_LONG = "string exceeds maximum allowed size (proto-max-bulk-len)"


def read_string(db: Database, key: bytes) -> bytes | None:
    """Return the string that a client reads; None where there is no key."""
    value = db.read(key)
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, bytearray):
        return bytes(value)
    raise wrong_type()


def view_string(db: Database, key: bytes) -> bytes | bytearray | None:
    """Do as ``read_string`` without a copy, for looking at a part at once: the value may change later."""
    value = db.read(key)
    if isinstance(value, Hash):
        raise wrong_type()
    return value


def find_string(db: Database, key: bytes) -> tuple[Entry | None, bytes | bytearray]:
    """Return the entry and string that a command is about to change; an empty string where there is no key."""
    entry = db.find(key)
    if entry is None:
        return None, b""
    value = entry.value
    if value is None or isinstance(value, Hash):
        raise wrong_type()
    return entry, value


def check_length(context: Context, size_bytes: int) -> None:
    """Refuse to make a string longer than a client could ever send one."""
    if size_bytes > context.node.settings.proto_max_bulk_len_bytes:
        raise CommandError(TOO_LONG)
