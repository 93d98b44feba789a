import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.settings.errors import SettingsError
from respcache.settings.rewrite import rewrite_text
from respcache.settings.settings import PARAMETERS
from respcache.settings.sources import load

FILE = """\
# my cache
port = 6380   # ours
maxmemory = "1gb" # enough
# timeout = 0
bind = [
  "127.0.0.1",  # here
]

# what happens
[events]
channel = true
# file = ""

[[expirations]]
pattern = "a"
seconds = 5
"""


def rewritten(toml: str, *changes: tuple[str, str]) -> str:
    settings = load(toml)
    settings.set_many(changes)
    return rewrite_text(settings, toml)


def test_without_changes_the_file_stays_as_it_is() -> None:
    assert rewritten(FILE) == FILE


def test_a_changed_value_is_replaced_where_it_stands() -> None:
    text = rewritten(FILE, ("maxmemory", "2gb"), ("events-channel", "no"))
    assert text == FILE.replace('"1gb"', '"2gb"').replace("channel = true", "channel = false")


def test_a_value_that_is_default_again_is_written_all_the_same() -> None:
    assert rewritten("timeout = 5\n", ("timeout", "0")) == "timeout = 0\n"


def test_a_new_value_comes_below_the_comment_that_shows_it() -> None:
    assert rewritten(FILE, ("timeout", "9")) == FILE.replace("# timeout = 0", "# timeout = 0\ntimeout = 9")


def test_other_new_values_come_before_the_first_table() -> None:
    text = rewritten(FILE, ("lfu-decay-time", "2"), ("maxmemory-samples", "7"))
    added = "# Added by CONFIG REWRITE:\nmaxmemory-samples = 7\nlfu-decay-time = 2\n"
    assert text == FILE.replace("]\n\n# what", f"]\n\n{added}\n# what")


def test_further_new_values_join_the_earlier_ones() -> None:
    once = rewritten("port = 1\n", ("timeout", "9"))
    assert rewritten(once, ("tcp-keepalive", "8")) == (
        "port = 1\n\n# Added by CONFIG REWRITE:\ntimeout = 9\ntcp-keepalive = 8\n"
    )


def test_what_came_from_flags_is_written_too_as_redis_does() -> None:
    settings = load("", flags=[("timeout", "9")], environ={"RESPCACHE_MAXMEMORY": "1kb"})
    assert load(rewrite_text(settings, "")).maxmemory_bytes == 1024


def test_a_list_of_tables_comes_back_in_one_line() -> None:
    text = rewritten(FILE, ("expirations", '[{"pattern": "b", "seconds": 6}]'))
    assert 'expirations = [{ pattern = "b", seconds = 6 }]\n' in text
    assert "[[expirations]]" not in text


def test_a_value_over_several_lines_becomes_one() -> None:
    toml = "latency-tracking-info-percentiles = [\n  50, # half\n  99,\n] # enough\nport = 1\n"
    text = rewritten(toml, ("latency-tracking-info-percentiles", "90"))
    assert text == 'latency-tracking-info-percentiles = "90" # enough\nport = 1\n'


def test_an_inline_table_is_spread_into_lines() -> None:
    toml = 'events = { channel = true, webhook = { url = "http://x" } } # hm\n'
    assert rewritten(toml, ("events-channel", "no")) == (
        '# hm\nevents-channel = false\nevents-webhook-url = "http://x"\n'
    )


def test_an_inline_table_within_a_table_keeps_to_it() -> None:
    toml = "[hash]\nmax = { ziplist-entries = 5, ziplist-value = 6 }\n"
    assert rewritten(toml, ("hash-max-listpack-entries", "7")) == (
        "[hash]\nmax-ziplist-entries = 7\nmax-ziplist-value = 6\n"
    )


def test_old_names_and_odd_spellings_are_kept() -> None:
    toml = 'hash-max-ziplist-entries=3\n"time\\u006fut"=4\nevents.channel=true\n'
    text = rewritten(toml, ("hash-max-listpack-entries", "5"), ("timeout", "6"), ("events-channel", "no"))
    assert text == 'hash-max-ziplist-entries=5\n"time\\u006fut"=6\nevents.channel=false\n'


def test_windows_line_ends_are_kept() -> None:
    assert rewritten("port = 1\r\n", ("timeout", "2")).count("\r\n") == 4


def test_a_file_that_has_become_invalid_is_not_touched() -> None:
    with pytest.raises(SettingsError, match="not valid TOML"):
        rewrite_text(load("port = 1"), "port = = 1")


CHANGES = {
    "timeout": st.integers(0, 99).map(str),
    "maxmemory": st.sampled_from(["0", "1", "1kb", "3gb", "1000000"]),
    "requirepass": st.text(st.characters(exclude_categories=["Cs"])),
    "events-channel": st.sampled_from(["yes", "no"]),
    "notify-keyspace-events": st.sampled_from(["", "KEA", "KAn", "Kg$"]),
    "client-output-buffer-limit": st.sampled_from(["pubsub 1mb 3 4", "normal 5 6 7 replica 1gb 1kb 1"]),
    "expirations": st.sampled_from(["", '[{"pattern":"#\\"","seconds":0.5}]']),
    "hash-max-ziplist-entries": st.integers(0, 99).map(str),
}
ORIGINALS = [
    "",
    "# only\n# comments",
    "[events]\n",
    FILE,
    FILE.replace("\n", "\r\n"),
    'events = { channel = true }\nrequirepass = "#"\n[[expirations]]\npattern = "x"\nseconds = 1\n',
    "hash-max-ziplist-entries = 1\n[events]\n# channel = true\nconsole = true",
]


@given(st.sampled_from(ORIGINALS), st.fixed_dictionaries({}, optional=CHANGES))
def test_a_rewritten_file_means_what_the_server_has_and_is_rewritten_no_further(
    original: str, changes: dict[str, str]
) -> None:
    settings = load(original)
    settings.set_many(list(changes.items()))
    text = rewrite_text(settings, original)
    again = load(text)
    assert all(again.value(parameter) == settings.value(parameter) for parameter in PARAMETERS)
    assert rewrite_text(settings, text) == text
