import json

import pytest
from rich.console import Console

from respcache.app.printing import print_json, print_rows, table


def test_what_peers_call_themselves_cannot_be_taken_for_markup() -> None:
    console = Console(width=200, force_terminal=False)
    with console.capture() as shown:
        console.print(table(["machine", "zone"], [["[red]", "[bold]"]]))
    assert "[red]" in shown.get()
    assert "[bold]" in shown.get()


def test_states_stand_out_on_a_terminal() -> None:
    console = Console(width=200, force_terminal=True, color_system="standard", no_color=False)
    with console.capture() as shown:
        console.print(table(["state"], [["alive"], ["odd"]]))
    assert "\x1b[32malive\x1b[0m" in shown.get()
    assert "\x1b[32modd" not in shown.get()


def test_programs_get_a_line_for_each_row(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(("a", "b"), [("1", "x y"), ("2", "")])
    assert capsys.readouterr().out == "a\tb\n1\tx y\n2\t\n"


def test_people_get_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    print_rows(("a", "b"), [("1", "2")])
    assert "━" in capsys.readouterr().out


def test_json_is_written_over_several_lines_with_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "a", "all": [1, 2]})
    text = capsys.readouterr().out
    assert json.loads(text) == {"name": "a", "all": [1, 2]}
    assert text.startswith('{\n  "name": "a",\n')
    assert text.endswith("}\n")
