"""A parameter: the one declaration of a setting that everything else reads.

The file, the environment, the flags, CONFIG, the reference page and the sample file
know a setting only through this. A section is a class whose attributes are
parameters; ``Settings`` inherits all sections, so a setting is read as a plain typed
attribute: ``settings.maxmemory_bytes``. The name in Python carries the unit, the
name outside is Redis' own.
"""

from typing import Any, ClassVar, Final, Generic, overload

from .kinds import Kind, Value

FIRST_VERSION = "0.1.0"

JOINT: Final = "-"
"""Between the names of a table and of a key in it: ``[events] channel`` is ``events-channel``."""


class Parameter(Generic[Value]):
    """Declared in a section. ``doc`` is one sentence about what it does, ``reason`` one about its default.

    It is a descriptor without ``__set__``: an instance of Settings keeps its values in its
    ``__dict__``, which Python looks at first, so reading a setting costs a plain attribute.
    """

    def __init__(
        self,
        name: str,
        kind: Kind[Value],
        default: Value,
        *,
        doc: str,
        reason: str,
        mutable: bool = True,
        secret: bool = False,
        rereads: bool = False,
        aliases: tuple[str, ...] = (),
        flags: tuple[str, ...] = (),
        since: str = FIRST_VERSION,
    ) -> None:
        self.name = name
        self.kind = kind
        self.default = default
        self.doc = doc
        self.reason = reason
        self.mutable = mutable
        self.secret = secret
        self.rereads = rereads
        """Whether setting it to what it is counts as a change: it names something that may have changed itself."""
        self.aliases = aliases
        self.flags = flags
        """Short names for the command line alone: elsewhere they would say too little."""
        self.since = since
        self.attribute = ""

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.attribute = attribute

    @overload
    def __get__(self, instance: None, owner: type) -> "Parameter[Value]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...
    def __get__(self, instance: object | None, owner: type) -> "Parameter[Value] | Value":
        # Asked of the class; an instance has its value in its __dict__ and never comes here.
        return self if instance is None else self.default

    def __repr__(self) -> str:
        return f"<Parameter {self.name}>"


AnyParameter = Parameter[Any]
"""Where parameters of all kinds are handled alike, their values are opaque."""


class Section:
    """A group of parameters that stand together in the file and on the reference page."""

    title: ClassVar[str] = ""
    table: ClassVar[str] = ""
    """The table of the file in which those settings stand whose names begin so; empty for none."""
    parameters: ClassVar[tuple[AnyParameter, ...]] = ()

    def __init_subclass__(cls, *, title: str = "", table: str = "") -> None:
        cls.title = title
        cls.table = table
        cls.parameters = tuple(value for value in vars(cls).values() if isinstance(value, Parameter))
