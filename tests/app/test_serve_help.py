from respcache.app.serve_help import serve_help
from respcache.settings.compatibility import Compatibility
from respcache.settings.settings import PARAMETERS


def test_every_setting_that_can_be_chosen_is_listed_with_its_default() -> None:
    shown = serve_help()
    for parameter in PARAMETERS:
        if parameter not in Compatibility.parameters:
            assert f"--{parameter.name}" in shown
            assert parameter.doc in shown
    assert "--port [6379]" in shown


def test_what_cannot_be_chosen_is_not_listed() -> None:
    assert "--appendonly" not in serve_help()
