import pytest

from respcache.loading import KEEP, Loader, Missing
from respcache.loading.loader import Mark


class Users(Loader):
    pattern = "user:*"

    async def bulk_load(self, keys: list[bytes]) -> dict[bytes, bytes]:
        return dict.fromkeys(keys, b"x")


def test_marks_are_shown_by_their_names_and_equal_only_themselves() -> None:
    assert (repr(Missing), repr(KEEP)) == ("Missing", "KEEP")
    assert Mark("Missing") != Missing


def test_a_value_is_the_datum_unless_the_loader_makes_another() -> None:
    users = Users()
    assert users.new(b"user:1", b"x") == b"x"
    assert users.refresh(b"user:1", b"old", b"new") == b"new"


def test_a_loader_without_bulk_load_cannot_be_made() -> None:
    with pytest.raises(TypeError, match=r"abstract .*bulk_load"):
        Loader()  # type: ignore[abstract]  # that is what is tested
