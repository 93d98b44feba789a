import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

import respcache._speedups as speedups
from respcache._speedups import (
    DESCRIPTION,
    IS_COMPILED,
    MODULES,
    STAMP,
    UnusableExtensionError,
    compiled_names,
    plain,
    plain_copies,
)
from tests.rows import every_row
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
        return SimpleNamespace(**dict.fromkeys(MODULES[name], name) | {"STAMP": stamp})

    return load


def reason_against(environment: Mapping[str, str], load: Callable[[str], SimpleNamespace]) -> str:
    with pytest.raises(UnusableExtensionError) as caught:
        compiled_names(environment, load)
    return str(caught.value)


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
    assert compiled_names({"RESPCACHE_PURE": "0"}, loader())["ClientState"] == "state"
    assert compiled_names({"RESPCACHE_PURE": ""}, loader())["ClientState"] == "state"


def test_where_nothing_is_built_nothing_is_used() -> None:
    load = loader({"stamp": ModuleNotFoundError("No module named stamp")})
    assert reason_against({}, load) == "not built"


def test_a_build_of_another_version_is_not_used() -> None:
    assert reason_against({}, loader(stamp="0.0.1/7")) == f"built for 0.0.1/7, this is {STAMP}"


@every_row("name", [name for name in MODULES if name != "stamp"])
@every_row("problem", [ImportError("no x\nin y"), ValueError("X size changed"), AttributeError("z")])
def test_one_module_that_does_not_load_means_that_none_is_used(name: str, problem: Exception) -> None:
    first_line = str(problem).splitlines()[0]
    assert reason_against({}, loader({name: problem})) == f"{name} cannot be used: {first_line}"


def test_a_name_that_is_gone_means_that_none_is_used() -> None:
    def load(name: str) -> SimpleNamespace:
        return SimpleNamespace() if name == "state" else loader()(name)

    assert "no attribute 'ClientState'" in reason_against({}, load)


def test_every_module_is_loaded_before_any_is_used() -> None:
    assert next(iter(MODULES)) == "stamp"
    sources = {path.stem for path in FOLDER.glob("*.pyx")}
    assert set(MODULES) == sources or not sources  # an installation has none


def test_every_plain_name_has_a_compiled_twin() -> None:
    plain_names = {name for name in speedups.__all__ if hasattr(plain, name) or hasattr(plain_copies, name)}
    assert plain_names == {name for names in MODULES.values() for name in names} & set(speedups.__all__) - {
        "STAMP"
    }


def test_all_names_come_from_the_same_path() -> None:
    is_plain = {
        name: getattr(speedups, name) is getattr(plain, name)
        for name in speedups.__all__
        if hasattr(plain, name)
    }
    assert set(is_plain.values()) == {not IS_COMPILED}, is_plain
