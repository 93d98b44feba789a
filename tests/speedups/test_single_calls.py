import pytest

from respcache._speedups import IS_COMPILED
from tests.rows import every_row

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from respcache._speedups.single_calls import answer, is_compiled
from respcache.commands.context import Context
from tests.commands.harness import Harness

COMMONEST = "GET SET DEL EXISTS EXPIRE TTL INCR MGET MSET HGET HSET PING"


@every_row("name", COMMONEST.split())
def test_the_commonest_commands_are_compiled(name: str) -> None:
    assert is_compiled(name.encode())


def test_what_is_not_compiled_has_no_answer() -> None:
    harness = Harness()
    with pytest.raises(LookupError):
        answer(b"LCS", Context(harness.node, harness.client().record), [b"LCS", b"a", b"b"], 2)


def test_every_compiled_command_is_a_command() -> None:
    names = {command.name for command in Harness().node.table}
    assert {name for name in names if is_compiled(name.encode())} >= set(COMMONEST.split())
