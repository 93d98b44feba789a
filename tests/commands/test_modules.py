from tests.commands.harness import Harness


def test_there_are_no_modules() -> None:
    assert Harness().client()("MODULE LIST") == []


def test_help_explains_every_subcommand() -> None:
    text = b"\n".join(Harness().client()("MODULE HELP"))
    assert b"LIST" in text
