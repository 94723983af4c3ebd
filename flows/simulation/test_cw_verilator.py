# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The flows cw_verilator and cw_lint, with a Verilator that makes a shell script."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from corewright import environment
from corewright.testing.fusesoc import run_target

# Lint writes no makefile; a source with the word "broken" fails.
VERILATOR = """\
#!/bin/sh
case $1 in --version) echo "Verilator 5.048 2026-04-26 rev v5.048"; exit ;; esac
echo "$2: $(grep -e --lint-only -e --cc "$2")" >>calls
grep -q broken ../module.sv && { echo "%Error: broken"; exit 1; }
grep -q -e --lint-only "$2" && exit
cp ../run Vcw_none
printf 'Vcw_none: ;\\n' >Vcw_none.mk
"""
CORE = """\
CAPI=2:
name: "corewright:planted:none:0"
filesets:
  rtl:
    files: ["module.sv"]
    file_type: "systemVerilogSource"
parameters:
  result: {datatype: "str", default: "result.json", paramtype: "plusarg"}
targets:
  sim: &sim
    filesets: ["rtl"]
    toplevel: "cw_none"
    parameters: ["result"]
    flow: "cw_verilator"
    flow_options: {result_plusarg: "result"}
  lint:
    <<: *sim
    parameters: []
    flow: "cw_lint"
    flow_options: {verilator_options: ["-Wall"]}
"""
PASSES = "#!/bin/sh\necho '{\"passed\": true}' >result.json\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A core, and the Verilator that compiles it."""
    tools = tmp_path / "tools"
    tools.mkdir()
    verilator = tools / "verilator"
    verilator.write_text(VERILATOR, encoding="utf-8")
    verilator.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    (tmp_path / "none.core").write_text(CORE, encoding="utf-8")
    (tmp_path / "module.sv").write_text("module cw_none; endmodule\n", encoding="utf-8")
    bench(tmp_path, PASSES)
    return tmp_path


def bench(folder: Path, script: str) -> None:
    (folder / "run").write_text(script, encoding="utf-8")
    (folder / "run").chmod(0o755)


def run(folder: Path, target: str = "sim") -> tuple[int, str]:
    work = ["--work-root", str(folder / "work")]
    return run_target("corewright:planted:none", target, folder, options=work)


def test_targets_share_a_work_root(folder: Path):
    for target in ("sim", "sim", "lint", "sim", "lint"):
        status, output = run(folder, target)
        assert status == 0, output
    calls = (folder / "work" / "calls").read_text(encoding="utf-8").splitlines()
    # What was compiled is not compiled again, unless another target came between.
    done = [call.split()[-1] for call in calls]
    assert done == ["--cc", "--lint-only", "--cc", "--lint-only"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (PASSES.replace("true", "false"), "result.json says passed: false"),
        ("#!/bin/sh\n", "the bench wrote no result.json: no test ran"),
        (PASSES + "exit 3\n", "exited with an error: 3"),
    ],
    ids=["failed", "nothing", "crashed"],
)
def test_bench_that_does_not_say_that_it_passed_ends_non_zero(folder: Path, script, why):
    # The result of a run before lies there, and does not count.
    (folder / "work").mkdir()
    (folder / "work" / "result.json").write_text('{"passed": true}', encoding="utf-8")
    bench(folder, script)
    status, output = run(folder)
    assert status != 0
    assert why in output


@pytest.mark.parametrize("target", ["sim", "lint"])
def test_design_that_verilator_refuses_ends_non_zero(folder: Path, target: str):
    (folder / "module.sv").write_text("broken\n", encoding="utf-8")
    status, output = run(folder, target)
    assert status != 0
    assert "%Error: broken" in output


def test_missing_commands_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    wheel = environment.tool_environment({"PATH": "/usr/bin:/bin"})
    environment.require_build_tools(wheel, libpython=True)
    without = {**wheel, "PATH": str(tmp_path)}
    with pytest.raises(environment.EnvironmentUnusableError) as caught:
        environment.require_build_tools(without)
    assert str(caught.value).startswith("make and perl and g++ are not installed: please run")
    with pytest.raises(environment.EnvironmentUnusableError, match=r"^make and perl are not"):
        environment.require_build_tools(without, compiler=False)
    monkeypatch.setattr(environment, "_has_libpython", lambda: False)
    with pytest.raises(environment.EnvironmentUnusableError, match=r"^libpython3\.\d+ is not"):
        environment.require_build_tools(wheel, libpython=True)
