"""Settings of what fills the cache from databases."""

from collections.abc import Mapping
from typing import Any

from .class_path import CLASS_PATH
from .nested import Tables
from .parameter import Parameter, Section
from .word_lists import WordList

NO_TABLES: tuple[Mapping[str, Any], ...] = ()
NO_WORDS: tuple[str, ...] = ()


class Loading(Section, title="Loading", table="loading"):
    """In the file, ``[[loading.sql]]`` and its like."""

    loader = Parameter(
        "loader",
        WordList(
            "classes such as package.module:Class, with commas or blanks between them",
            check=lambda word: CLASS_PATH.fullmatch(word) is not None,
            most=100,
        ),
        NO_WORDS,
        mutable=False,
        doc="Classes of your own that load missing keys; each says itself which.",
        reason="Yours to write: docs/loading.md.",
    )
    loading_loaders = Parameter(
        "loading-loaders",
        Tables('[[loading.loaders]] tables, each with class = "package.module:Class" and settings of it'),
        NO_TABLES,
        mutable=False,
        doc="The same as tables, with settings that differ from those of the class, and options for making it.",
        reason="A class alone says enough.",
    )
    loading_sql = Parameter(
        "loading-sql",
        Tables('[[loading.sql]] tables, each with url, pattern = "user:{id}" and query'),
        NO_TABLES,
        mutable=False,
        doc="Keys that are rows of a database: docs/loading-sql.md.",
        reason="Needs a database, and the extra respcache[sql].",
    )
    loading_http = Parameter(
        "loading-http",
        Tables('[[loading.http]] tables, each with pattern = "product:{id}" and url'),
        NO_TABLES,
        mutable=False,
        doc="Keys that another service answers for over HTTP: docs/loading-http.md.",
        reason="Needs a service, and the extra respcache[http].",
    )
