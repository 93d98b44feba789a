# ruff: noqa: ASYNC240 - a test may look at a small file at once: nobody waits for it
import json
from pathlib import Path
from typing import Any

import pytest

from respcache.events.excerpt import Excerpt
from respcache.events.vocabulary import Expired
from respcache.sinks.jsonfile import JsonFileOutlet

from .fakes import flushed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def databases(path: Path) -> list[Any]:
    """Return what tells our events apart."""
    return [json.loads(line)["db"] for line in path.read_text().splitlines()]


async def test_each_event_is_a_line_of_json(path: Path) -> None:
    outlet = JsonFileOutlet(path)
    await outlet.write([flushed(1), flushed(2)])
    await outlet.write([flushed(3)])
    await outlet.close()
    assert path.read_text().startswith('{"kind":"flushed","at_ms":1001,"node":"alpha","db":1}\n')
    assert databases(path) == [1, 2, 3]


async def test_values_are_cut_at_the_limit(path: Path) -> None:
    outlet = JsonFileOutlet(path, value_limit_bytes=3)
    await outlet.write([Expired(0, "alpha", 0, b"k", Excerpt(b"value"))])
    await outlet.close()
    assert json.loads(path.read_text())["value"] == "val"


async def test_what_was_there_before_stays(path: Path) -> None:
    path.write_text('{"db":0}\n')
    outlet = JsonFileOutlet(path)
    await outlet.write([flushed(1)])
    await outlet.close()
    assert databases(path) == [0, 1]


async def test_half_a_line_left_by_a_crash_spoils_no_other(path: Path) -> None:
    path.write_text('{"db":0}\n{"kin')
    outlet = JsonFileOutlet(path)
    await outlet.write([flushed(1)])
    await outlet.close()
    assert path.read_text().splitlines()[1] == '{"kin'
    assert json.loads(path.read_text().splitlines()[2])["db"] == 1


async def test_only_its_owner_may_read_a_new_file(path: Path) -> None:
    outlet = JsonFileOutlet(path)
    await outlet.write([flushed(1)])
    await outlet.close()
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_rotated_file_is_followed_by_a_new_one(path: Path) -> None:
    outlet = JsonFileOutlet(path)
    await outlet.write([flushed(1)])
    rotated = path.rename(path.with_suffix(".1"))
    await outlet.write([flushed(2)])
    outlet.reopen()
    await outlet.write([flushed(3)])
    await outlet.close()
    assert (databases(rotated), databases(path)) == ([1, 2], [3])


async def test_a_full_disk_is_an_error_to_be_counted() -> None:
    outlet = JsonFileOutlet(Path("/dev/full"))
    with pytest.raises(OSError, match="No space left"):
        await outlet.write([flushed(1)])
    await outlet.close()


async def test_a_directory_that_comes_back_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "later" / "events.jsonl"
    outlet = JsonFileOutlet(path)
    with pytest.raises(FileNotFoundError):
        await outlet.write([flushed(1)])
    path.parent.mkdir()
    await outlet.write([flushed(2)])
    await outlet.close()
    assert databases(path) == [2]


async def test_closing_without_having_written_leaves_no_file(path: Path) -> None:
    await JsonFileOutlet(path).close()
    assert not path.exists()
