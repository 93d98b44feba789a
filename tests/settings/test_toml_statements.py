import tomllib

from hypothesis import given
from hypothesis import strategies as st

from respcache.settings.kinds import toml_string
from respcache.settings.toml_statements import Statement, scan, split_pair

TEXT = '''\
# a comment with = and [brackets]
port = 1  # one

bind = [
  "a",  # "]" in a comment
  "b",
]
text = """
[not a header]
key = "not a key"
"""
[events]
"quoted key" = 'x = "#"'
webhook.url = "u"

[[expirations]]  # two brackets
pattern = "a"
'''


def test_statements_are_found_with_their_lines_and_full_names() -> None:
    assert scan(TEXT) == [
        Statement(1, 2, "port", is_header=False),
        Statement(3, 7, "bind", is_header=False),
        Statement(7, 11, "text", is_header=False),
        Statement(11, 12, "events", is_header=True),
        Statement(12, 13, "events-quoted key", is_header=False),
        Statement(13, 14, "events-webhook-url", is_header=False),
        Statement(15, 16, "expirations", is_header=True, is_list_item=True),
        Statement(16, 17, "expirations-pattern", is_header=False),
    ]


def test_windows_line_ends_make_no_difference() -> None:
    assert scan(TEXT.replace("\n", "\r\n")) == scan(TEXT)


def test_nothing_has_no_statements() -> None:
    assert scan("") == scan("# only a comment\n\n") == []


def test_a_pair_is_split_where_toml_splits_it() -> None:
    assert split_pair("port = 1  # one") == ("port = ", "1", "  # one")
    assert split_pair('"a=b"="c # d" # e') == ('"a=b"=', '"c # d"', " # e")
    assert split_pair("a=[ # x\n1] # y") == ("a=", "[ # x\n1]", " # y")


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_key_and_value_are_split_without_loss(key: str, value: str) -> None:
    statement = f"{toml_string(key)} = {toml_string(value)} # = # end"
    before, written, rest = split_pair(statement)
    assert before + written + rest == statement
    assert tomllib.loads(f"v = {written}")["v"] == value
