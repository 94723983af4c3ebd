# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The target ``xsim`` under a strict stand-in: what is right, what is wrong, and what really runs.

gcc compiles the C side, slang and Verilator elaborate the very list that xvlog gets.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from edalize.tools.cw_xsim import Cw_xsim, check_run, for_make

from corewright.environment import repository_root
from corewright.flow import FlowInputError
from corewright.flow.xsim_bench import build_xsim_bench
from corewright.hardware import Hardware
from corewright.testing.fusesoc import run_command, run_target
from xsim.standin import NOTE, install_xsim, parse

ROOT = repository_root()
SLANG = ROOT / "flows" / "lint" / "slang_elaborate.py"
FINISH = "$finish called at time : 12345 ns : File bench.sv Line 7\n"


def fusesoc(folder: Path, *options: str) -> tuple[int, str]:
    tools = install_xsim(folder / "bin")
    return run_target("corewright:models:lenet5", "xsim", folder, options=options, tools=tools)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work root of LeNet-5, set up and built under the stand-in; to be copied or read."""
    folder = tmp_path_factory.mktemp("built")
    status, log = fusesoc(folder, "--setup", "--build")
    assert status == 0, log
    (makefile,) = folder.glob("build/*/xsim/Makefile")
    return makefile.parent


@pytest.fixture
def work(built: Path, tmp_path: Path) -> Path:
    """A copy of it, as it was before the build, with the stand-in in ``bin``."""
    folder = Path(shutil.copytree(built, tmp_path / "work", symlinks=True))
    shutil.rmtree(folder / "xsim.dir")
    for stamp in folder.glob("*.done"):
        stamp.unlink()
    install_xsim(tmp_path / "bin")
    return folder


def make(work: Path) -> tuple[int, str]:
    return run_command(["make"], work, tools=work.parent / "bin")


def test_the_snapshot_is_built_with_the_firmware(built: Path):
    assert (built / "xsim.dir" / "work" / "xsc" / "dpi.so").stat().st_size > 10_000
    assert (built / "xelab.done").is_file()


def test_a_run_in_which_nothing_is_simulated_fails(tmp_path: Path):
    status, log = fusesoc(tmp_path)
    assert status != 0
    assert "the simulation did not come to $finish" in log


def test_a_regressions_bench_is_elaborated_and_takes_plusargs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COREWRIGHT_BUILD", str(tmp_path / "regression"))
    hardware = Hardware(processing_elements=(2, 2), bits_input=8, bits_weights=8, bits_sum=32)
    with pytest.raises(FlowInputError, match="simulator xsim: xvlog, xsc, xelab, xsim not on"):
        build_xsim_bench(hardware)
    install_xsim(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    bench = build_xsim_bench(hardware)
    assert bench.fresh and not build_xsim_bench(hardware).fresh
    run = tmp_path / "run"
    run.mkdir()
    words: list[str | Path] = [bench.executable, "+dir=a", "+seed=3", "+verilator+seed+3"]
    status, log = run_command(words, run, tools=tmp_path / "bin")
    # The stand-in takes the command, and simulates nothing.
    assert status == 0, log
    assert (run / "xsim.dir").resolve() == bench.executable.parent / "xsim.dir"


def test_slang_elaborates_the_same_list(built: Path):
    listed = (built / "xvlog_sv.f").read_text(encoding="utf-8").splitlines()
    command: list[str | Path] = [sys.executable, SLANG, "--timescale", "1ns/1ps"]
    status, log = run_command([*command, "--top", "cw_bench_timed", *listed], built)
    assert status == 0, log


def test_verilator_elaborates_the_same_list(built: Path):
    command = ["verilator", "--lint-only", "--timing", "--timescale", "1ns/1ps", "-f"]
    command += ["xvlog_sv.f", "--top-module", "cw_bench_timed"]
    status, log = run_command(command, built)
    assert status == 0, log


# By name: the file, what it holds, what stands there instead, what the stand-in says.
MISTAKES = {
    "xvlog_option": ("Makefile", "xvlog -sv ", "xvlog -systemverilog ", "unknown option"),
    "language": ("Makefile", "xvlog -sv ", "xvlog ", "is SystemVerilog, -sv is missing"),
    "list": ("Makefile", "-f xvlog_sv.f", "-f xvlog.f", "no file xvlog.f"),
    "no_compilation": ("Makefile", "$(EDALIZE_LAUNCHER) xvlog ", "true ", "nothing is compiled"),
    "xsc_option": ("Makefile", "xsc --gcc_compile_options", "xsc --gcc_options", "unknown option"),
    "include": ("Makefile", "hal_0.1.0/include --gcc", "hal_0.1.0 --gcc", "gcc failed"),
    "no_library": ("Makefile", "$(EDALIZE_LAUNCHER) xsc ", "true ", "no library"),
    "library": ("Makefile", "-sv_lib dpi", "-sv_lib api", "no library"),
    "no_imports": ("Makefile", "-sv_lib dpi", "", "DPI imports in no library: cw_bench_"),
    "xelab_option": ("Makefile", "-timescale", "-time_scale", "unknown option -time_scale"),
    "timescale": ("Makefile", "1ns/1ps", "1ns", "timescale 1ns"),
    "top": ("Makefile", "work.cw_bench_timed", "work.cw_bench_times", "no unit"),
    "missing_source": ("xvlog_sv.f", "cw_engine.sv", "cw_motor.sv", "no file"),
    "source_twice": ("xvlog_sv.f", "cw_control.sv", "cw_crc32.sv", "is given twice"),
    "left_out": ("xvlog_sv.f", "/cw_crc32.sv", "/../rtl/cw_control.sv", "defined a second time"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_fails(mistake: str, work: Path):
    name, old, new, message = MISTAKES[mistake]
    path = work / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    status, log = make(work)
    assert status != 0
    assert message in log
    assert not (work / "xelab.done").exists()


@pytest.mark.parametrize(("name", "message"), [("cw_pkg.sv", "package"), ("cw_crc32.sv", "module")])
def test_a_source_that_is_left_out_is_missed(name: str, message: str, work: Path):
    path = work / "xvlog_sv.f"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if f"/{name}" not in line]
    assert len(kept) == len(lines) - 1
    path.write_text("".join(kept), encoding="utf-8")
    status, log = make(work)
    assert status != 0
    assert f"{message} {name.removesuffix('.sv')}" in log


def test_a_package_behind_its_user_fails(work: Path):
    path = work / "xvlog_sv.f"
    first, *rest = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*rest, first]), encoding="utf-8")
    status, log = make(work)
    assert status != 0
    assert "package cw_pkg is not compiled before" in log


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cw_bench_timed", "-log", "xsim.log"], "would wait for commands"),
        (["cw_bench", "-R"], "no snapshot cw_bench"),
        (["cw_bench_timed", "-R", "-onfinish", "exit"], "legal are"),
        (["cw_bench_timed", "-R", "-testplusargs", "seed=1"], "unknown option"),
        (["cw_bench_timed", "-R", "-testplusarg", "+seed=1"], "plusarg"),
        (["cw_bench_timed", "-R", "-testplusarg"], "has no value"),
    ],
)
def test_a_mistake_in_the_run_fails(
    arguments: list[str], message: str, built: Path, tmp_path: Path
):
    status, log = run_command(["xsim", *arguments], built, tools=install_xsim(tmp_path / "bin"))
    assert status != 0
    assert message in log


def test_options_may_stand_in_a_file(tmp_path: Path):
    listed = tmp_path / "list.f"
    listed.write_text("-i one\n--define A=1\nx.sv\n", encoding="utf-8")
    options, files = parse("xvlog", ["-sv", "-f", str(listed), "y.sv"])
    assert options == {"sv": [], "include": ["one"], "define": ["A=1"]}
    assert files == ["x.sv", "y.sv"]


def test_words_reach_the_command_through_make(tmp_path: Path):
    words = ["$HOME", "a b", "it's", 'A="1"']
    (tmp_path / "Makefile").write_text(
        f"all:\n\t@printf '%s\\n' {' '.join(for_make(words))}\n", encoding="utf-8"
    )
    assert run_command(["make"], tmp_path) == (0, "\n".join([*words, ""]))


# ------------------------------------------------------------------------------ the run's verdict


def tool_with(work: Path, **options: str) -> Cw_xsim:
    tool = Cw_xsim()
    tool.work_root = work
    parameter = {"datatype": "str", "paramtype": "plusarg", "default": "out/a.json"}
    file = {"name": "a.sv", "file_type": "systemVerilogSource"}
    tool.setup(
        {
            "name": "a",
            "toplevel": "a",
            "files": [file],
            "parameters": {"result": parameter},
            "tool_options": {"cw_xsim": options},
        }
    )
    return tool


def test_the_result_is_the_plusargs(tmp_path: Path):
    tool = tool_with(tmp_path, result_plusarg="result")
    assert tool.result() == tmp_path / "out" / "a.json"
    _, arguments, _ = tool.run()
    assert "-testplusarg result=out/a.json" in " ".join(arguments)
    assert tool_with(tmp_path).result() is None
    with pytest.raises(RuntimeError, match="result_plusarg is results"):
        tool_with(tmp_path, result_plusarg="results").result()


def test_a_good_run_passes(tmp_path: Path):
    result = tmp_path / "result.json"
    result.write_text('{"passed": true}', encoding="utf-8")
    check_run(FINISH, result)
    check_run(FINISH, None)


@pytest.mark.parametrize(
    ("log", "result", "message"),
    [
        ("", '{"passed": true}', "did not come to"),
        (NOTE, '{"passed": true}', "did not come to"),
        (f"Fatal: the bench failed\n{FINISH}", '{"passed": true}', "Fatal: the bench failed"),
        (f"Error: PayloadStable_A\n{FINISH}", '{"passed": true}', "Error: PayloadStable_A"),
        ("ERROR: [XSIM 43-3225] no snapshot\n", "", "ERROR: .XSIM"),
        ("FATAL_ERROR: Vivado Simulator kernel\n", "", "FATAL_ERROR"),
        (FINISH, "", "wrote no result.json: no test ran"),
        (FINISH, '{"passed": false}', "says passed: false"),
        (FINISH, "{}", "says passed: null"),
        (FINISH, "[]", "no JSON object"),
        (FINISH, "{", "no JSON object"),
    ],
)
def test_a_run_that_is_not_good_fails(log: str, result: str, message: str, tmp_path: Path):
    path = tmp_path / "result.json"
    if result:
        path.write_text(result, encoding="utf-8")
    with pytest.raises(RuntimeError, match=message.replace("$", r"\$")):
        check_run(log, path)
