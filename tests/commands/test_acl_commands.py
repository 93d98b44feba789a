import pytest

from respcache.commands.describe import CATEGORIES
from tests.commands.harness import Harness, HarnessClient
from tests.conftest import StartServer
from tests.wire import RawClient, parse, words

ALIKE = [
    "ACL WHOAMI",
    "ACL USERS",
    "ACL LIST",
    "ACL GETUSER default",
    "ACL GETUSER nosuch",
    "ACL GETUSER",
    "ACL CAT",
    "ACL CAT nosuch",
    "acl Cat read x",
    "ACL NOSUCH",
    "ACL",
]


@pytest.mark.redis
def test_the_answers_are_those_of_redis(client: HarnessClient, real: RawClient) -> None:
    for line in ALIKE:
        assert client.raw(line) == real.call(*words(line)), line


@pytest.mark.redis
@pytest.mark.parametrize("line", ["ACL LIST", "ACL GETUSER default"])
def test_a_password_is_shown_as_redis_shows_it(line: str, start_redis: StartServer) -> None:
    client = Harness(requirepass="secret").client()
    client("AUTH secret")
    with start_redis().client(protocol=3) as real:
        real.call("CONFIG", "SET", "requirepass", "secret")
        assert client.raw(line) == real.call(*words(line))


@pytest.mark.redis
@pytest.mark.parametrize("category", CATEGORIES)
def test_the_commands_of_a_category_are_in_it_in_redis_too(
    category: str, client: HarnessClient, real: RawClient
) -> None:
    theirs = parse(real.call("ACL", "CAT", category)).plain()
    known = parse(real.call("COMMAND", "LIST")).plain()
    assert isinstance(theirs, list)
    assert isinstance(known, list)
    ours = set(client(f"ACL CAT {category}"))
    assert ours & set(known) == set(theirs) & set(client("COMMAND LIST"))


def test_help_explains_every_subcommand(client: HarnessClient) -> None:
    text = b"\n".join(client("ACL HELP"))
    assert all(word in text for word in (b"CAT", b"GETUSER", b"LIST", b"USERS", b"WHOAMI", b"HELP"))
