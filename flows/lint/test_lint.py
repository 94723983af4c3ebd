# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Every linter over the whole tree, and proof that each of them can fail."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from corewright.environment import fusesoc_config, tool_environment
from source_tree import (
    ROOT,
    LintTarget,
    lint_targets,
    load_core,
    relative,
    source_files,
    waived,
    waivers,
)

SLANG = Path(__file__).parent / "slang_elaborate.py"
SLANG_OPTIONS = ["-Werror", "-Wextra", "-Wimplicit-net", "-Wwidth-trunc"]
VERIBLE_RULES = Path(__file__).parent / "verible.rules"
C_SUFFIXES = (".c", ".h", ".cc", ".cpp")
# Text that holds no place for a comment, or is somebody else's.
NO_HEADER_NAMES = frozenset({"LICENSE"})
NO_HEADER_SUFFIXES = frozenset({".json", ".md", ".html", ".bin", ".npz", ".npy", ".h5", ".png"})
NO_HEADER_SUFFIXES |= {".svg", ".csv", ".lock", ".pdf", ".gz", ".hex", ".mem", ".ipynb"}


def run(command: Sequence[str | Path], cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env=tool_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def require_clean(command: Sequence[str | Path], cwd: Path = ROOT) -> str:
    done = run(command, cwd)
    if done.returncode != 0:
        words = " ".join(str(word) for word in command)
        pytest.fail(f"{words}\n\n{done.stdout}", pytrace=False)
    return done.stdout


# ---------------------------------------------------------------------------------------- Python


def test_ruff_check():
    require_clean(["ruff", "check", "."])


def test_ruff_format():
    require_clean(["ruff", "format", "--check", "--diff", "."])


def test_mypy():
    require_clean(["mypy"])


# --------------------------------------------------------------------------------- SystemVerilog


def slang_arguments(description: Path) -> list[str]:
    """Translate an .eda.yml that FuseSoC wrote to slang's arguments."""
    eda = yaml.safe_load(description.read_text(encoding="utf-8"))
    arguments = ["--top", eda["toplevel"]]
    for file in eda["files"]:
        kind = file.get("file_type", "")
        if not kind.startswith(("verilogSource", "systemVerilogSource")):
            continue
        if file.get("is_include_file"):
            folder = file.get("include_path") or str(Path(file["name"]).parent)
            arguments += ["-I", folder or "."]
        else:
            arguments.append(file["name"])
    for name, parameter in eda.get("parameters", {}).items():
        if parameter.get("default") is None:
            continue
        value = parameter["default"]
        if parameter["datatype"] == "str":
            value = f'"{value}"'
        elif parameter["datatype"] == "bool":
            value = int(value)
        if parameter["paramtype"] == "vlogparam":
            arguments += ["-G", f"{name}={value}"]
        elif parameter["paramtype"] == "vlogdefine":
            arguments += ["-D", f"{name}={value}"]
    return arguments


@pytest.mark.parametrize("case", lint_targets(), ids=str)
def test_core_elaborates_without_a_warning(case: LintTarget, tmp_path: Path):
    """Verilator -Wall through FuseSoC, and slang on the very same sources."""
    fusesoc: list[str | Path] = ["fusesoc", "--config", fusesoc_config(), "run"]
    fusesoc += ["--build-root", tmp_path]
    output = require_clean([*fusesoc, "--target", case.target, case.core], tmp_path)
    descriptions = [
        path
        for path in tmp_path.rglob("*.eda.yml")
        if yaml.safe_load(path.read_text(encoding="utf-8")).get("toplevel")
    ]
    assert len(descriptions) == 1, output
    slang: list[str | Path] = [sys.executable, SLANG, *SLANG_OPTIONS]
    slang += slang_arguments(descriptions[0])
    require_clean(slang, descriptions[0].parent)


def test_verible():
    left_out = waived("verible")
    files = [f for f in source_files(".sv", ".svh") if relative(f) not in left_out]
    require_clean(["verible-verilog-lint", f"--rules_config={VERIBLE_RULES}", *files])


def test_each_core_with_rtl_has_a_lint_target():
    linted = {case.file for case in lint_targets()}
    missing = [
        relative(path)
        for path in source_files(".core")
        if "rtl" in load_core(path).get("filesets", {}) and path not in linted
    ]
    assert missing == []


# --------------------------------------------------------------------------------------------- C


def test_clang_format():
    left_out = waived("clang-format")
    files = [f for f in source_files(*C_SUFFIXES) if relative(f) not in left_out]
    if files:
        require_clean(["clang-format", "--dry-run", "--Werror", *files])


# ------------------------------------------------------------------------------------- all files


def is_text(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\0" not in file.read(4096)


def test_sources_state_their_licence():
    left_out = waived("spdx")
    missing = []
    for path in source_files():
        if path.name in NO_HEADER_NAMES or path.suffix in NO_HEADER_SUFFIXES:
            continue
        if relative(path) in left_out or not path.stat().st_size or not is_text(path):
            continue
        head = path.read_text(encoding="utf-8")[:1000]
        if "SPDX-License-Identifier: Apache-2.0" not in head:
            missing.append(relative(path))
    assert missing == []


# Put together so that this file does not find itself.
HOME_FOLDERS = re.compile(r"(?:^|[\s\"'=:(<\[,`]|-[IL])/" + r"(?:root|home|work|Users)" + r"/[\w.]")
REGISTRIES = re.compile(r"https?://[\w.-]*" + r"(?:pypi|pythonhosted|npmjs|debian)" + r"\.\w+")


def test_no_path_or_mirror_of_one_machine():
    found = []
    for path in source_files():
        if not is_text(path):
            continue
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines, start=1):
            if HOME_FOLDERS.search(line) or REGISTRIES.search(line):
                found.append(f"{relative(path)}:{number}: {line.strip()[:100]}")
    assert found == []


def test_nothing_but_its_folder_names_a_board():
    boards = sorted(path.parent.name for path in ROOT.glob("boards/*/board.tcl"))
    # Examples take this one.
    boards.remove("zcu104")
    name = re.compile(rf"\b({'|'.join(boards)})\b")
    allowed = {"CHANGELOG.md", "boards/README.md"}
    allowed |= {relative(path) for path in ROOT.glob("models/*/*.core")}
    named = {
        relative(path): match[0]
        for path in source_files(".md", ".py", ".tcl", ".core", ".toml", ".v", ".yaml")
        if relative(path) not in allowed
        if (match := name.search(path.read_text(encoding="utf-8")))
        if not relative(path).startswith(f"boards/{match[0]}/")
    }
    assert named == {}


def test_waivers_are_reasoned_and_still_needed():
    for waiver in waivers():
        assert set(waiver) == {"check", "file", "reason"}, waiver
        assert waiver["check"] in {"verible", "clang-format", "spdx"}, waiver
        assert (ROOT / waiver["file"]).is_file(), waiver
        assert len(waiver["reason"]) > 20, waiver


# ------------------------------------------------------------------------- the linters can fail

GOOD_MODULE = """\
/// Halves an unsigned number.
module cw_half (
    input  logic [7:0] a_i,
    output logic [6:0] b_o
);
  logic unused_lsb;
  assign {b_o, unused_lsb} = a_i;
endmodule
"""
CORE = """\
CAPI=2:
name: "corewright:planted:half:0"
filesets:
  rtl:
    files: ["cw_half.sv"]
    file_type: "systemVerilogSource"
targets:
  lint:
    flow: "cw_lint"
    flow_options: {verilator_options: ["-Wall"]}
    filesets: ["rtl"]
    toplevel: "cw_half"
"""
PLANTED_FAULTS = {
    "truncation": ("assign {b_o, unused_lsb} = a_i;", "assign {b_o, unused_lsb} = {a_i, a_i};"),
    "undeclared": ("  logic unused_lsb;\n", "  logic other;\n"),
}


def planted_statuses(folder: Path, text: str) -> dict[str, int]:
    (folder / "cw_half.sv").write_text(text, encoding="utf-8")
    (folder / "half.core").write_text(CORE, encoding="utf-8")
    fusesoc: list[str | Path] = ["fusesoc", "--config", fusesoc_config()]
    fusesoc += ["--cores-root", folder, "run"]
    fusesoc += ["--build-root", folder / "build", "--target", "lint", "corewright:planted:half"]
    slang: list[str | Path] = [sys.executable, SLANG, *SLANG_OPTIONS]
    slang += ["--top", "cw_half", folder / "cw_half.sv"]
    verible: list[str | Path] = ["verible-verilog-lint", f"--rules_config={VERIBLE_RULES}"]
    verible += [folder / "cw_half.sv"]
    return {
        "verilator": run(fusesoc, folder).returncode,
        "slang": run(slang, folder).returncode,
        "verible": run(verible, folder).returncode,
    }


def test_clean_module_passes_all_elaborators(tmp_path: Path):
    assert planted_statuses(tmp_path, GOOD_MODULE) == {"verilator": 0, "slang": 0, "verible": 0}


@pytest.mark.parametrize("fault", PLANTED_FAULTS)
def test_planted_fault_fails_both_elaborators(fault: str, tmp_path: Path):
    old, new = PLANTED_FAULTS[fault]
    assert old in GOOD_MODULE
    statuses = planted_statuses(tmp_path, GOOD_MODULE.replace(old, new))
    assert statuses["verilator"] != 0
    assert statuses["slang"] == 1


def test_planted_style_fault_fails_verible(tmp_path: Path):
    text = GOOD_MODULE.replace("  assign", "\tassign")
    assert planted_statuses(tmp_path, text) == {"verilator": 0, "slang": 0, "verible": 1}


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (HOME_FOLDERS, "open('/" + "home/somebody/file')"),
        (HOME_FOLDERS, "-I/" + "work/include"),
        (REGISTRIES, "https://files." + "pythonhosted.org/packages"),
    ],
)
def test_machine_paths_are_recognised(pattern: re.Pattern[str], line: str):
    assert pattern.search(line)
    assert not pattern.search("build/work/file docs/home/page https://example.org/x")
