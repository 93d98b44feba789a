"""Shape rules that no linter knows: small files, short functions, a test beside every module.

The rules of the layers are import-linter's (pyproject.toml). An exception needs a reason, and goes when it is not needed.
"""

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
SOURCES = sorted((REPOSITORY / "respcache").rglob("*.py"))
ALL_FILES = sorted(
    path for folder in ("respcache", "tests", "benchmarks") for path in (REPOSITORY / folder).rglob("*.py")
)

FILE_LINES = 400
COMMANDS_FILE_LINES = 500  # declarations are bulky
FUNCTION_LINES = 40

# "respcache/commands/streams.py": "why it cannot be cut"
LONGER_FILES: dict[str, str] = {}
# "respcache/server/reactor.py:turn": "the figure that shows that it pays"
LONGER_FUNCTIONS: dict[str, str] = {
    "respcache/server/session.py:_run": "the hot loop: a call costs 30 to 50 of the 400 ns that a pipelined GET takes",
    "respcache/cluster/bus/inlet.py:_run_batch": "the owner's hot loop, a twin of the session's",
    "respcache/commands/client.py:__init__": "one line for each thing that is known of a client, with what it means",
    "respcache/commands/client_listing.py:client_line": "one line for each of the fields of CLIENT LIST, in their order",
}
# "respcache/app/serve.py": "where it is tested instead"
UNMIRRORED: dict[str, str] = {
    "respcache/server/conversation.py": "a protocol, and the record that the reactor keeps; tested there",
    "respcache/owners/mailbox.py": "records that owners.py works on, tested there",
}


def name_of(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def length_of(path: Path) -> int:
    return len(path.read_text().splitlines())


def limit_of(path: Path) -> int:
    return COMMANDS_FILE_LINES if path.parent.name == "commands" else FILE_LINES


def function_lengths(path: Path) -> dict[str, int]:
    """Measure each function's body, its docstring apart: a long explanation is no long function."""
    lengths = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            assert node.end_lineno is not None
            lengths[f"{name_of(path)}:{node.name}"] = node.end_lineno - body[0].lineno + 1
    return lengths


def mirror_of(path: Path) -> Path:
    below = path.relative_to(REPOSITORY / "respcache")
    return REPOSITORY / "tests" / below.parent / f"test_{below.stem.strip('_')}.py"


def has_something_to_test(path: Path) -> bool:
    """Whether any function of the module does something: names, records and protocols have nothing to test."""
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return any(not isinstance(statement, ast.Expr) for node in functions for statement in node.body)


@pytest.mark.parametrize("path", ALL_FILES, ids=name_of)
def test_files_stay_small(path: Path) -> None:
    assert length_of(path) <= limit_of(path) or name_of(path) in LONGER_FILES


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_functions_stay_short(path: Path) -> None:
    long = {name: length for name, length in function_lengths(path).items() if length > FUNCTION_LINES}
    assert not long.keys() - LONGER_FUNCTIONS.keys(), long


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_module_has_its_test_file(path: Path) -> None:
    assert mirror_of(path).is_file() or not has_something_to_test(path) or name_of(path) in UNMIRRORED


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree) or not tree.body


def test_exceptions_are_still_needed() -> None:
    lengths = {name: length for path in SOURCES for name, length in function_lengths(path).items()}
    assert all(length_of(REPOSITORY / name) > limit_of(REPOSITORY / name) for name in LONGER_FILES)
    assert all(lengths[name] > FUNCTION_LINES for name in LONGER_FUNCTIONS)
    assert all(not mirror_of(REPOSITORY / name).is_file() for name in UNMIRRORED)
