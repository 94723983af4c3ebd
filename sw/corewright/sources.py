# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Lists of sources, taken from where they stand once: the FuseSoC cores' filesets."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from corewright.environment import cache_home, fusesoc_config, repository_root

HDL = ("systemVerilogSource", "verilogSource", "vlt")
# C with its headers, and assembler.
FIRMWARE = ("cSource", "asmSource")


@contextlib.contextmanager
def _usable_cache() -> Iterator[None]:
    """Let FuseSoC, which makes its cache folder in any case, make it where that is possible."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(cache_home())
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = before


@functools.cache
def _library(config: Path, root: Path) -> Any:
    """Return FuseSoC's view of the tree; one scan a process, nothing is written to disk."""
    from fusesoc.config import Config
    from fusesoc.fusesoc import Fusesoc
    from fusesoc.librarymanager import Library

    # Scanning reports every core it meets.
    logging.getLogger("fusesoc").setLevel(logging.WARNING)
    with _usable_cache():
        if config.is_file():
            return Fusesoc(Config(str(config)))
        fusesoc = Fusesoc(Config(create_if_missing=False))
    fusesoc.add_library(Library("corewright", str(root)))
    return fusesoc


def sources_of(
    core: str,
    target: str = "default",
    *,
    kinds: tuple[str, ...] = HDL,
    providers: Sequence[str] = (),
) -> list[Path]:
    """Return the files of a core and of everything it depends on, dependencies first.

    FuseSoC's own resolver makes the list in memory, so that any number of processes may ask at the
    same time and a change of a ``.core`` file is seen by the next process.

    Args:
        core: VLNV without or with version, for example ``"corewright:ip:axis_fifo"``.
        target: the target whose filesets are wanted; dependencies give their ``default``. Where a
            dependency is virtual (``corewright:prim:ram_1r1w``), let this target also depend on the
            provider: FuseSoC otherwise takes any of them.
        kinds: how the file types begin that are wanted: ``HDL`` or ``FIRMWARE``.
        providers: cores of this tree, each in the place of the one that the target has chosen for
            the same virtual core; others, which provide none, change nothing.

    Returns:
        Absolute paths: of ``HDL`` Verilog, SystemVerilog and Verilator control files; include files
        (``.svh``, ``.vh``) are in the list as well, as dependencies that a cache has to see.

    Raises:
        ValueError: the core, target or provider does not exist, a dependency is missing, or a core
            in the tree runs a generator (only ``fusesoc run --setup`` can tell what that makes).
    """
    library = _library(fusesoc_config(), repository_root())
    top = _core(library, core)
    cores = _closure(library, top, target)
    for name in providers:
        cores = _with_provider(library, cores, name)
    found: dict[Path, None] = {}
    for each in cores:
        own = _flags(target) if each.name == top.name else _flags("default", top=False)
        if each.get_ttptttg(own):
            raise ValueError(f"{core}: {each.name} runs a generator; use fusesoc run --setup")
        for file in each.get_files(own):
            if str(file.get("file_type", "")).startswith(kinds):
                found[(Path(each.files_root) / file["name"]).resolve()] = None
    return list(found)


def _flags(target: str, *, top: bool = True) -> dict[str, Any]:
    return {"target": target, "is_toplevel": top, "tool": "verilator"}


def _core(library: Any, name: str) -> Any:
    """Return a core of the tree; raises ValueError."""
    from fusesoc.coremanager import DependencyError

    try:
        return library.get_core(name)
    except (DependencyError, KeyError) as error:
        raise ValueError(f"there is no core {name}") from error


def _closure(library: Any, top: Any, target: str) -> list[Any]:
    """Return a core and what it depends on, dependencies first; raises ValueError."""
    from fusesoc.coremanager import DependencyError
    from fusesoc.vlnv import Vlnv

    if top.get_target(_flags(target)) is None:
        raise ValueError(f"{top.name} has no target {target}")
    try:
        return list(library.cm.get_depends(Vlnv(str(top.name)), _flags(target)))
    except (DependencyError, RuntimeError) as error:
        raise ValueError(f"{top.name}, target {target}: {error}") from error


def _with_provider(library: Any, cores: list[Any], name: str) -> list[Any]:
    """Return the list with a core in the place of what provides the same virtual core."""
    provider = _core(library, name)
    virtual = {str(each) for each in provider.get_virtuals(_flags("default"))}
    if provider in cores or not virtual:
        return cores
    result: list[Any] = []
    for core in cores:
        same = virtual & {str(each) for each in core.get_virtuals(_flags("default"))}
        for each in _closure(library, provider, "default") if same else [core]:
            if each not in result:
                result.append(each)
    return result
