"""Shape rules that no linter knows: small files, short functions, a test beside every module.

They hold for Cython's files as well: ``.pyx`` (a module) and ``.pxd`` (what it offers to other compiled modules). The rules of the layers are import-linter's (pyproject.toml). An exception needs a reason, and goes when it is not needed.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
SOURCES = sorted((REPOSITORY / "respcache").rglob("*.py"))
CYTHON_MODULES = sorted((REPOSITORY / "respcache").rglob("*.pyx"))
CYTHON_OFFERS = sorted((REPOSITORY / "respcache").rglob("*.pxd"))
ALL_FILES = sorted(
    path
    for folder in ("respcache", "tests", "benchmarks")
    for kind in ("py", "pyx", "pxd", "pyi")
    for path in (REPOSITORY / folder).rglob(f"*.{kind}")
)

FILE_LINES = 400
COMMANDS_FILE_LINES = 500  # declarations are bulky
FUNCTION_LINES = 40

# The first line of a function, and its last: a signature may take several lines, and ends at a colon.
CYTHON_FUNCTION = re.compile(
    r"^(?P<margin> *)(?:def|c(?:p)?def(?! (?:class|extern|struct|enum|union|packed)\b)) [^=\n#]*?(?P<name>\w+)\("
    r"(?P<rest>[^()]*(?:\([^()]*\)[^()]*)*\)[^\n]*):[^\n]*$",
    re.MULTILINE,
)
OFFERED_TO_PYTHON = re.compile(r"^(?:def|class|cdef class|cpdef) ", re.MULTILINE)
CYTHON_DOCSTRING = re.compile(r'\A(?:#[^\n]*\n)*r?"""\w')
DOCSTRING = re.compile(r'\A(?:#[^\n]*\n|\n)*r?"""\s*[^\s"]')

EXAMPLE = '''"""An example."""

cdef extern from "x.h" nogil:
    int write(int, char*)

cdef class Output:
    cdef int size

    def __cinit__(self):
        self.size = 0

    cdef int take(self, const char* data, Py_ssize_t (*size)(int),
                  int capacity) except -1:
        """Take it, and explain

        at length."""
        cdef int n = f(data)

        return n

cdef inline char* _grown(char* data) noexcept nogil:  # a comment
    # Another.
    return data

cpdef bytes answer(object x = (1, 2)):
    if x:
        return b""
'''

# "respcache/commands/streams.py": "why it cannot be cut"
LONGER_FILES: dict[str, str] = {}
# "respcache/server/reactor.py:turn": "the figure that shows that it pays"
LONGER_FUNCTIONS: dict[str, str] = {
    "respcache/server/session.py:_run": "the hot loop: a call costs 30 to 50 of the 400 ns that a pipelined GET takes",
    "respcache/server/singles.py:_serve_quiet": "the hot loop for lone commands, whose every call was what it is there to save",
    "respcache/_speedups/serving.pyx:run": "the compiled hot loop: what it keeps in registers would be attributes",
    "respcache/cluster/bus/inlet.py:_run_batch": "the owner's hot loop, a twin of the session's",
    "respcache/commands/client.py:__init__": "one line for each thing that is known of a client, with what it means",
    "respcache/commands/client_listing.py:client_line": "one line for each of the fields of CLIENT LIST, in their order",
}
# "respcache/app/serve.py": "where it is tested instead"
UNMIRRORED: dict[str, str] = {
    "respcache/_speedups/stamp.pyx": "two values that __init__.py judges, tested there",
    "respcache/_speedups/calls.pyx": "what compiled commands are handed; tested with each of them",
    "respcache/_speedups/hot_commands.pyx": "the loop's table; tested with it, in test_serving.py",
    "respcache/server/conversation.py": "a protocol, and the record that the reactor keeps; tested there",
    "respcache/owners/mailbox.py": "records that owners.py works on, tested there",
}


def name_of(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def statements_of(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements below one: a tenth of what ``ast.walk`` yields, and functions are among them."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, field, ()):
            yield child
            yield from statements_of(child)


def length_of(path: Path) -> int:
    return len(path.read_text().splitlines())


def limit_of(path: Path) -> int:
    return COMMANDS_FILE_LINES if path.parent.name == "commands" else FILE_LINES


def function_lengths(path: Path) -> dict[str, int]:
    """Measure each function's body, its docstring apart: a long explanation is no long function."""
    lengths = {}
    for node in statements_of(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            assert node.end_lineno is not None
            lengths[f"{name_of(path)}:{node.name}"] = node.end_lineno - body[0].lineno + 1
    return lengths


def cython_function_lengths(text: str, name: str) -> dict[str, int]:
    """Measure each function of a ``.pyx`` file by its margin, signature and docstring apart."""
    lengths = {}
    for found in CYTHON_FUNCTION.finditer(text):
        margin = len(found["margin"])
        below = re.sub(r'\A\s*""".*?"""', "", text[found.end() :], flags=re.DOTALL)
        end = re.search(rf"^ {{0,{margin}}}[^\s#]", below, flags=re.MULTILINE)
        body = below[: end.start()] if end else below
        lengths[f"{name}:{found['name']}"] = len(body.strip().splitlines())
    return lengths


@cache
def long_functions(path: Path) -> dict[str, int]:
    is_python = path.suffix == ".py"
    lengths = (
        function_lengths(path) if is_python else cython_function_lengths(path.read_text(), name_of(path))
    )
    return {name: length for name, length in lengths.items() if length > FUNCTION_LINES}


def mirror_of(path: Path) -> Path:
    below = path.relative_to(REPOSITORY / "respcache")
    folders = [folder.strip("_") for folder in below.parent.parts]
    return REPOSITORY.joinpath("tests", *folders, f"test_{below.stem.strip('_')}.py")


def has_something_to_test(path: Path) -> bool:
    """Whether any function of the module does something: names, records and protocols have nothing to test."""
    functions = [
        node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return any(not isinstance(statement, ast.Expr) for node in functions for statement in node.body)


def without_a_test(paths: list[Path]) -> list[Path]:
    return [path for path in paths if not mirror_of(path).is_file() and name_of(path) not in UNMIRRORED]


@pytest.fixture(scope="module", autouse=True)
def forget_trees() -> Iterator[None]:
    yield
    tree_of.cache_clear()


def test_there_is_something_to_look_at() -> None:
    assert len(ALL_FILES) > len(SOURCES) > len(CYTHON_MODULES) > 0
    assert CYTHON_OFFERS


def test_files_stay_small() -> None:
    long = {name_of(path): length_of(path) for path in ALL_FILES if length_of(path) > limit_of(path)}
    assert long.keys() <= LONGER_FILES.keys(), long


def test_functions_stay_short() -> None:
    long = {
        name: length for path in SOURCES + CYTHON_MODULES for name, length in long_functions(path).items()
    }
    assert long.keys() <= LONGER_FUNCTIONS.keys(), long


def test_every_module_has_its_test_file() -> None:
    assert [name_of(path) for path in without_a_test(SOURCES) if has_something_to_test(path)] == []


def test_every_compiled_module_has_its_test_file() -> None:
    assert [name_of(path) for path in without_a_test(CYTHON_MODULES)] == []


def test_what_compiled_modules_offer_to_python_has_types() -> None:
    offering = [path for path in CYTHON_MODULES if OFFERED_TO_PYTHON.search(path.read_text())]
    assert [name_of(path) for path in offering if not path.with_suffix(".pyi").is_file()] == []


def test_every_module_says_what_it_is_for() -> None:
    texts = {name_of(path): path.read_text() for path in SOURCES}
    assert [name for name, text in texts.items() if text.strip() and not DOCSTRING.match(text)] == []


def test_every_compiled_module_says_what_it_is_for() -> None:
    assert [name_of(path) for path in CYTHON_MODULES if not CYTHON_DOCSTRING.match(path.read_text())] == []


def test_every_declaration_file_says_what_it_offers() -> None:
    assert [name_of(path) for path in CYTHON_OFFERS if not path.read_text().startswith("# ")] == []


def test_compiled_functions_are_measured_by_their_margin() -> None:
    expected = {"x:__cinit__": 1, "x:take": 3, "x:_grown": 2, "x:answer": 2}
    assert cython_function_lengths(EXAMPLE, "x") == expected


def test_exceptions_are_still_needed() -> None:
    # Not of all files: another worker, which measures those, has parsed them already.
    paths = {REPOSITORY / name.partition(":")[0] for name in LONGER_FUNCTIONS}
    long = {name for path in paths for name in long_functions(path)}
    assert all(length_of(REPOSITORY / name) > limit_of(REPOSITORY / name) for name in LONGER_FILES)
    assert LONGER_FUNCTIONS.keys() <= long
    assert all(not mirror_of(REPOSITORY / name).is_file() for name in UNMIRRORED)
