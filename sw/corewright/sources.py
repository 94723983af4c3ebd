# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Lists of HDL sources, taken from where they stand once: the FuseSoC cores' filesets."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corewright.environment import cache_home, fusesoc_config, repository_root

_HDL_TYPES = ("systemVerilogSource", "verilogSource", "vlt")


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


def sources_of(core: str, target: str = "default") -> list[Path]:
    """Return the HDL files of a core and of everything it depends on, dependencies first.

    FuseSoC's own resolver makes the list in memory, so that any number of processes may ask at the
    same time and a change of a ``.core`` file is seen by the next process.

    Args:
        core: VLNV without or with version, for example ``"corewright:ip:axis_fifo"``.
        target: the target whose filesets are wanted; dependencies give their ``default``. Where a
            dependency is virtual (``corewright:prim:ram_1r1w``), let this target also depend on the
            provider: FuseSoC otherwise takes any of them.

    Returns:
        Absolute paths of Verilog, SystemVerilog and Verilator control files; include files
        (``.svh``, ``.vh``) are in the list as well, as dependencies that a cache has to see.

    Raises:
        ValueError: the core or target does not exist, a dependency is missing, or a core in the
            tree runs a generator (only ``fusesoc run --setup`` can tell what that makes).
    """
    from fusesoc.coremanager import DependencyError
    from fusesoc.vlnv import Vlnv

    library = _library(fusesoc_config(), repository_root())
    try:
        top = library.get_core(core)
    except (DependencyError, KeyError) as error:
        raise ValueError(f"there is no core {core}") from error
    flags = {"target": target, "is_toplevel": True, "tool": "verilator"}
    if top.get_target(flags) is None:
        raise ValueError(f"{core} has no target {target}")
    try:
        cores = library.cm.get_depends(Vlnv(str(top.name)), flags)
    except (DependencyError, RuntimeError) as error:
        raise ValueError(f"{core}, target {target}: {error}") from error

    found: dict[Path, None] = {}
    for each in cores:
        own = dict(flags)
        if each.name != top.name:
            own["is_toplevel"] = False
            own["target"] = "default"
        if each.get_ttptttg(own):
            raise ValueError(f"{core}: {each.name} runs a generator; use fusesoc run --setup")
        for file in each.get_files(own):
            if str(file.get("file_type", "")).startswith(_HDL_TYPES):
                found[(Path(each.files_root) / file["name"]).resolve()] = None
    return list(found)
