from respcache.commands import GROUPS
from respcache.commands import arguments as arg
from respcache.commands.arguments import Access, Arg
from respcache.commands.reference import commands_page, entry, shown_commands, usage, usage_line
from respcache.commands.table import CommandTable
from tests.rows import every_row

TABLE = CommandTable(GROUPS)


@every_row(
    ("declared", "line"),
    [
        (arg.key("key", Access.RO), "key"),
        (arg.key("key", Access.RO, multiple=True), "key [key ...]"),
        (arg.flag("NX", optional=True), "[NX]"),
        (arg.integer("count", token="COUNT", optional=True), "[COUNT count]"),
        (arg.one_of("condition", arg.flag("NX"), arg.flag("XX")), "[NX | XX]"),
        (arg.one_of("mode", arg.flag("ON"), arg.flag("OFF"), optional=False), "<ON | OFF>"),
        (arg.block("pair", arg.string("field"), arg.string("value")), "field value [field value ...]"),
        (Arg("id", "integer", token="ID", multiple=True, optional=True), "[ID id [id ...]]"),
        (
            Arg("config", "string", token="CONFIG", multiple=True, multiple_token=True),
            "CONFIG config [CONFIG config ...]",
        ),
        (
            Arg("by", "oneof", token="FILTERBY", optional=True, members=(arg.pattern("p", token="PATTERN"),)),
            "[FILTERBY <PATTERN p>]",
        ),
    ],
)
def test_a_usage_line_spells_what_is_declared(declared: Arg, line: str) -> None:
    assert usage(declared) == line


def test_a_subcommand_is_called_with_its_parent() -> None:
    assert usage_line(TABLE["CONFIG SET"]) == "CONFIG SET parameter value [parameter value ...]"


def test_examples_stand_in_blocks_of_their_own() -> None:
    lines = list(entry(TABLE["CONFIG SET"]))
    first = lines.index("```")
    assert lines[first + 1] == ">>> CONFIG SET maxmemory 100mb maxmemory-policy allkeys-lru"
    assert lines.count("```") == 2


def test_every_command_is_on_the_page_once() -> None:
    page = commands_page(TABLE)
    for command in shown_commands(TABLE):
        assert page.count(f"\n### {command.name}\n") == 1


def test_hidden_commands_and_bare_parents_are_not() -> None:
    page = commands_page(TABLE)
    assert "### POST" not in page
    assert "### CONFIG\n" not in page
    assert "### COMMAND\n" in page


def test_blocks_are_closed_and_no_markup_of_docstrings_is_left() -> None:
    page = commands_page(TABLE)
    assert page.count("```") % 2 == 0
    assert "``" not in page.replace("```", "")
