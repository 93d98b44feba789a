from pathlib import Path

import pytest

from .history import Kind, Operation, Outcome, outcome_of_error, read_history, write_history

ONE = Operation(1, "node-1", Kind.WRITE, "k", "v", 1.5, 2.5, Outcome.OK, "OK")
OTHER = Operation(2, "node-2", Kind.READ, "k", "", 3.5, 4.5, Outcome.UNKNOWN, None)


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "history"
    write_history(path, [ONE])
    write_history(path, [OTHER])
    assert read_history(path) == [ONE, OTHER]


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history"
    write_history(path, [ONE, OTHER])
    path.write_bytes(path.read_bytes()[:-9])
    assert read_history(path) == [ONE]


@pytest.mark.parametrize("text", ["TRYAGAIN the owner of the key is changing", "CLUSTERDOWN not served"])
def test_a_refusal_means_that_nothing_was_done(text: str) -> None:
    assert outcome_of_error(text) is Outcome.FAIL


@pytest.mark.parametrize("text", ["TIMEOUT the command may have run", "ERR internal error"])
def test_any_other_error_leaves_the_outcome_open(text: str) -> None:
    assert outcome_of_error(text) is Outcome.UNKNOWN
