# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What can be named, what a wrong name or a wrong ``bench.toml`` is told, and that none is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from corewright.cli.main import main
from corewright.environment import repository_root
from corewright.flow.block_benches import block_benches, system_tests
from corewright.flow.errors import FlowInputError
from corewright.mutate.blocks import blocks, find_mutant, select

# Constants and types, or nothing but connections: what they say, other sources' benches test.
WITHOUT = {
    *("cw_pkg.sv", "cw_program_pkg.sv", "cw_config_pkg.sv", "cw_regs_pkg.sv"),
    "cw_accelerator_configured.sv",
}
GOOD = '[[bench]]\ntop = "t"\nmodule = "m"\ncore = "c"\ntests = ["rtl/a.sv"]\n'
BAD = {
    "no TOML": "bench.toml: ",
    "bench = 3": "bench is no list of tables",
    GOOD.replace('top = "t"\n', ""): "bench 1 has no 'top', needed are: top, module, core, tests",
    GOOD + "seed = 1": "bench 1: there is no 'seed', legal are: top, module, core",
    GOOD.replace('"t"', "3"): "bench 1: top is 3, legal is a string",
    GOOD.replace("a.sv", "b.sv"): "bench 1: no such source: .*b.sv",
    GOOD
    + "[bench.configurations]\nx = { width = 3 }": "there is no 'width', legal are: parameters",
    GOOD + "[bench.configurations]\nx = 3": "configuration 'x' is no table",
}


def written(folder: Path, text: str) -> Path:
    for name, contents in (("rtl/a.sv", ""), ("dv/bench.toml", text)):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(contents, encoding="utf-8")
    return folder / "dv"


@pytest.mark.parametrize("text", BAD)
def test_a_wrong_declaration_is_told_what_is_legal(text: str, tmp_path: Path):
    with pytest.raises(FlowInputError, match=BAD[text]) as error:
        block_benches(written(tmp_path, text))
    assert "\n" not in str(error.value)


def test_a_declaration_has_what_it_leaves_out(tmp_path: Path):
    (bench,) = block_benches(written(tmp_path, GOOD))
    assert (bench.target, list(bench.configurations)) == ("default", ["default"])
    assert system_tests(written(tmp_path, GOOD + '[system]\ntests = ["rtl/a.sv"]')) == (
        tmp_path / "rtl" / "a.sv",
    )


def test_each_source_of_the_design_has_somebody_who_tests_it():
    root = repository_root()
    sources = {path for place in ("core", "ip") for path in (root / place).glob("*/rtl/**/*.sv")}
    tested = {path for block in blocks().values() for path in block.sources.values()}
    assert {path.name for path in sources - tested} == WITHOUT


def test_blocks_and_sources_have_names():
    known = blocks()
    assert select(["ip/axis_fifo/"], known) == {"axis_fifo": {"cw_axis_fifo.sv"}}
    assert select(["cw_engine", "cw_axi_reader.sv"], known) == {
        "engine": {"cw_engine.sv"},
        "axi_dma": {"cw_axi_reader.sv"},
    }
    assert set(select([], known)) == set(known)
    block = known["axis_skid"]
    mutant = block.mutants()[0][0]
    assert find_mutant(mutant.id, known.values()) == (block, mutant)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["axis_ffo"], "there is no block or source 'axis_ffo', blocks are: axi_dma, axis_fifo"),
        (["--replay", "axis_fifo-x-1-stuck-0"], "there is no mutant 'axis_fifo-x-1-stuck-0'"),
        (["axis_fifo", "--replay", "x"], "--replay names the mutant: leave out BLOCK"),
        (["--seed", "9999999999"], "--seed is 9999999999, legal is 1..2147483647"),
    ],
)
def test_bad_usage_is_one_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]):
    assert main(["mutate", *words]) == 2
    line = capsys.readouterr().err
    assert told in line and line.count("\n") == 1
