# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The board targets under a strict stand-in for Vivado: scripts that are right, and wrong ones."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from corewright import Hardware
from corewright.environment import fusesoc_config, repository_root, tool_environment
from corewright.export import Board, board_names, find_board, read_settings
from corewright.flow import systems
from corewright.flow.fit import OVERRIDE
from corewright.gen.generate import SystemGenerator
from corewright.sources import sources_of
from standins.commands import interpreters
from vivado.standin import install_vivado, run_vivado

ROOT = repository_root()
BOARDS = board_names()
MANAGERS = ["program", "pixels", "residual", "output"]
FLOW = ROOT / "boards" / "tcl" / "cw_vivado.tcl"
SCRIPT = ["-mode", "batch", "-source", "vivado_flow.tcl"]
RESULTS = ["corewright.bit", "corewright.hwh", "corewright.xsa"]
REPORTS = ["power.rpt", "timing.rpt", "utilization.rpt"]


def board_settings(board: str) -> dict[str, str]:
    return read_settings(ROOT / "boards" / board / "board.tcl")


def options(log: str, command: str) -> list[dict[str, str]]:
    """Return the options of each call of a command, its last argument as ``object``."""
    calls = []
    for line in log.splitlines():
        if line.startswith(f"# {command} "):
            call = dict(re.findall(r"(-[a-z_]+) ([^-\s]\S*)", line))
            calls.append({**call, "object": line.removesuffix(" -force").split()[-1]})
    return calls


def clock_of(log: str) -> str:
    """Return the clock that the processing system is told to make."""
    found = re.findall(r"(?:PL0_REF_CTRL__|FPGA0_PERIPHERAL_)FREQMHZ ([0-9.]+)", log)
    assert len(found) == 1
    return str(found[0])


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder with ``vivado_flow.tcl`` for the ZCU104 and a copy of the shared flow to change."""
    script = Hardware(bits_input=8).export_vivado_tcl(directory=tmp_path)
    text = script.read_text(encoding="utf-8")
    reference = Path(os.path.relpath(FLOW, tmp_path)).as_posix()
    assert reference in text
    script.write_text(text.replace(reference, FLOW.name), encoding="utf-8")
    shutil.copyfile(FLOW, tmp_path / FLOW.name)
    return tmp_path


# ------------------------------------------------------------------------------- export_vivado_tcl


@pytest.mark.parametrize("board", BOARDS)
def test_the_exported_script_builds_for(board: str, tmp_path: Path):
    hw = Hardware((7, 12), frequency_mhz=123.5, axi_width=32, address_width=36)
    hw.export(tmp_path)
    script = hw.export_vivado_tcl(board=board, directory=tmp_path)
    assert script == tmp_path / "vivado_flow.tcl"
    done = run_vivado(SCRIPT, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr

    output = tmp_path / f"vivado_{board}" / "output"
    assert sorted(path.name for path in output.iterdir()) == [*RESULTS, *REPORTS]
    settings = board_settings(board)
    assert f"-part {settings['PART']} " in done.stdout
    assert f"set_property board_part {settings['BOARD_PART'].split()[0]}:" in done.stdout
    clock = f"{min(123.5, find_board(board).clock_mhz):g}"
    assert clock_of(done.stdout) == clock
    assert f"set cw_clock_mhz {clock}\n" in script.read_text(encoding="utf-8")
    assert "{CONFIG.AddrBits 36 CONFIG.AxiBits 32} /accelerator" in done.stdout
    registers, *memory = options(done.stdout, "assign_bd_address")
    assert registers["-target_address_space"] == "/ps/Data"
    assert f"{registers['-offset']} {registers['-range']}" == settings["REGISTERS"]
    segments = re.findall(r"(\w+) (0x\w+) (0x\w+)", settings["MEMORY"])
    assert [
        (
            call["-target_address_space"],
            (call["object"].partition("_DDR")[2], call["-offset"], call["-range"]),
        )
        for call in memory
    ] == [
        (f"/accelerator/m_axi_{manager}", (name.removeprefix("DDR"), offset, size))
        for manager in MANAGERS
        for name, offset, size in segments
    ]


def test_the_largest_memory_that_32_bits_reach_is_mapped(tmp_path: Path):
    board = max(map(find_board, BOARDS), key=lambda board: board.memory_bytes)
    Hardware(address_width=32).export_vivado_tcl(board.name, tmp_path)
    done = run_vivado(SCRIPT, tmp_path)
    assert done.returncode == 0, done.stderr
    assert {call["object"] for call in options(done.stdout, "assign_bd_address")[1:]} == {
        f"/ps/SAXIGP{i + 2}/HP{i}_DDR_LOW" for i in range(4)
    }


def test_a_later_export_changes_nothing(tmp_path: Path):
    hw = Hardware()
    hw.export_vivado_tcl(directory=tmp_path)
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    hw.export(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


@pytest.mark.parametrize(("bits", "message"), [(128, ""), (64, "must be those of cw_config_pkg")])
def test_the_exported_sources_elaborate_with_the_right_widths_only(
    bits: int, message: str, tmp_path: Path
):
    hw = Hardware(axi_width=128, max_burst_beats=64, address_width=40)
    script = hw.export_vivado_tcl(directory=tmp_path).read_text(encoding="utf-8")
    listed = (tmp_path / "sources.txt").read_text(encoding="utf-8").splitlines()
    listed += re.findall(r"\{([^{}\s]*\.s?v)\}", script)
    assert {Path(name).name for name in listed} > {"cw_accelerator.sv", "cw_accelerator_bd.v"}
    command = ["verilator", "--lint-only", "-Wall", "--top-module", "cw_accelerator_bd"]
    command += [f"-GAxiBits={bits}", "-GAddrBits=40", f"-I{tmp_path}", *listed]
    done = subprocess.run(
        command, cwd=tmp_path, env=tool_environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) == (not message), done.stderr
    assert message in done.stderr


def test_unknown_boards_and_clocks_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"'zcu114' \(did you mean zcu104\?\), legal are "):
        Hardware().export_vivado_tcl("zcu114", tmp_path)
    for name in BOARDS:
        limit = find_board(name).max_mhz
        with pytest.raises(ValueError, match=f"legal on {name} is up to {limit:g}"):
            Hardware().export_vivado_tcl(name, tmp_path, clock_mhz=limit + 1)
    assert list(tmp_path.iterdir()) == []


def test_a_clock_that_is_asked_for_is_used(tmp_path: Path):
    board = find_board("zcu104")
    script = Hardware(frequency_mhz=400).export_vivado_tcl(
        board.name, tmp_path, clock_mhz=board.max_mhz
    )
    said = f"clock on zcu104: {board.max_mhz:g} MHz, as asked for; the design aims at 400 MHz"
    assert said in script.read_text(encoding="utf-8")
    done = run_vivado(SCRIPT, tmp_path)
    assert done.returncode == 0, done.stderr
    assert clock_of(done.stdout) == f"{board.max_mhz:g}"
    assert "corewright: 333 MHz on zcu104, the design aims at 400" in done.stdout


@pytest.mark.parametrize("interpreter", interpreters())
def test_each_tcl_of_this_machine_runs_the_standin(interpreter: str, exported: Path):
    assert run_vivado(SCRIPT, exported, interpreter=interpreter).returncode == 0
    failed = run_vivado(SCRIPT, exported, interpreter=interpreter)
    assert failed.returncode == 0, "a second run makes the project anew"
    (exported / "vivado_flow.tcl").write_text("exit 3\n", encoding="utf-8")
    assert run_vivado(SCRIPT, exported, interpreter=interpreter).returncode == 3


# ------------------------------------------------------------------------------ mistakes are found

# By name: the file, what it holds, what stands there instead, what the stand-in says.
MISTAKES = {
    "command": ("cw_vivado.tcl", "validate_bd_design", "validate_bd_desing", "invalid command"),
    "option": ("cw_vivado.tcl", "-include_bit", "-include_bits", "unknown option -include_bits"),
    "value": ("cw_vivado.tcl", "write_bitstream", "write_bits", "no such step"),
    "cell": ("cw_vivado.tcl", "[get_bd_cells accelerator]", "[get_bd_cells accel]", "no cell"),
    "pin": ("cw_vivado.tcl", "accelerator/clk_i", "accelerator/clk", "no pin '/accelerator/clk'"),
    "interface": ("cw_vivado.tcl", "$name/S00_AXI", "$name/S01_AXI", "no interface pin"),
    "direction": ("cw_vivado.tcl", "$name/M00_AXI", "$name/S00_AXI", "are both slave"),
    "ip": ("cw_vivado.tcl", "ip:smartconnect", "ip:smartconect", "no IP"),
    "property": ("cw_vivado.tcl", "PSU__USE__IRQ0", "PSU__USE_IRQ0", "has no property"),
    "property_value": (
        "cw_vivado.tcl",
        "widths {32 64 128}",
        "widths {32 256}",
        "is '256', not legal",
    ),
    "module": ("cw_vivado.tcl", "cw_accelerator_bd ", "cw_accelerator ", "SystemVerilog"),
    "segment": ("cw_vivado.tcl", "s_axil/reg0", "s_axil/Reg", "no segment"),
    "unconnected_reset": (
        "cw_vivado.tcl",
        "connect_bd_net [get_bd_pins reset/peripheral_aresetn] [get_bd_pins accelerator/rst_ni]",
        "",
        "/accelerator/rst_ni is not connected",
    ),
    "unconnected_clock": (
        "cw_vivado.tcl",
        "connect_clock $name/aclk",
        "",
        "aclk is not connected",
    ),
    "no_driver": (
        "cw_vivado.tcl",
        "connect_bd_net $Clock [get_bd_pins $pin]",
        "connect_bd_net [get_bd_pins $pin] [get_bd_pins $pin]",
        "no driver",
    ),
    "unmapped": (
        "cw_vivado.tcl",
        "exclude_bd_addr_seg -target_address_space $space $segment",
        "",
        "neither mapped nor excluded",
    ),
    "preset": ("cw_vivado.tcl", 'apply_board_preset "1"', 'apply_board_preset "0"', "preset"),
    "unsaved": ("cw_vivado.tcl", "save_bd_design", "", "there is no saved"),
    "top": ("cw_vivado.tcl", "Top cw_system_wrapper", "Top cw_wrapper", "top 'cw_wrapper'"),
    "missing_source": ("sources.txt", "cw_engine.sv", "cw_motor.sv", "no file"),
    "source_left_out": (
        "sources.txt",
        "/cw_pixel_buffer.sv",
        "/cw_pixel_loader.sv",
        "is added twice",
    ),
    "include": ("vivado_flow.tcl", "  config_hw.svh\n", "", "config_hw.svh not found"),
    "no_wrapper": ("vivado_flow.tcl", "cw_accelerator_bd.v", "cw_accelerator_bd.x", "no design"),
    "variable": ("config_hw.tcl", "set AXI_WIDTH", "set AXI_BITS", "AXI_WIDTH"),
    "clock": ("vivado_flow.tcl", "cw_clock_mhz 250", "cw_clock_mhz 400", "up to 333"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_fails(mistake: str, exported: Path):
    name, old, new, message = MISTAKES[mistake]
    path = exported / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    done = run_vivado(SCRIPT, exported)
    assert done.returncode == 1
    assert message in done.stderr
    assert not (exported / "vivado_zcu104" / "output" / RESULTS[-1]).exists()


def test_a_source_that_is_left_out_is_missed(exported: Path):
    path = exported / "sources.txt"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if "cw_pixel_buffer.sv" not in line]
    assert len(kept) == len(lines) - 1
    path.write_text("".join(kept), encoding="utf-8")
    done = run_vivado(SCRIPT, exported)
    assert done.returncode == 1
    assert "cw_pixel_buffer is in no source" in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "set PART xczu7ev-ffvc1156-2-e",
            "set PART xczu7ev-ffvc1156-4-e",
            "' in boards/*/board_files.tcl",
        ),
        ("set PART xczu7ev-ffvc1156-2-e", "set PART xczu9eg-ffvb1156-2-e", "has another part"),
        ("zcu104:part0", "zcu104:part1", "no board files for xilinx.com:zcu104:part1"),
        ("zcu104:part0", "zcu104:part1", "zcu104:part1:* is not in boards/*/board_files.tcl"),
        ("set PS zynq_ultra_ps_e", "set PS zynq", "PS is zynq, legal are zynq_ultra_ps_e"),
        ("0xA0000000 0x1000", "0x90000000 0x1000", "not in the port's window"),
        ("DDR_LOW 0x0 0x80000000", "DDR_LOW 0x0 0x60000000", "no aligned power of two"),
        ("pixels HP1", "pixels HP0", "is connected already"),
        ("residual HP2 ", "", "/accelerator/m_axi_residual is not connected"),
    ],
)
def test_a_mistake_in_a_board_fails(old: str, new: str, message: str, exported: Path):
    settings = ROOT / "boards" / "zcu104" / "board.tcl"
    text = settings.read_text(encoding="utf-8")
    assert old in text
    (exported / "board.tcl").write_text(text.replace(old, new), encoding="utf-8")
    script = exported / "vivado_flow.tcl"
    reference = Path(os.path.relpath(settings, exported)).as_posix()
    flow = script.read_text(encoding="utf-8")
    assert reference in flow
    script.write_text(flow.replace(reference, "board.tcl"), encoding="utf-8")
    done = run_vivado(SCRIPT, exported)
    assert done.returncode == 1
    assert message in done.stderr


def test_a_design_that_is_too_slow_leaves_reports_and_no_bitstream(exported: Path):
    done = run_vivado(SCRIPT, exported, environment={"STANDIN_SLACK": "-0.2"})
    assert done.returncode == 1
    assert "timing is not met: -setup slack -0.2 ns" in done.stderr
    output = exported / "vivado_zcu104" / "output"
    assert sorted(path.name for path in output.iterdir()) == REPORTS


@pytest.mark.parametrize("run", ["synth_1", "impl_1"])
def test_a_run_that_fails_ends_the_script(run: str, exported: Path):
    done = run_vivado(SCRIPT, exported, environment={"STANDIN_FAILS": run})
    assert done.returncode == 1
    assert f"{run} failed" in done.stderr


PORT_MISTAKES = [
    ("m_axi_program ARLEN", "m_axi_program ARLENGTH", "AXI has no ARLENGTH"),
    ("m_axi_output WSTRB", "m_axi_output WDATA", "second WDATA"),
    ("m_axi_pixels ARVALID", "m_axi_pixel ARVALID", "other interfaces than"),
    ("POLARITY ACTIVE_LOW", "POLARITY ACTIVE", "no polarity"),
    ("ASSOCIATED_RESET rst_ni", "ASSOCIATED_RESET rst_n", "no reset 'rst_n'"),
]


@pytest.mark.parametrize(("old", "new", "message"), PORT_MISTAKES)
def test_a_mistake_in_the_wrappers_attributes_fails(
    old: str, new: str, message: str, exported: Path
):
    wrapper = ROOT / "boards" / "rtl" / "cw_accelerator_bd.v"
    text = wrapper.read_text(encoding="utf-8")
    assert old in text
    (exported / wrapper.name).write_text(text.replace(old, new), encoding="utf-8")
    script = exported / "vivado_flow.tcl"
    reference = Path(os.path.relpath(wrapper, exported)).as_posix()
    flow = script.read_text(encoding="utf-8")
    assert reference in flow
    script.write_text(flow.replace(reference, wrapper.name), encoding="utf-8")
    done = run_vivado(SCRIPT, exported)
    assert done.returncode == 1
    assert message in done.stderr


# ----------------------------------------------------------------------------------------- FuseSoC


def run_setup(
    board: str, model: str, folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Let Edalize write its scripts for a model on a board."""
    command: list[str | Path] = ["fusesoc", "--config", fusesoc_config(), "run", "--setup"]
    command += ["--build-root", folder / "build", "--target", board, f"corewright:models:{model}"]
    return subprocess.run(
        command,
        cwd=folder,
        env=tool_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def set_up(board: str, folder: Path) -> Path:
    """Let Edalize write its scripts for LeNet-5 on a board; returns the work root."""
    done = run_setup(board, "lenet5", folder, {})
    assert done.returncode == 0, done.stdout + done.stderr
    (makefile,) = folder.glob("build/*/*/Makefile")
    return makefile.parent


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work root for the ZCU104, to be copied."""
    return set_up("zcu104", tmp_path_factory.mktemp("prepared"))


def make(work: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Edalize's makefile with the stand-in for ``vivado``."""
    environment = tool_environment()
    environment["PATH"] = f"{install_vivado(folder / 'bin').parent}:{environment['PATH']}"
    return subprocess.run(
        ["make"], cwd=work, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("board", BOARDS)
def test_fusesoc_builds_a_system_for(board: str, tmp_path: Path):
    work = set_up(board, tmp_path)
    done = make(work, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in (work / "output").iterdir()) == [*RESULTS, *REPORTS]
    settings = board_settings(board)
    assert f"set_property part {settings['PART']} " in done.stdout
    assert clock_of(done.stdout) == f"{min(250, find_board(board).clock_mhz):g}"


def smallest_board() -> Board:
    """The one with the fewest multiplier blocks."""
    return min(map(find_board, BOARDS), key=lambda board: board.resources["dsp"])


def test_fusesoc_refuses_a_system_without_room_unless_it_is_told_otherwise(tmp_path: Path):
    board = smallest_board()
    line = (
        f"8x32 units do not fit {board.name}'s {board.part}: DSP 256 of 220, 36 too many "
        "(accelerator 256, block design 0); the largest array up to "
    )
    done = run_setup(board.name, "jet", tmp_path, {OVERRIDE: ""})
    assert done.returncode != 0
    said = next(each for each in (done.stdout + done.stderr).splitlines() if line in each)
    for part in (
        *(r" is 9x24; estimated by a formula fitted to \d+ accelerators", r"at most LUT [\d.]+ %"),
        *(r"8,000 LUT and 10,000 FF for the block design", f"{OVERRIDE}=allow in the environment"),
    ):
        assert re.search(part, said), part
    assert not [*tmp_path.glob("build/*/*/Makefile")]
    done = run_setup(board.name, "jet", tmp_path, {OVERRIDE: "allow"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SET UP ALL THE SAME, AS {OVERRIDE} SAYS: {line}" in done.stdout + done.stderr
    assert [*tmp_path.glob("build/*/*/Makefile")]


def test_fusesoc_says_what_a_system_that_fits_takes_by_an_estimate(tmp_path: Path):
    board = smallest_board()
    done = run_setup(board.name, "lenet5", tmp_path, {OVERRIDE: ""})
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(
        rf"^8x24 units fit {board.name}'s {board.part}, by an estimate: LUT [\d,]+ of 53,200, FF "
        r".*; estimated by a formula .* off there by at most LUT [\d.]+ %.*$",
        done.stdout + done.stderr,
        re.M,
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("create_project ", "create_projekt ", "invalid command name"),
        ("cw_engine.sv}", "cw_motor.sv}", "no file"),
        ("read_verilog -sv", "read_verilog -systemverilog", "unknown option"),
        ("set_property top cw_system_wrapper", "set_property top cw_system", "top 'cw_system'"),
        ("set_property source_mgmt_mode", "set_property source_management", "has no property"),
    ],
)
def test_a_mistake_in_edalizes_script_fails(
    old: str, new: str, message: str, prepared: Path, tmp_path: Path
):
    work = Path(shutil.copytree(prepared, tmp_path / "work"))
    script = work / "corewright_models_lenet5_0.1.0.tcl"
    text = script.read_text(encoding="utf-8")
    assert old in text
    script.write_text(text.replace(old, new), encoding="utf-8")
    done = run_vivado(["-notrace", "-mode", "batch", "-source", script.name], work)
    assert done.returncode == 1
    assert message in done.stderr


# ------------------------------------------------------------------------- every system and board

# Makes the design of each work root, a project of its own, as Edalize's script does.
WORK_ROOTS = """\
set home [pwd]
foreach work $argv {
  cd [file join $home $work]
  source board/cw_vivado.tcl
  create_project matrix . -part [dict get [::cw::settings board/board.tcl] PART]
  foreach source [::cw::listed sources.txt] {
    read_verilog {*}[expr {[file extension $source] eq ".sv" ? "-sv" : ""}] $source
  }
  source cw_board.tcl
  set_property top cw_system_wrapper [current_fileset]
  close_project
}
"""


def calls_for(board: str) -> dict[str, dict[str, Any]]:
    """Return what the generator is told for a board by all systems, but for their models.

    Systems of one hardware are one entry, by the name of the first.
    """
    calls: dict[str, dict[str, Any]] = {}
    for name, system in systems().items():
        core = system.core
        assert board in core["targets"], (
            f"{system.core_file.relative_to(ROOT)} has no target {board}: "
            "python -m corewright.gen.systems"
        )
        target = core["targets"][board]
        assert target["flow"] == "vivado"
        assert target["toplevel"] == "cw_system_wrapper"
        assert {"design", "board"} == {*target["filesets"], *target["filesets_append"]}
        assert core["filesets"]["board"] == {"depend": ["corewright:boards:vivado"]}
        ((call,),) = [entry.values() for entry in target["generate"]]
        parameters = {"name": "cw_matrix", "hardware": system.hardware.to_dict(), **call}
        assert (call["top"], call["board"]) == ("board", board)
        if parameters not in calls.values():
            calls[name] = parameters
    return calls


def test_a_system_that_lacks_a_board_is_named_with_what_helps():
    with pytest.raises(AssertionError) as raised:
        calls_for("planted")
    assert str(raised.value).startswith(
        "models/alexnet/alexnet.core has no target planted: python -m corewright.gen.systems"
    )


def make_work_root(folder: Path, parameters: dict[str, Any]) -> None:
    """Let the generator write what FuseSoC would copy into a work root."""
    (folder / "board").mkdir(parents=True)
    data = {"parameters": parameters, "files_root": str(folder), "vlnv": "a:models:matrix:0"}
    with contextlib.chdir(folder):
        generator = SystemGenerator(data)
        generator.run()
    for name in ("cw_vivado.tcl", "design.tcl"):
        shutil.copyfile(ROOT / "boards" / "tcl" / name, folder / "board" / name)
    rtl: list[str] = []
    for files in (fileset["files"] for fileset in generator.filesets.values()):
        for entry in files:
            for name, options in entry.items() if isinstance(entry, dict) else [(entry, {})]:
                if "copyto" in options:
                    (folder / options["copyto"]).parent.mkdir(exist_ok=True)
                    shutil.copyfile(folder / name, folder / options["copyto"])
                elif name.endswith(".sv"):
                    rtl.append(name)
    static = sources_of("corewright:boards:accelerator_bd", "export")
    rtl += [str(path) for path in static if path.parent.parent.name != "gen"]
    kept = [name for name in rtl if name.endswith((".v", ".sv"))]
    (folder / "sources.txt").write_text("\n".join(kept), encoding="utf-8")


@pytest.mark.parametrize("board", BOARDS)
def test_every_system_is_set_up_for(board: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # Also those that the part has no room for: it is about the scripts.
    monkeypatch.setenv(OVERRIDE, "allow")
    calls = calls_for(board)
    for name, parameters in calls.items():
        make_work_root(tmp_path / name, parameters)
    (tmp_path / "all.tcl").write_text(WORK_ROOTS, encoding="utf-8")
    done = run_vivado(["-mode", "batch", "-source", "all.tcl", "-tclargs", *calls], tmp_path)
    assert done.returncode == 0, done.stderr
    used = re.findall(
        rf"^corewright: (\S+) MHz on {board}, the design aims at (\S+)$", done.stdout, re.M
    )
    limit = find_board(board).clock_mhz
    assert used == [
        (
            f"{min(limit, call['hardware']['frequency_mhz']):g}",
            f"{call['hardware']['frequency_mhz']}",
        )
        for call in calls.values()
    ]
    assert done.stdout.count("# validate_bd_design") == len(calls)
    assert any(call["hardware"]["frequency_mhz"] > limit for call in calls.values())
