import os
import threading
from pathlib import Path

import pytest

from respcache.app.log_writer import Descriptor, LogFile, LogWriter


class Lines:
    """A target that remembers, and that can be held up or broken."""

    def __init__(self) -> None:
        self.written = b""
        self.entered = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_broken = False

    def write(self, data: bytes) -> None:
        self.entered.set()
        assert self.may_go_on.wait(10)
        if self.is_broken:
            raise OSError("broken")
        self.written += data


def dropped(count: int) -> str:
    return f"{count} dropped\n"


def test_lines_come_out_in_order_before_the_end() -> None:
    target = Lines()
    writer = LogWriter(target, dropped)
    writer.start()
    for number in range(100):
        writer.write_nowait(f"{number}\n")
    writer.stop()
    assert target.written == b"".join(b"%d\n" % number for number in range(100))


def test_a_reader_that_does_not_read_holds_nobody_up_and_losses_are_told() -> None:
    target = Lines()
    target.may_go_on.clear()
    writer = LogWriter(target, dropped, queue_lines=2)
    writer.start()
    writer.write_nowait("0\n")
    assert target.entered.wait(10)  # the writer is stuck with the first line, and the queue is empty
    for number in range(1, 6):
        writer.write_nowait(f"{number}\n")
    assert writer.dropped == 3
    target.may_go_on.set()
    writer.stop()
    assert target.written == b"0\n1\n3 dropped\n2\n"


def test_the_end_does_not_wait_for_a_reader_that_is_gone() -> None:
    target = Lines()
    target.may_go_on.clear()
    writer = LogWriter(target, dropped)
    writer.start()
    writer.write_nowait("stuck\n")
    writer.stop(patience_s=0.01)
    target.may_go_on.set()


def test_lines_that_cannot_be_written_are_counted() -> None:
    target = Lines()
    target.is_broken = True
    writer = LogWriter(target, dropped)
    writer.start()
    writer.write_nowait("lost\n")
    writer.stop()
    assert writer.dropped == 1


def test_undecodable_names_can_be_logged() -> None:
    target = Lines()
    writer = LogWriter(target, dropped)
    writer.start()
    writer.write_nowait("\udcff\n")
    writer.stop()
    assert target.written == b"\\udcff\n"


def test_a_descriptor_takes_more_than_one_write_can() -> None:
    reading, writing = os.pipe()
    data = b"x" * 300_000
    received = bytearray()

    def read() -> None:
        while len(received) < len(data):
            received.extend(os.read(reading, 65536))

    reader = threading.Thread(target=read)
    reader.start()
    Descriptor(writing).write(data)
    reader.join(10)
    assert bytes(received) == data
    os.close(reading)
    os.close(writing)


def test_a_log_file_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("old\n")
    file = LogFile(path)
    file.write(b"new\n")
    file.close()
    assert path.read_text() == "old\nnew\n"


@pytest.mark.parametrize("remove", [False, True])
def test_a_log_file_that_was_moved_away_is_opened_anew(tmp_path: Path, remove: bool) -> None:
    path = tmp_path / "log"
    file = LogFile(path)
    file.write(b"1\n")
    if remove:
        path.unlink()
    else:
        path.rename(tmp_path / "log.1")
    file.write(b"2\n")
    file.close()
    assert path.read_text() == "2\n"


def test_a_log_file_recovers_when_its_directory_comes_back(tmp_path: Path) -> None:
    directory = tmp_path / "logs"
    directory.mkdir()
    file = LogFile(directory / "log")
    (directory / "log").unlink()
    directory.rmdir()
    with pytest.raises(FileNotFoundError):
        file.write(b"1\n")
    directory.mkdir()
    file.write(b"2\n")
    file.close()
    assert (directory / "log").read_text() == "2\n"
