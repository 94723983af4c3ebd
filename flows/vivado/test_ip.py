# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""``export --ip`` under the stand-in: packaged, instantiated, and with mistakes in every step."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import corewright
from corewright.cli import main
from corewright.environment import repository_root
from corewright.export import Board, board_names, find_board, write_ip
from corewright.export.ip import VERSION, ip_name
from corewright.hardware import Hardware
from standins.commands import interpreters
from vivado.folders import complaints, read
from vivado.standin import run_vivado

ROOT = repository_root()
BSP = Path(__file__).parent / "bsp"
SLANG = ROOT / "flows" / "lint" / "slang_elaborate.py"
HARDWARE = Hardware(bits_input=8, axi_width=128, address_width=36)
NAME = ip_name(HARDWARE)
DRIVER = "ip/drivers/corewright_v0_1"


def run(script: str, folder: Path, interpreter: str | None = None) -> tuple[int, str]:
    """Run a script of the folder, away from the clone; returns the status and all that was said."""
    command = ["-mode", "batch", "-source", script]
    done = run_vivado(command, folder, alone=True, interpreter=interpreter)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ``export --ip``, by a hardware alone, moved to where it was not written."""
    home = tmp_path_factory.mktemp("home")
    (home / "hw.json").write_text(json.dumps(HARDWARE.to_dict()), encoding="utf-8")
    words = ["export", "--ip", "--hardware", str(home / "hw.json"), "--out", str(home / "out")]
    assert main(words) == 0
    return Path(shutil.move(home / "out", tmp_path_factory.mktemp("elsewhere") / "folder"))


@pytest.fixture(scope="module")
def packaged(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A copy that ``package_ip.tcl`` has run in, and its log."""
    folder = Path(shutil.copytree(exported, tmp_path_factory.mktemp("packaged") / "folder"))
    status, log = run("package_ip.tcl", folder)
    assert status == 0, log
    return folder, log


@pytest.fixture
def small(exported: Path, tmp_path: Path) -> Path:
    """A copy to be changed whose RTL is the top and an empty module, which is read in no time."""
    folder = tmp_path / "small"
    shutil.copytree(exported, folder, ignore=shutil.ignore_patterns("rtl"))
    rtl = folder / "ip" / "rtl"
    rtl.mkdir()
    shutil.copyfile(exported / "ip" / "rtl" / f"{NAME}.v", rtl / f"{NAME}.v")
    (rtl / "stub.v").write_text(f"module {NAME}_configured;\nendmodule\n", encoding="utf-8")
    (folder / "sources.txt").write_text(f"ip/rtl/stub.v\nip/rtl/{NAME}.v\n", encoding="utf-8")
    return folder


def change(path: Path, old: str, new: str) -> None:
    text = read(path)
    assert old in text, old
    path.write_text(text.replace(old, new), encoding="utf-8")


def properties(log: str, kind: str) -> dict[str, dict[str, str]]:
    """What was set of objects of a class, by the names behind the component's."""
    found: dict[str, dict[str, str]] = {}
    for name, value, path in re.findall(r"^# set_property (\w+) (.*) ipx\|\w+\|(\S+)$", log, re.M):
        parts = path.split("|")
        if parts[-2] == kind:
            found.setdefault("/".join(parts[1::2]), {})[name] = value.strip("{}")
    return found


# ------------------------------------------------------------------------------------ what is right


def test_the_folder_says_what_is_in_it_and_names_nothing_outside(exported: Path):
    assert complaints(exported, whole={"ip/rtl"}) == []
    page = read(exported / "README.md")
    assert f"create_bd_cell -type ip -vlnv corewright:ip:{NAME}:{VERSION} accelerator" in page
    listed = read(exported / "sources.txt").splitlines()
    assert sorted(listed) == sorted(f"ip/rtl/{p.name}" for p in (exported / "ip/rtl").iterdir())
    assert corewright.__version__.startswith(f"{VERSION}.")


def test_two_hardwares_are_two_ips_that_elaborate_side_by_side(exported: Path, tmp_path: Path):
    other = replace(HARDWARE, axi_width=64)
    write_ip(other, tmp_path)
    folders = {NAME: exported, ip_name(other): tmp_path}
    assert len(folders) == 2
    files = dict.fromkeys(
        path.name
        for folder in folders.values()
        for path in (folder / name for name in read(folder / "sources.txt").splitlines())
    )
    places = [folder / "ip" / "rtl" for folder in folders.values()]
    paths = [next(place / n for place in places if (place / n).is_file()) for n in files]
    tops = [word for name in folders for word in ("--top", name)]
    done = subprocess.run(
        [sys.executable, SLANG, "-Werror", *tops, *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_packaging_leaves_the_component_and_no_project(packaged: tuple[Path, str]):
    folder, log = packaged
    assert "no Vivado has run" in read(folder / "ip" / "component.xml")
    assert [path.name for path in (folder / "ip" / "xgui").iterdir()] == [f"{NAME}_v0_1.tcl"]
    assert not (folder / "vivado_package").exists()
    removed = re.findall(r"^# ipx::remove_user_parameter (\w+) ", log, re.M)
    assert removed == ["AddrBits", "AxiBits"]
    again, log = run("package_ip.tcl", folder)
    assert again == 0, log


def test_interfaces_are_those_of_the_accelerator(packaged: tuple[Path, str]):
    parameters = properties(packaged[1], "bus_parameter")
    managers = {"m_axi_program", "m_axi_pixels", "m_axi_residual", "m_axi_output"}
    modes = {name: parameters[f"{name}/READ_WRITE_MODE"]["value"] for name in managers}
    assert modes == dict.fromkeys(managers, "READ_ONLY") | {"m_axi_output": "WRITE_ONLY"}
    assert parameters["s_axil/PROTOCOL"]["value"] == "AXI4LITE"
    assert parameters["rst_ni/POLARITY"]["value"] == "ACTIVE_LOW"
    assert parameters["irq_o/SENSITIVITY"]["value"] == "LEVEL_HIGH"
    associated = re.findall(r"^# ipx::associate_bus_interfaces -busif (\w+) ", packaged[1], re.M)
    assert set(associated) == {"s_axil", *managers}
    spaces = properties(packaged[1], "address_space")
    assert spaces == {name: {"range": str(1 << 36), "width": "128"} for name in spaces}
    assert set(spaces) == managers


def test_registers_are_those_of_the_c_header(packaged: tuple[Path, str]):
    header = read(ROOT / "core" / "regs" / "include" / "cw_regs.h")
    offsets = dict(re.findall(r"#define CW_REGS_(\w+)_OFFSET (0x\w+)u", header))
    masks = dict(re.findall(r"#define CW_REGS_(\w+)_MASK (0x\w+)u", header))
    resets = dict(re.findall(r"#define CW_REGS_(\w+)_RESET (0x\w+)u", header))
    block = "s_axil/reg0/"
    registers = properties(packaged[1], "register")
    places = {k.removeprefix(block): int(v["address_offset"], 0) for k, v in registers.items()}
    assert places == {name: int(offset, 0) for name, offset in offsets.items()}
    fields = properties(packaged[1], "field")
    bits = {
        k.removeprefix(block).replace("/", "_").upper(): (2 ** int(v["bit_width"]) - 1)
        << int(v["bit_offset"])
        for k, v in fields.items()
    }
    assert bits == {name: int(mask, 0) for name, mask in masks.items()}
    known = {
        k.removeprefix(block): v["reset_value"] for k, v in registers.items() if "reset_value" in v
    }
    assert {k: int(v, 0) for k, v in known.items()} == {k: int(v, 0) for k, v in resets.items()}
    assert registers[f"{block}CYCLES_LO"]["access"] == "read-only"
    assert fields[f"{block}IRQ_STATUS/done"]["modified_write_value"] == "oneToClear"
    assert fields[f"{block}STATUS/busy"]["access"] == "read-only"
    ((_, window),) = properties(packaged[1], "address_block").items()
    assert window["range"] == "4096" and window["usage"] == "register"


def one_board_of_each_processing_system() -> list[Board]:
    found = {board.processing_system: board for board in map(find_board, board_names())}
    return list(found.values())


@pytest.mark.parametrize("board", one_board_of_each_processing_system(), ids=lambda b: b.name)
def test_the_example_instantiates_the_ip_on(board: Board, exported: Path, tmp_path: Path):
    folder = Path(shutil.copytree(exported, tmp_path / "folder"))
    write_ip(HARDWARE, folder, board.name)
    status, log = run("package_ip.tcl", folder)
    assert status == 0, log
    status, log = run("instantiate.tcl", folder)
    assert status == 0, log
    assert f"# create_bd_cell -type ip -vlnv corewright:ip:{NAME}:{VERSION} accelerator" in log
    assert "# validate_bd_design" in log and "CONFIG.AxiBits" not in log
    assert f"corewright: {min(250, board.clock_mhz):g} MHz on {board.name}" in log


@pytest.mark.parametrize("interpreter", interpreters())
def test_each_tcl_of_this_machine_runs_the_packager(interpreter: str, small: Path):
    for script in ("package_ip.tcl", "instantiate.tcl"):
        status, log = run(script, small, interpreter)
        assert status == 0, log


def test_the_driver_builds_in_a_board_support_package(exported: Path, tmp_path: Path):
    source = tmp_path / "libsrc" / "corewright_v0_1"
    shutil.copytree(exported / DRIVER, source)
    for name in ("include", "lib"):
        (tmp_path / name).mkdir()
    flags = "-std=c11 -O1 -Wall -Wextra -Werror -Wconversion"
    words = ["COMPILER=gcc", "ARCHIVER=ar", f"COMPILER_FLAGS={flags}"]
    words.append(f"EXTRA_COMPILER_FLAGS=-I{BSP}")
    for target in ("include", "libs"):
        command = ["make", "-C", source / "src", *words, target]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    listed = subprocess.run(
        ["ar", "t", tmp_path / "lib" / "libxil.a"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"cw_runtime.o", "cw_host.o", "cw_hal_xilinx.o", "cw_model.o"} == set(listed)
    assert (tmp_path / "include" / "cw_hal_xilinx.h").is_file()
    assert not list((source / "src").glob("*.o"))
    pattern = re.search(r"supported_peripherals = \((.*)\);", read(source / "data/corewright.mdd"))
    assert pattern and re.fullmatch(pattern[1], NAME)


# ------------------------------------------------------------------------------- mistakes are found

P, R, S = "tcl/cw_package.tcl", "tcl/cw_regs.tcl", "package_ip.tcl"
# By name: the file, what it holds, what stands there instead, what the stand-in says.
MISTAKES = {
    "command": (P, "ipx::add_register ", "ipx::add_registers ", "invalid command name"),
    "unmodelled": (P, "ipx::update_checksums", "ipx::update_board_files", "does not model it"),
    "option": (P, "-root_dir", "-rootdir", "unknown option -rootdir"),
    "option_of_association": (P, "-busif", "-bus", "unknown option -bus"),
    "option_of_group": (P, "-type software_driver", "-type software", "no type 'software'"),
    "arguments": (P, "ipx::save_core $core", "ipx::save_core $core $core", "2 arguments"),
    "no_top": (P, "set_property top [dict get $ip NAME] [get_filesets sources_1]", "", "no top"),
    "wrong_top": (S, f"NAME {NAME}\n", "NAME cw_other\n", "top 'cw_other' is in no source"),
    "no_order": (P, "update_compile_order -fileset sources_1", "", "update_compile_order"),
    "no_package": (P, "-set_current true", "-set_current false", "no current core"),
    "missing_source": ("sources.txt", "stub.v", "stubs.v", "no file"),
    "source_left_out": ("sources.txt", "ip/rtl/stub.v\n", "", "is in no source"),
    "version": (S, "VERSION 0.1", "VERSION one", "version is 'one', not legal"),
    "empty_description": (S, "DESCRIPTION {Neural", "DESCRIPTION {} X {Neural", "no description"),
    "family": (P, " zynq Beta", " zink Beta", "no family 'zink'"),
    "life_cycle": (P, "zynquplus Beta", "zynquplus Alpha", "no life cycle 'Alpha'"),
    "no_families": (P, "set_property supported_families $Families $core", "", "supports no family"),
    "property": (
        P,
        "vendor_display_name",
        "vendor_name",
        "a component has no property vendor_name",
    ),
    "interfaces_left": (P, "ipx::remove_all_bus_interface $core", "", "no port 'clk_i' without"),
    "abstraction": (P, "aximm_rtl:1.0", "axi4_rtl:1.0", "there is no bus abstraction"),
    "no_clock": (
        P,
        "ipx::infer_bus_interface $Clock xilinx.com:signal:clock_rtl:1.0 $core",
        "",
        "there is no clock interface 'clk_i'",
    ),
    "no_interrupt": (
        P,
        "ipx::infer_bus_interface $Interrupt xilinx.com:signal:interrupt_rtl:1.0 $core",
        "",
        "interface irq_o was not inferred",
    ),
    "no_polarity": (
        P,
        "set_parameter [interface $core $Reset] POLARITY ACTIVE_LOW",
        "",
        "POLARITY is ''",
    ),
    "polarity": (P, "ACTIVE_LOW", "LOW", "POLARITY is 'LOW'"),
    "no_sensitivity": (
        P,
        "set_parameter $interrupt SENSITIVITY LEVEL_HIGH",
        "",
        "SENSITIVITY is ''",
    ),
    "sensitivity": (P, "LEVEL_HIGH", "HIGH_LEVEL", "SENSITIVITY is 'HIGH_LEVEL'"),
    "mode": (P, "interface_mode master", "interface_mode output", "interface_mode is 'output'"),
    "interrupt_mode": (P, "interface_mode master", "interface_mode slave", "irq_o is no master"),
    "protocol": (P, "PROTOCOL AXI4LITE", "PROTOCOL AXI4", "its ports are AXI4LITE"),
    "direction": (
        P,
        "m_axi_output WRITE_ONLY",
        "m_axi_output READ_ONLY",
        "its ports are WRITE_ONLY",
    ),
    "manager": (
        P,
        "m_axi_pixels READ_ONLY",
        "m_axi_pixel READ_ONLY",
        "m_axi_pixel was not inferred",
    ),
    "no_association": (
        P,
        "ipx::associate_bus_interfaces -busif $name -clock $Clock $core",
        "",
        "has no clock (ASSOCIATED_BUSIF)",
    ),
    "no_reset_of_clock": (
        P,
        "ipx::associate_bus_interfaces -clock $Clock -reset $Reset $core",
        "",
        "there is no reset interface ''",
    ),
    "spaces_left": (P, "ipx::remove_all_address_space $core", "", "there is a address_space"),
    "no_space": (
        P,
        "set_property master_address_space_ref $name [interface $core $name]",
        "",
        "there is no address space ''",
    ),
    "no_range_of_space": (
        P,
        "set_property range [expr {1 << [dict get $hw AXI_ADDR_WIDTH]}] $space",
        "",
        "has no range",
    ),
    "no_width_of_space": (
        P,
        "set_property width [dict get $hw AXI_WIDTH] $space",
        "",
        "has no width",
    ),
    "maps_left": (P, "ipx::remove_all_memory_map $core", "", "there is a memory_map 's_axil'"),
    "no_map": (
        P,
        "set_property slave_memory_map_ref $Registers [interface $core $Registers]",
        "",
        "there is no memory map ''",
    ),
    "usage": (P, "usage register", "usage registers", "usage is 'registers', not legal"),
    "no_range": (
        P,
        "set_property range [expr {[dict get $registers WINDOW_BYTES]}] $block",
        "",
        "range is ''",
    ),
    "register_property": (
        P,
        "set_property address_offset",
        "set_property offset",
        "no property offset",
    ),
    "field_property": (P, "set_property bit_offset", "set_property offset", "no property offset"),
    "register_access": (
        R,
        "{ID 0x000 32 read-only",
        "{ID 0x000 32 readonly",
        "access is 'readonly'",
    ),
    "field_write": (R, "oneToClear", "oneToClean", "modified_write_value is 'oneToClean'"),
    "register_overlap": (R, "{VERSION 0x004", "{VERSION 0x000", "VERSION overlaps ID"),
    "register_beyond": (R, "{DEBUG_STATE 0x050", "{DEBUG_STATE 0x1000", "lies beyond its end"),
    "register_misplaced": (R, "{DEBUG_STATE 0x050", "{DEBUG_STATE 0x052", "size or offset"),
    "register_twice": (
        R,
        "{DEBUG_STATE 0x050",
        "{WATCHDOG 0x050",
        "there is a register 'WATCHDOG'",
    ),
    "field_overlap": (R, "{abort 1 1", "{abort 0 1", "abort overlaps start"),
    "field_beyond": (R, "{layer 16 16", "{layer 16 17", "layer lies beyond its end"),
    "reset_value": (R, "0x00100000", "0x100000000", "reset_value is 4294967296"),
    "no_registers": (
        P,
        "foreach register [dict get $registers REGISTERS] {",
        "if 0 {",
        "has no registers",
    ),
    "driver_type": (P, "driver_mdd", "driver_mmd", "type is 'driver_mmd', not legal"),
    "driver_folder": (S, "drivers/corewright_v0_1", "drivers/corewright", "no files matched"),
    "driver_outside": (P, "ipx::add_file $name", "ipx::add_file ../../$name", "not below the IP's"),
    "no_dialogue": (P, "ipx::create_xgui_files $core", "", "ipx::create_xgui_files"),
    "no_checksums": (
        P,
        "ipx::update_checksums $core",
        "",
        "ipx::update_checksums has to come before",
    ),
    "no_check": (
        P,
        "[ipx::check_integrity $core] eq",
        '"1" eq',
        "ipx::check_integrity has to come before",
    ),
    "early_save": (
        P,
        "ipx::create_xgui_files $core",
        "ipx::save_core $core",
        "ipx::update_checksums has to come before",
    ),
    "late_change": (
        P,
        "  ipx::save_core $core",
        "  set_property core_revision 2 $core\n  ipx::save_core",
        "has to come before, behind the last change",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_packaging_fails(mistake: str, small: Path):
    name, old, new, message = MISTAKES[mistake]
    change(small / name, old, new)
    status, log = run("package_ip.tcl", small)
    assert status == 1
    assert message in log
    assert not (small / "ip" / "component.xml").exists()


def test_a_component_is_not_overwritten_unless_told(small: Path):
    change(small / P, "-set_current true -force", "-set_current true")
    assert run("package_ip.tcl", small)[0] == 0
    status, log = run("package_ip.tcl", small)
    assert status == 1 and "has a component.xml (-force)" in log


U, V, B = "instantiate.tcl", "tcl/cw_vivado.tcl", "tcl/board.tcl"
USE_MISTAKES = {
    "no_catalogue": (U, "update_ip_catalog -rebuild", "", f"no IP 'corewright:ip:{NAME}:0.1'"),
    "option": (U, "-rebuild", "-rebuilt", "unknown option -rebuilt"),
    "no_repository": (
        U,
        "set_property ip_repo_paths [file join $cw_folder ip] [current_project]",
        "",
        "the project has no ip_repo_paths",
    ),
    "repository": (U, "$cw_folder ip]", "$cw_folder tcl]", "there is no component.xml below"),
    "no_folder": (U, "$cw_folder ip]", "$cw_folder ips]", "no folder"),
    "vlnv": (U, f"{NAME}:0.1", f"{NAME}:1.0", f"no IP 'corewright:ip:{NAME}:1.0'"),
    "as_module": (V, "-type ip -vlnv $vlnv", "-type module -reference $vlnv", "is in no source"),
    "property": (
        V,
        "    create_bd_cell -type ip -vlnv $vlnv accelerator",
        "    set_property CONFIG.AxiBits 64 [create_bd_cell -type ip -vlnv $vlnv accelerator]",
        "has no property CONFIG.AxiBits",
    ),
    "pin": (V, "accelerator/clk_i", "accelerator/clk", "no pin '/accelerator/clk'"),
    "segment": (V, "s_axil/reg0", "s_axil/Reg", "no segment"),
    "window": (B, "0xA0000000 0x1000", "0xA0000000 0x2000", "is smaller than 0x2000"),
    "unconnected": (B, "residual HP2 ", "", "/accelerator/m_axi_residual is not connected"),
    "source_changed": (
        f"ip/rtl/{NAME}.v",
        "endmodule",
        "endmodule ",
        "has changed: package it again",
    ),
    "driver_changed": (f"{DRIVER}/src/cw_runtime.c", "#include", "# include", "has changed"),
}


@pytest.mark.parametrize("mistake", USE_MISTAKES)
def test_a_mistake_in_instantiation_fails(mistake: str, packaged: tuple[Path, str], tmp_path: Path):
    folder = Path(shutil.copytree(packaged[0], tmp_path / "folder"))
    name, old, new, message = USE_MISTAKES[mistake]
    change(folder / name, old, new)
    status, log = run("instantiate.tcl", folder)
    assert status == 1
    assert message in log


def test_a_file_that_the_component_lists_and_has_not_is_missed(
    packaged: tuple[Path, str], tmp_path: Path
):
    folder = Path(shutil.copytree(packaged[0], tmp_path / "folder"))
    (folder / "ip" / "rtl" / "cw_engine.sv").unlink()
    status, log = run("instantiate.tcl", folder)
    assert status == 1 and "no file" in log and "cw_engine.sv" in log


def test_memory_beyond_the_ips_addresses_is_refused(packaged: tuple[Path, str], tmp_path: Path):
    folder = Path(shutil.copytree(packaged[0], tmp_path / "folder"))
    change(folder / B, "DDR_LOW 0x0 0x80000000", "DDR_LOW 0x1000000000 0x80000000")
    change(folder / "config_hw.tcl", "set AXI_ADDR_WIDTH 36", "set AXI_ADDR_WIDTH 40")
    status, log = run("instantiate.tcl", folder)
    assert status == 1 and f"beyond the {1 << 36} of /accelerator/m_axi_program" in log
