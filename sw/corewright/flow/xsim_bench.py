# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Benches in Vivado's simulator: the snapshot by ``fusesoc run --target xsim``, a script around it.

The script takes the plusargs that a bench of Verilator takes, so that ``run_bench`` runs either.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from corewright.environment import repository_root
from corewright.export import configuration_package
from corewright.flow.cache import build_folder, building, digest, locked, tree_digest
from corewright.flow.compiled_bench import (
    BENCH_ROOTS,
    BENCH_SUFFIXES,
    CompiledBench,
    flow_environment,
    fusesoc_command,
    tail,
)
from corewright.flow.errors import FlowError, FlowInputError
from corewright.flow.system import core_text, wrapper_core
from corewright.flow.system_core import PROCESSING_ELEMENT
from corewright.hardware import Hardware

TOP = "cw_bench_timed"
TOOLS = ("xvlog", "xsc", "xelab", "xsim")
# +NAME=VALUE becomes -testplusarg NAME=VALUE; Verilator's own are nothing here. The snapshot is
# found below the current folder, which is each run's own.
_SCRIPT = """\
#!/bin/sh
# Runs the snapshot beside it in the current folder.
[ -e xsim.dir ] || ln -s '{work}/xsim.dir' xsim.dir
count=$#
while [ "$count" -gt 0 ]; do
  word=$1
  shift
  count=$((count - 1))
  case $word in
    +verilator*) ;;
    +*) set -- "$@" -testplusarg "${{word#+}}" ;;
    *) set -- "$@" "$word" ;;
  esac
done
exec xsim {top} -R -onfinish quit -onerror quit -log xsim.log "$@"
"""


def require_xsim() -> None:
    """Raise FlowInputError where Vivado's simulator is not installed."""
    path = flow_environment().get("PATH")
    missing = [tool for tool in TOOLS if shutil.which(tool, path=path) is None]
    if missing:
        raise FlowInputError(
            f"simulator xsim: {', '.join(missing)} not on the PATH, settings64.sh of Vivado puts "
            "them there; legal without it is verilator"
        )


def build_xsim_bench(
    hw: Hardware, *, processing_element: str = PROCESSING_ELEMENT
) -> CompiledBench:
    """Elaborate a hardware's bench with the flow ``cw_xsim``, or take it from the cache.

    Args:
        hw: the hardware.
        processing_element: provider of the array.

    Raises:
        FlowInputError: Vivado's simulator is not installed.
        FlowError: a tool failed.
        OutputError: the build folder cannot be written.
    """
    require_xsim()
    root = repository_root()
    key = digest(
        {
            "sources": tree_digest([root / name for name in BENCH_ROOTS], BENCH_SUFFIXES),
            "configuration": configuration_package(hw),
            "processing_element": processing_element,
        }
    )
    rows, columns = hw.processing_elements
    work = build_folder() / "benches" / f"xsim-{rows}x{columns}-{key[:24]}"
    executable, stamp = work / "run_bench.sh", work / "complete"
    fresh = False
    with locked(work.parent / "locks" / work.name):
        if not stamp.is_file():
            shutil.rmtree(work, ignore_errors=True)
            _build(work, hw, processing_element)
            with building(work):
                executable.write_text(_SCRIPT.format(work=work, top=TOP), encoding="utf-8")
                executable.chmod(0o755)
                stamp.touch()
            fresh = True
    return CompiledBench(executable, hw, False, fresh)


def _build(work: Path, hw: Hardware, processing_element: str) -> None:
    contents = wrapper_core(
        f"xsim_{work.name.rpartition('-')[2]}", hw, processing_element=processing_element
    )
    sim = contents["targets"].pop("sim")
    contents["targets"]["xsim"] = {**sim, "toplevel": TOP, "flow": "cw_xsim"}
    log = work / "build.log"
    with building(work):
        folder = work / "core"
        folder.mkdir(parents=True)
        (folder / "system.core").write_text(core_text(contents), encoding="utf-8")
        opened = log.open("w", encoding="utf-8")
    command = [*fusesoc_command("--cores-root", folder), "run", "--target", "xsim"]
    command += ["--setup", "--build", "--work-root", str(work), contents["name"]]
    with opened as file:
        done = subprocess.run(
            command,
            cwd=repository_root(),
            env=flow_environment(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        raise FlowError(f"building the simulation failed\n{tail(log)}\nlog: {log}")
