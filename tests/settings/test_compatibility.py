import pytest

from respcache.settings.compatibility import Compatibility
from respcache.settings.errors import ChangeRefusedError
from respcache.settings.parameter import AnyParameter
from respcache.settings.settings import Settings
from tests.rows import every_row


@every_row("parameter", Compatibility.parameters)
def test_each_has_one_value_and_says_why(parameter: AnyParameter) -> None:
    assert parameter.kind.parse(parameter.default, "") == parameter.default
    assert parameter.reason.endswith(".")


@pytest.mark.parametrize(
    ("name", "text"), [("save", ""), ("appendonly", "no"), ("hz", "10"), ("appendfsync", "no")]
)
def test_tools_may_set_what_is_so_already(name: str, text: str) -> None:
    Settings().set_many([(name, text)])


def test_what_cannot_be_is_refused_rather_than_believed() -> None:
    with pytest.raises(ChangeRefusedError, match="related to argument 'appendonly'"):
        Settings().set_many([("appendonly", "yes")])


@pytest.mark.parametrize("name", ["aclfile", "daemonize", "io-threads", "supervised", "replicaof"])
def test_what_redis_never_changes_is_immutable_here_too(name: str) -> None:
    with pytest.raises(ChangeRefusedError, match="can't set immutable config"):
        Settings().set_many([(name, "no")])
