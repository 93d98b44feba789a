from respcache.commands.help import help_reply
from respcache.protocol.replies import SimpleString


def test_forms_come_with_their_explanation_indented_and_help_comes_last() -> None:
    lines = help_reply("THING", ("GET <name>", "Look.\nTwice."))
    assert lines == [
        SimpleString(text)
        for text in (
            "THING <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
            "GET <name>",
            "    Look.",
            "    Twice.",
            "HELP",
            "    Print this text.",
        )
    ]
