import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.loading.json_path import MOST_PARTS, JsonPath, NotThereError, items, kind_of, members
from tests.rows import every_row

DOCUMENT = b"""
{"data": {"price": 1.10, "big": 123456789012345678901234567890, "nothing": null, "tags": [ "a" , {"x": [[7]]} ]},
 "odd name": 1, "a.b": 2, "": 3, "\xc3\xbc": 4, "twice": 1, "twice": 2}
"""


@every_row(
    ("path", "found"),
    [
        ("$.data.price", b"1.10"),
        ("$.data.big", b"123456789012345678901234567890"),
        ("$.data.tags[0]", b'"a"'),
        ("$.data.tags[1].x[0][0]", b"7"),
        ("$.data.tags", b'[ "a" , {"x": [[7]]} ]'),
        ('$["odd name"]', b"1"),
        ("$['odd name']", b"1"),
        ('$["a.b"]', b"2"),
        ('$[""]', b"3"),
        ("$.ü", b"4"),
        ("$.twice", b"2"),
        ("$", DOCUMENT.strip()),
    ],
)
def test_a_part_is_found_as_it_was_written(path: str, found: bytes) -> None:
    part = JsonPath(path).find(DOCUMENT)
    assert part is not None
    assert bytes(part) == found


@pytest.mark.parametrize("path", ["$.data.nothing", "$.data.nothing.at.all", "$.data.nothing[3]"])
def test_null_at_the_path_or_on_the_way_is_nothing(path: str) -> None:
    assert JsonPath(path).find(DOCUMENT) is None


def test_null_alone_is_nothing() -> None:
    assert JsonPath("$").find(b" null ") is None


@pytest.mark.parametrize(
    "path", ["$.dat", "$.data.tags[2]", "$[0]", "$.data.tags.a", "$.data.price.x", "$.data.tags[0][0]"]
)
def test_what_is_not_there_is_told_by_its_path(path: str) -> None:
    with pytest.raises(NotThereError, match=re.escape(f"it has nothing at {path}")):
        JsonPath(path).find(DOCUMENT)


@pytest.mark.parametrize(
    "text", [b"", b"nope", b'{"data": ', b'{"data":1}x', b'{"\xff":1}', b"[" * 100_000, b"\xff\xfe{\x00"]
)
def test_what_is_no_json_is_told(text: bytes) -> None:
    with pytest.raises(NotThereError, match="it is no such JSON"):
        JsonPath("$.data").find(text)


@every_row(
    "path",
    [
        "",
        "data",
        ".data",
        "$data",
        "$.",
        "$..a",
        "$.a.",
        "$[",
        "$[a]",
        "$[-1]",
        "$.*",
        "$[*]",
        "$ .a",
        '$["a]',
        "$.a b",
    ],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        JsonPath(path)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"{}", "object"),
        (b"[]", "list"),
        (b'"x"', "string"),
        (b"1", "other"),
        (b"true", "other"),
        (b"", "other"),
    ],
)
def test_kinds(text: bytes, kind: str) -> None:
    assert kind_of(msgspec.Raw(text)) == kind


@pytest.mark.parametrize(("take", "text"), [(members, b"[]"), (items, b"{}")])
def test_only_what_has_parts_is_taken_apart(take: Any, text: bytes) -> None:
    with pytest.raises(NotThereError):
        take(msgspec.Raw(text))


@pytest.mark.parametrize(("take", "text"), [(members, b'{%s"b":1}'), (items, b"[%s1]")])
def test_what_would_become_too_many_parts_is_not_taken_apart(take: Any, text: bytes) -> None:
    part = b'"a":1,' if take is members else b"1,"
    assert take(msgspec.Raw(text % (part * MOST_PARTS)))
    with pytest.raises(NotThereError, match="it has more than 2000000 parts"):
        take(msgspec.Raw(text % (part * (MOST_PARTS + 1))))


NAMES = st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"]), max_size=5)
ANYTHING = st.recursive(
    st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3) | st.dictionaries(NAMES, inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


@given(ANYTHING, st.data())
def test_every_part_has_a_path(value: Any, data: st.DataObject) -> None:
    path, part = "$", value
    while isinstance(part, dict | list) and data.draw(st.booleans()):
        step = data.draw(st.sampled_from(list(part) if isinstance(part, dict) else list(range(len(part)))))
        part, path = part[step], path + (f'["{step}"]' if isinstance(step, str) else f"[{step}]")
    found = JsonPath(path).find(json.dumps(value, indent=1).encode())
    assert found is not None
    assert json.loads(bytes(found)) == part


@given(st.binary())
def test_no_text_is_any_other_error(text: bytes) -> None:
    for path in ("$", "$.a", "$[0]"):
        try:
            JsonPath(path).find(text)
        except NotThereError:
            pass
