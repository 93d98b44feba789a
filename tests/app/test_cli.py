from pathlib import Path

import pytest

from respcache import __version__
from respcache.app import cli
from respcache.app.connecting import PASSWORD_VARIABLE
from tests.app.fakes import scripted_server
from tests.servers import free_port


def test_ping_prints_pong(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server([b"+PONG\r\n"]) as address:
        assert cli.main(["ping", "--port", str(address.port)]) == 0
    assert capsys.readouterr().out == "PONG\n"


def test_ping_says_what_is_wrong_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ping", "-p", str(free_port())]) == 1
    assert "Connection refused" in capsys.readouterr().err


def test_another_answer_than_pong_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server([b"+PING?\r\n"]) as address:
        assert cli.main(["ping", "-p", str(address.port)]) == 1
    assert "the answer to PING was b'PING?'" in capsys.readouterr().err


def test_the_password_comes_from_where_redis_cli_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "sesame")
    with scripted_server([b"+OK\r\n", b"+PONG\r\n"]) as address:
        assert cli.main(["ping", "-p", str(address.port)]) == 0


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["ping", "--prt", "1"], ["ping", "-p", "x"], ["bench", "-n", "0"]]
)
def test_a_command_line_that_makes_no_sense_is_told(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err


def test_check_config_says_ok_or_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "my.toml"
    path.write_text("port = 1")
    assert cli.main(["check-config", str(path)]) == 0
    path.write_text("prot = 1")
    assert cli.main(["check-config", str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == f"ok: {path}\n"
    assert captured.err == f'respcache: {path}, line 1: there is no setting "prot"; did you mean port?\n'


def test_a_dump_to_a_program_is_nothing_but_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "my.toml"
    path.write_text("port = 1")
    assert cli.main(["check-config", str(path), "--dump"]) == 0
    assert all(line.count("\t") == 2 for line in capsys.readouterr().out.splitlines())


def test_ctrl_c_ends_events_cleanly_and_others_as_a_shell_expects(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("respcache.app.follow.follow", interrupted)
    monkeypatch.setattr("respcache.app.bench.run_bench", interrupted)
    assert cli.main(["events"]) == 0
    assert cli.main(["bench"]) == cli.INTERRUPTED


def test_help_names_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("serve", "ping", "events", "bench", "check-config"))


def test_the_version_is_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__
