"""Compile the optional extension ``respcache/_speedups``; everything else about the package is in pyproject.toml.

Every ``.pyx`` file of that folder becomes a module. Where one cannot be built (no compiler, no Cython, a platform
without epoll) the installation succeeds all the same, one line says so, and respcache runs as plain Python: whether the
modules that are there make a whole is for ``respcache/_speedups/__init__.py`` to judge. It fails only where somebody
asks for just this, by ``python setup.py build_ext`` or by ``RESPCACHE_REQUIRE_TOOLS=1``. ``docs/building.md`` tells
what the variables below are for.
"""

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FOLDER = Path("respcache", "_speedups")
ON = ("1", "true", "yes")


def is_on(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in ON


PURE = is_on("RESPCACHE_PURE")
CHECKED = is_on("RESPCACHE_DEBUG_BUILD")
SANITIZERS = os.environ.get("RESPCACHE_SANITIZE", "")  # as the compiler names them: "address,undefined"
REQUIRED = is_on("RESPCACHE_REQUIRE_TOOLS")

# The modules check every size themselves, once and where it is known. A checked build checks again at every use, and
# keeps the assertions. Division stays C's in both, or they would compute differently.
DIRECTIVES = {
    "language_level": "3",
    "boundscheck": CHECKED,
    "wraparound": False,
    "nonecheck": CHECKED,
    "initializedcheck": CHECKED,
    "cdivision": True,
    "embedsignature": False,
}


def constant(path: Path, name: str) -> str:
    """Return a literal that a module assigns, without importing it: what it imports may not be installed yet."""
    found = re.search(rf"^{name}\b.*?= \"?([^\"\n]+)\"?$", path.read_text(), flags=re.MULTILINE)
    assert found is not None, f"{path} says nothing of {name}"
    return found[1]


def stamp() -> str:
    """Return what ``__init__.py`` compares: see there."""
    version = constant(Path("respcache", "__init__.py"), "__version__")
    return f"{version}/{constant(FOLDER / '__init__.py', 'INTERFACE')}"


def compile_arguments() -> list[str]:
    # What is unused, Cython generates for cases that a module does not have.
    arguments = ["-Wno-unused-function", "-Wno-unused-variable", "-fno-strict-overflow"]
    arguments += ["-O1", "-g", "-UNDEBUG"] if CHECKED or SANITIZERS else ["-O2"]
    if SANITIZERS:
        arguments += [
            f"-fsanitize={SANITIZERS}",
            "-fno-omit-frame-pointer",
            "-fno-sanitize-recover=undefined",
        ]
    return arguments


class Module(Extension):
    """An extension that can stand in a set: Cython keeps those that fail in one, setuptools forbids it."""

    __hash__ = object.__hash__


def modules() -> list[Extension]:
    macros: list[tuple[str, str | None]] = [] if CHECKED else [("CYTHON_WITHOUT_ASSERTIONS", "1")]
    stamped = [("RESPCACHE_STAMP", f'"{stamp()}"'), ("RESPCACHE_CHECKED", str(int(CHECKED)))]
    versions = ["respcache/__init__.py", (FOLDER / "__init__.py").as_posix()]
    return [
        Module(
            ".".join(path.with_suffix("").parts),
            [path.as_posix()],
            define_macros=[*macros, *stamped] if path.stem == "stamp" else macros,
            extra_compile_args=compile_arguments(),
            extra_link_args=[f"-fsanitize={SANITIZERS}"] if SANITIZERS else [],
            depends=["setup.py", *versions] if path.stem == "stamp" else ["setup.py"],
            optional=True,  # setuptools does not look for what is then not there
        )
        for path in sorted(FOLDER.glob("*.pyx"))
    ]


class BuildExtension(build_ext):
    """Compile all modules side by side, and tell in one line which of them could not be built."""

    def initialize_options(self) -> None:
        super().initialize_options()
        self.parallel = os.cpu_count() or 1
        self.failures: dict[str, str] = {}

    def finalize_options(self) -> None:
        super().finalize_options()
        if self.inplace:
            # Builds with folders of their own do not meet, not even in what they are about to copy to the sources.
            self.build_lib = os.path.join(self.build_temp, "lib")
        if CHECKED or SANITIZERS:
            self.force = True  # what lies there may be the other kind

    def run(self) -> None:
        sources = self._translated()
        wanted, self.extensions = self.extensions, [one for one in self.extensions if one.name in sources]
        for extension in self.extensions:
            extension.sources = sources[extension.name]
        if self.extensions:
            super().run()
        untranslated = [one.name for one in wanted if one.name not in sources]
        missing = dict.fromkeys(untranslated, "Cython cannot translate it") | self.failures
        if missing:
            self._tell(missing, len(wanted))

    def _translated(self) -> dict[str, list[str]]:
        """Return the C of each module. It lies beside the objects, so that no two kinds of build share it."""
        try:
            from Cython.Build import cythonize  # noqa: PLC0415 - its absence shall not stop an installation
        except ImportError:
            return {}
        translated = cythonize(
            self.extensions,
            nthreads=self.parallel,
            force=bool(self.force),
            build_dir=self.build_temp,
            compiler_directives=DIRECTIVES,
            exclude_failures=True,
        )
        return {extension.name: extension.sources for extension in translated}

    def build_extension(self, ext: Extension) -> None:
        try:
            super().build_extension(ext)
        except Exception as problem:  # whatever it is, plain Python does the work
            text = str(problem).partition("\n")[0]
            self.failures[ext.name] = "the C compiler failed" if "non-zero exit" in text else text

    def _tell(self, missing: dict[str, str], wanted: int) -> None:
        name, reason = next(iter(missing.items()))
        line = f"respcache: {len(missing)} of {wanted} compiled modules were not built ({name}: {reason})"
        if REQUIRED or "build_ext" in sys.argv:
            raise SystemExit(line)
        line += ". It is installed as plain Python, which does the same more slowly.\n"
        sys.stderr.write(line)
        # pip keeps what a build prints to itself unless it fails, or pip is called with -v.
        if not sys.stderr.isatty():
            with suppress(OSError), open("/dev/tty", "w") as terminal:
                terminal.write(line)


compiled: dict[str, Any] = {"ext_modules": modules(), "cmdclass": {"build_ext": BuildExtension}}
setup(**{} if PURE else compiled)
