# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The flow ``cw_gates``, and the models of cells that it simulates netlists with."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from corewright.cli.main import main as cw
from corewright.flow.bench import run_bench
from corewright.flow.compiled_bench import build_bench
from corewright.flow.errors import FlowInputError
from corewright.flow.synthesis import GATES_UNITS, netlist_of, synthesise
from corewright.flow.system import find_system, resized, wrapper_core
from corewright.flow.vectors import prepare
from corewright.hardware import Hardware
from corewright.silicon import NetlistError
from corewright.silicon.gates import cells_of, library_modules, main, models, wrapper
from corewright.testing.fusesoc import run_target

HERE = Path(__file__).parent
# LUTs, carries, registers with an asynchronous reset, a product, and a memory in a block RAM.
DESIGN = """\
module mill #(
    parameter int Add = 3
) (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic [8:0]  a_i,
    output logic [17:0] product_o,
    output logic [8:0]  count_o,
    output logic [35:0] word_o
);
  logic [8:0] a_q;
  logic [35:0] mem_q [512];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) count_o <= '0;
    else count_o <= count_o + a_q + 9'(Add);
  end
  always_ff @(posedge clk_i) begin
    a_q <= a_i;
    product_o <= a_q * a_q;
    mem_q[count_o] <= {a_q, a_q, count_o, count_o};
    word_o <= mem_q[a_q];
  end
endmodule
"""
CONFIGURED = """\
module mill_five (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic [8:0]  a_i,
    output logic [17:0] product_o,
    output logic [8:0]  count_o,
    output logic [35:0] word_o
);
  mill #(.Add(5)) u_mill (.*);
endmodule
"""
BENCH = """\
module tb;
  logic clk_i = 1'b0, rst_ni = 1'b0;
  logic [8:0] a_i, a_q, count_q = '0;
  logic [17:0] product_o, product_q;
  logic [8:0] count_o;
  logic [35:0] word_o, word_q, mem_q [512];
  logic [511:0] known_q = '0;
  logic word_known_q = 1'b0;
  int cycle_q = 0;
  always #5 clk_i = !clk_i;
  mill #(.Add(5)) u_mill (.*);
  always_ff @(posedge clk_i) begin
    cycle_q <= cycle_q + 1;
    rst_ni <= cycle_q > 2;
    a_i <= 9'($urandom) & 9'h03f;
    a_q <= a_i;
    product_q <= a_q * a_q;
    count_q <= rst_ni ? count_q + a_q + 9'd5 : '0;
    mem_q[count_q] <= {a_q, a_q, count_q, count_q};
    word_q <= mem_q[a_q];
    word_known_q <= known_q[a_q];
    if (cycle_q > 4) begin
      known_q[count_q] <= 1'b1;
      if (count_o != count_q) $fatal(1, "count is %0d, expected %0d", count_o, count_q);
      if (product_o != product_q) $fatal(1, "product is %0d, not %0d", product_o, product_q);
      if (word_known_q && word_o != word_q) $fatal(1, "word is %h, not %h", word_o, word_q);
    end
    if (cycle_q == 2000) begin
      $display("%0d words were known", $countones(known_q));
      $finish;
    end
  end
endmodule
"""
CORE = """\
CAPI=2:
name: "mine:blocks:mill:0"
filesets:
  rtl: {files: ["mill.sv", "mill_five.sv"], file_type: "systemVerilogSource"}
  bench: {files: ["tb.sv"], file_type: "systemVerilogSource"}
targets:
  gls:
    filesets: ["rtl", "bench"]
    toplevel: "tb"
    flow: "cw_gates"
    flow_options:
      module: "mill_five"
      replaces: "mill"
      mode: "binary"
      verilator_options: ["--timing", "--assert"]
"""
CELLS = """\
CAPI=2:
name: "mine:blocks:cells:0"
filesets:
  cells:
    files: ["cells.vlt": {file_type: "vlt"}, @FILES@]
    file_type: "systemVerilogSource"
targets:
  sim:
    filesets: ["cells"]
    toplevel: "tb_cells"
    flow: "cw_verilator"
    flow_options:
      mode: "binary"
      verilator_options: ["--timing", "--assert"]
      run_options: ["+verilator+rand+reset+2"]
"""


def flow_module(name: str) -> Any:
    """A module of the flow, which is beside Edalize's own."""
    return importlib.import_module(f"edalize.{name}")


def library() -> dict[str, str]:
    path: Path = flow_module("tools.cw_gates").models_of_yosys("xc7")
    return library_modules(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the core ``mine:blocks:mill``, whose target ``gls`` has passed."""
    folder = tmp_path_factory.mktemp("block")
    sources = {"mill.sv": DESIGN, "mill_five.sv": CONFIGURED, "tb.sv": BENCH, "mill.core": CORE}
    for name, text in sources.items():
        (folder / name).write_text(text, encoding="utf-8")
    status, log = run_target("mine:blocks:mill", "gls", folder)
    assert status == 0, log
    assert int(re.findall(r"(\d+) words were known", log)[-1]) > 100
    return folder


def inverted(init: str) -> str:
    return init.translate(str.maketrans("01", "10"))


def netlist_file(folder: Path) -> Path:
    (path,) = folder.glob("build/*/gls/netlist.json")
    return path


def changed(folder: Path, change: Any, work: str) -> tuple[int, str]:
    """What the target says in ``work`` of a netlist of which each cell went through ``change``."""
    contents = json.loads(netlist_file(folder).read_bytes())
    for cell in contents["modules"]["mill_five"]["cells"].values():
        change(cell)
    path = folder / f"{work}.json"
    path.write_text(json.dumps(contents), encoding="utf-8")
    words = ["--netlist", str(path)]
    options = ["--work-root", str(folder / work)]
    return run_target("mine:blocks:mill", "gls", folder, *words, options=options)


def test_a_netlist_takes_the_place_of_the_rtl_in_its_bench(block: Path):
    cells = cells_of(netlist_file(block), "mill_five", "xc7")
    assert {"CARRY4", "DSP48E1", "FDCE", "RAMB18E1"} <= set(cells)
    (verilator,) = block.glob("build/*/gls/*.vc")
    words = verilator.read_text(encoding="utf-8").split()
    assert not [word for word in words if Path(word).name in ("mill.sv", "mill_five.sv")]
    assert "gates.v" in words


def test_a_wrong_lookup_table_is_found(block: Path):
    wrong: list[dict[str, Any]] = []

    def flip_first(cell: dict[str, Any]) -> None:
        if cell["type"].startswith("LUT") and not wrong:
            cell["parameters"]["INIT"] = inverted(cell["parameters"]["INIT"])
            wrong.append(cell)

    # The same work root: what was compiled of the sound netlist is not what runs then.
    assert changed(block, lambda _: None, "lookup")[0] == 0
    status, log = changed(block, flip_first, "lookup")
    assert wrong
    assert status != 0
    assert re.search(r"(count|product|word) is", log), log


def test_a_cell_without_a_model_is_named_before_anything_is_compiled(block: Path):
    def rename(cell: dict[str, Any]) -> None:
        if cell["type"] == "RAMB18E1":
            cell["type"] = "RAMB18E2"

    status, log = changed(block, rename, "unknown")
    assert status != 0
    assert "no model simulates RAMB18E2" in log
    assert not [*(block / "unknown").glob("Vtb*")]


def test_a_mode_of_a_memory_without_a_model_ends_the_compilation(block: Path):
    def register(cell: dict[str, Any]) -> None:
        if cell["type"] == "RAMB18E1":
            cell["parameters"]["DOA_REG"] = f"{1:032b}"

    status, log = changed(block, register, "mode")
    assert status != 0
    assert "RAMB18E1: output registers are not modelled" in log


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--family=ecp5"], "family is 'ecp5', legal are xc7"),
        (["--module=wheel"], "no source is called wheel.sv"),
        (["--netlist=none.json"], "netlist is none.json, which is no file"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, words: list[str], message: str):
    for name in ("mill.sv", "mill_five.sv", "tb.sv"):
        (tmp_path / name).touch()
    (tmp_path / "mill.core").write_text(CORE, encoding="utf-8")
    status, log = run_target("mine:blocks:mill", "gls", tmp_path, *words)
    assert status != 0
    assert message in log


def test_models_agree_with_their_references_at_random(tmp_path: Path):
    ours = [*(f"LUT{size}" for size in range(1, 7)), "CARRY4"]
    references = re.sub(r"^module ", "module yosys_", models(ours, library(), ()), flags=re.M)
    text = references + models(["DSP48E1"], library(), ())
    (tmp_path / "cells.v").write_text(text, encoding="utf-8")
    sources = [*flow_module("cw_gates").sources("xc7"), *sorted(HERE.glob("*.sv"))]
    for path in sources:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    files = ", ".join(f'"{name}"' for name in ("cells.v", *(path.name for path in sources)))
    (tmp_path / "cells.vlt").write_text(flow_module("tools.cw_gates").waivers(), encoding="utf-8")
    (tmp_path / "cells.core").write_text(CELLS.replace("@FILES@", files), encoding="utf-8")
    status, log = run_target("mine:blocks:cells", "sim", tmp_path)
    assert status == 0, log
    assert "cells are as their references" in log


def test_models_are_taken_from_the_library_unless_there_is_an_own_one():
    text = models(["LUT2", "RAMB18E1"], library(), ["RAMB18E1"])
    assert re.findall(r"^module (\w+)", text, re.MULTILINE) == ["LUT2"]
    assert "specify" not in text
    with pytest.raises(NetlistError, match="no model simulates LUT9, LUT10"):
        models(["LUT9", "LUT2", "LUT10"], library(), [])


def test_all_cells_of_a_family_that_have_a_model_are_in_the_library():
    own = flow_module("cw_gates").OWN["xc7"]
    wanted = ["CARRY4", "DSP48E1", "INV", "MUXF7", "MUXF8", "BUFG", "RAM32M", "RAM64M", "SRL16E"]
    wanted += [*(f"LUT{size}" for size in range(1, 7)), "FDRE", "FDSE", "FDCE", "FDPE", *own]
    assert models(wanted, library(), own)
    assert all(path.is_file() for path in flow_module("cw_gates").sources("xc7"))


def test_a_wrapper_has_the_header_of_the_rtl():
    text = wrapper(DESIGN, "mill", "mill_five")
    assert text.startswith(DESIGN[: DESIGN.index(");\n") + 3])
    assert "  mill_five u_netlist (.*);\n" in text
    with pytest.raises(NetlistError, match="has no module wheel"):
        wrapper(DESIGN, "wheel", "mill_five")


def test_files_that_are_no_netlist_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path, out = tmp_path / "netlist.json", tmp_path / "cells.v"
    words = ["cells", str(path), "--top", "mill", "--family", "xc7", "--library", str(HERE)]
    for text, message in (
        ("{", "is no netlist of Yosys"),
        ('{"modules": {}}', "has no 'mill'"),
        ('{"modules": {"mill": {"cells": {"x": {"type": "$add"}}}}}', "$add is no known cell"),
    ):
        path.write_text(text, encoding="utf-8")
        assert main([*words, "--out", str(out)]) == 1
        assert message in capsys.readouterr().err
    assert not out.exists()


def test_a_systems_core_simulates_a_netlist_of_other_hardware(tmp_path: Path):
    system = find_system("lenet5")
    assert system.core["targets"]["gls"]["generate"] == [
        {"system": {"top": "gates", "processing_elements": [*GATES_UNITS]}}
    ]
    netlist = tmp_path / "netlist.json"
    core = wrapper_core("x", Hardware(), system.core, ["--trace-fst"], netlist=netlist)
    target = core["targets"]["gls"]
    assert target["generate"] == [{"system": {"top": "gates"}}]
    assert target["flow_options"] == {
        "module": "cw_system",
        "replaces": "cw_accelerator",
        "make_options": ["OPT_FAST=-O1"],
        "verilator_options": ["--trace-fst"],
        "netlist": str(netlist),
    }
    with pytest.raises(FlowInputError, match="has no target gls"):
        wrapper_core("x", Hardware(), {"targets": {}}, netlist=netlist)


# ------------------------------------------------------------------------------- the accelerator


@pytest.mark.nightly
def test_lenet5_is_bit_exact_at_gate_level(tmp_path: Path):
    report = tmp_path / "report.json"
    words = ["--gates", "--images", "1", "--batch", "1", "--stalls", "light", "--json", str(report)]
    assert cw(["sim", "lenet5", *words]) == 0
    result = json.loads(report.read_text(encoding="utf-8"))
    assert result["bit_exact"]
    assert result["hardware"]["processing_elements"] == [*GATES_UNITS]
    assert result["netlist"]["cells"]["DSP48E1"] == 16
    # The netlist is the very design: not a cycle more.
    rtl = tmp_path / "rtl.json"
    hardware = ["--hardware", str(report)]
    words = [*hardware, *words[1:-1], str(rtl)]
    assert cw(["sim", "lenet5", *words]) == 0
    assert json.loads(rtl.read_text(encoding="utf-8"))["cycles"] == result["cycles"]


@pytest.mark.nightly
def test_by_plain_fusesoc_a_system_runs_at_gate_level(tmp_path: Path):
    status, log = run_target("corewright:models:lenet5", "gls", tmp_path)
    assert status == 0, log
    (result,) = tmp_path.glob("build/*/gls/result.json")
    assert json.loads(result.read_text(encoding="utf-8"))["passed"] is True


@pytest.mark.nightly
def test_a_wrong_lookup_table_of_the_accelerator_is_found(tmp_path: Path):
    system = find_system("lenet5")
    hw = resized(system.hardware, GATES_UNITS)
    contents = json.loads(netlist_of(synthesise(hw, "xc7", system=system)).read_bytes())
    cell = lookup_table_of_requantisation(contents["modules"]["cw_system"])
    cell["parameters"]["INIT"] = inverted(cell["parameters"]["INIT"])
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(contents), encoding="utf-8")
    reference = system.reference
    assert reference is not None
    vectors = prepare(system.graph, hw, reference.images[:1], 1)
    outcome = run_bench(build_bench(hw, system=system, netlist=path), vectors)
    assert not outcome.passed
    assert outcome.mismatches or outcome.notes


def lookup_table_of_requantisation(module: dict[str, Any]) -> dict[str, Any]:
    """The first by name of those that drive a register of the post-processing."""
    data = {
        cell["connections"]["D"][0]
        for cell in module["cells"].values()
        if cell["type"] == "FDRE"
        and cell["attributes"].get("scopename") == "u_accelerator u_engine u_postproc"
    }
    tables = {
        name: cell
        for name, cell in module["cells"].items()
        if cell["type"].startswith("LUT") and cell["connections"]["O"][0] in data
    }
    return tables[min(tables)]
