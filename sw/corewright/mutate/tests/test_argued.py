# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What a file argues about counts apart, and an argument that is out of date is an error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from corewright.flow.block_benches import BlockBench
from corewright.flow.errors import FlowInputError
from corewright.mutate.argued import argued
from corewright.mutate.blocks import Block, blocks
from corewright.mutate.equivalence import Proof
from corewright.mutate.operators import Mutant
from corewright.mutate.report import BlockResult, MutationReport
from corewright.mutate.run import explained
from corewright.mutate.verdict import Outcome, Verdict

SOURCE = """\
module cw_x (input logic a_i, input logic b_i, output logic y_o, output logic z_o);
  assign y_o = a_i && b_i;
  assign z_o = a_i == b_i;
endmodule
"""
ENTRY = """\
[[equivalent]]
file = "cw_x.sv"
operator = "compare"
old = "assign z_o = a_i == b_i;"
new = "assign z_o = a_i != b_i;"
reason = "nobody reads z_o"
"""


@pytest.fixture(name="block")
def _block(tmp_path: Path) -> Block:
    source = tmp_path / "rtl" / "cw_x.sv"
    for folder in ("rtl", "dv"):
        (tmp_path / folder).mkdir()
    source.write_text(SOURCE)
    common = ("cw_x", "none", "none", "none", (source,), ())
    return Block(tmp_path, (BlockBench(tmp_path, *common, {}),))


def entries(block: Block, text: str) -> dict[str, str]:
    (block.folder / "dv" / "equivalent.toml").write_text(text)
    return argued(block, mutants(block))


def mutants(block: Block) -> list[Mutant]:
    # The sources of no core are asked for constant functions: there are none.
    from corewright.mutate.operators import mutants_of

    return mutants_of("x", "cw_x.sv", block.sources["cw_x.sv"].read_text())[0]


def test_an_entry_means_its_mutant_wherever_the_line_stands(block: Block):
    assert argued(block, mutants(block)) == {}
    ((before, reason),) = entries(block, ENTRY).items()
    assert reason == "nobody reads z_o"
    source = block.sources["cw_x.sv"]
    source.write_text("// A comment above moves all lines.\n" + SOURCE)
    ((after, _),) = entries(block, ENTRY).items()
    assert after != before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("a_i == b_i;", "a_i == c_i;", "entry 1 means 0 mutants, not one: it is out of date"),
        ('reason = "nobody reads z_o"\n', "", "entry 1 has not exactly file, operator, old"),
        ("nobody reads z_o", " ", "entry 1: each value is a text, and none is empty"),
        ("[[equivalent]]", "[[equal]]", "legal is a list of tables"),
        ("[[equivalent]]", ENTRY + "[[equivalent]]", "entry 2 means the same mutant as another"),
        ("[[equivalent]]", "[[equivalent", "equivalent.toml"),
    ],
)
def test_a_wrong_entry_is_an_error(block: Block, old: str, new: str, message: str):
    with pytest.raises(FlowInputError) as raised:
        entries(block, ENTRY.replace(old, new))
    assert message in str(raised.value)


class Solver:
    """Says what it is told to."""

    def __init__(self, outcome: str) -> None:
        self.outcome = outcome

    def prove(self, _: Mutant) -> Proof:
        return Proof(self.outcome, "as told", 1.5)  # type: ignore[arg-type]


def test_a_proof_comes_before_an_argument_and_neither_helps_what_is_killed(block: Block):
    ((name, reason),) = entries(block, ENTRY).items()
    mutant = next(each for each in mutants(block) if each.id == name)
    survived = Verdict(mutant, "survived", "", "", 1.0, "", "")

    def outcome(verdict: Verdict, solver: str, reasons: dict[str, str]) -> str:
        return explained(verdict, Solver(solver), reasons).outcome  # type: ignore[arg-type]

    reasons = {name: reason}
    assert outcome(survived, "equivalent", reasons) == "equivalent"
    assert outcome(survived, "undecided", reasons) == "argued"
    assert outcome(survived, "different", {}) == "survived"
    killed = replace(survived, outcome="killed")
    assert explained(killed, Solver("equivalent"), reasons) == killed  # type: ignore[arg-type]
    assert explained(survived, None, {}) == survived
    hint = explained(survived, Solver("different"), {})  # type: ignore[arg-type]
    assert (hint.equivalence, hint.proof_seconds) == ("different: as told", 1.5)


def test_what_is_equivalent_is_not_in_the_score(block: Block):
    own = mutants(block)[:4]
    outcomes: tuple[Outcome, ...] = ("killed", "survived", "equivalent", "argued")
    verdicts = tuple(
        Verdict(mutant, outcome, "", "", 1.0, "", "")
        for mutant, outcome in zip(own, outcomes, strict=True)
    )
    result = BlockResult("x", 40, {}, verdicts, 1.0, listed=1)
    values = MutationReport(1, 1, 60, (result,)).to_dict()
    assert values["score"] == 0.5 and values["mutants"] == 2
    assert [each["id"] for each in values["equivalent"]] == [own[2].id]
    assert [each["id"] for each in values["argued"]] == [own[3].id]
    assert values["blocks"]["x"]["equivalent"] == values["blocks"]["x"]["argued"] == 1
    assert values["argued_share"] == 0.025


def test_each_entry_of_the_repository_means_a_mutant_that_there_is():
    for block in blocks().values():
        argued(block, block.mutants()[0])
