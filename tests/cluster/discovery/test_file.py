import os

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.discovery.file import MOST_BYTES, SeedFile, endpoints_of
from respcache.cluster.discovery.protocol import SourceError


@pytest.fixture
def path(tmp_path: trio.Path) -> trio.Path:
    return trio.Path(tmp_path / "peers")


async def test_each_line_is_a_peer(path: trio.Path) -> None:
    await path.write_text("# ours\n10.0.0.1:1\n\n  cache-2:2\t# the new one\r\n[::1]:3")
    assert list(await SeedFile(str(path)).peers()) == ["10.0.0.1:1", "cache-2:2", "[::1]:3"]


async def test_the_file_is_read_each_time(path: trio.Path) -> None:
    source = SeedFile(str(path))
    await path.write_text("10.0.0.1:1")
    await source.peers()
    await path.write_text("10.0.0.2:1")
    assert list(await source.peers()) == ["10.0.0.2:1"]


async def test_a_file_that_is_not_there_is_an_error(path: trio.Path) -> None:
    with pytest.raises(SourceError, match=r"cannot read .*peers: No such file"):
        await SeedFile(str(path)).peers()


@pytest.mark.parametrize(
    ("content", "trouble"), [(b"\xff\xfe", "no text in UTF-8"), (b"#" * (MOST_BYTES + 1), "longer than")]
)
async def test_what_is_no_list_is_an_error(path: trio.Path, content: bytes, trouble: str) -> None:
    await path.write_bytes(content)
    with pytest.raises(SourceError, match=trouble):
        await SeedFile(str(path)).peers()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a file that can hang")
async def test_a_file_system_that_hangs_keeps_one_thread(path: trio.Path) -> None:
    os.mkfifo(path)
    source = SeedFile(str(path))
    for _ in range(3):
        with trio.move_on_after(0.02):
            await source.peers()
    assert source._one_thread.borrowed_tokens == 1  # what is claimed cannot be seen otherwise
    os.close(os.open(path, os.O_WRONLY))  # lets the thread end


@given(st.text())
def test_any_text_gives_lines_without_comments(text: str) -> None:
    assert all(line and line == line.strip() and "#" not in line for line in endpoints_of(text))
