import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

import respcache._speedups as speedups
from respcache._speedups import DESCRIPTION, IS_COMPILED, MODULES, STAMP, reason_against
from tests.servers import TOOLS_ARE_REQUIRED, missing

FOLDER = Path(speedups.__file__).parent
NONE: Mapping[str, Exception] = {}


def loader(
    problems: Mapping[str, Exception] = NONE, *, stamp: str = STAMP
) -> Callable[[str], SimpleNamespace]:
    """Return what loads any module, but for those that have a problem."""

    def load(name: str) -> SimpleNamespace:
        if name in problems:
            raise problems[name]
        return SimpleNamespace(STAMP=stamp)

    return load


def told_by_another_process(**environment: str) -> str:
    script = "from respcache._speedups import *; print(IS_COMPILED, DESCRIPTION, ClientState.__module__)"
    return subprocess.check_output([sys.executable, "-c", script], env=os.environ | environment, text=True)


def test_the_path_is_the_one_that_the_environment_asks_for() -> None:
    if os.environ.get("RESPCACHE_PURE", "") not in ("", "0"):
        assert (IS_COMPILED, DESCRIPTION) == (False, "pure Python (RESPCACHE_PURE)")
    elif TOOLS_ARE_REQUIRED:
        assert IS_COMPILED, DESCRIPTION
    elif not IS_COMPILED:
        missing(DESCRIPTION)


def test_the_variable_turns_the_extension_off() -> None:
    told = told_by_another_process(RESPCACHE_PURE="1")
    assert told == "False pure Python (RESPCACHE_PURE) respcache._speedups.plain\n"
    assert reason_against({"RESPCACHE_PURE": "0"}, loader()) == ""
    assert reason_against({"RESPCACHE_PURE": ""}, loader()) == ""


def test_where_nothing_is_built_nothing_is_used() -> None:
    load = loader({"stamp": ModuleNotFoundError("No module named stamp")})
    assert reason_against({}, load) == "not built"


def test_a_build_of_another_version_is_not_used() -> None:
    assert reason_against({}, loader(stamp="0.0.1/7")) == f"built for 0.0.1/7, this is {STAMP}"


@pytest.mark.parametrize("name", MODULES[1:])
@pytest.mark.parametrize(
    "problem", [ImportError("no x\nin y"), ValueError("X size changed"), AttributeError("z")]
)
def test_one_module_that_does_not_load_means_that_none_is_used(name: str, problem: Exception) -> None:
    first_line = str(problem).splitlines()[0]
    assert reason_against({}, loader({name: problem})) == f"{name} cannot be loaded: {first_line}"


def test_every_module_is_loaded_before_any_is_used() -> None:
    assert MODULES[0] == "stamp"
    sources = {path.stem for path in FOLDER.glob("*.pyx")}
    assert set(MODULES) == sources or not sources  # an installation has none


def test_all_names_come_from_the_same_path() -> None:
    names = [getattr(speedups, name) for name in speedups.__all__]
    files = {str(sys.modules[one.__module__].__file__) for one in names if isinstance(one, type)}
    assert files
    assert {file.endswith(".py") for file in files} == {not IS_COMPILED}
