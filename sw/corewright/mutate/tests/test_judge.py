# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A weak bench leaves exactly the mutants that it cannot see; a strong one kills them, too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corewright.flow.block_benches import BlockBench, Configuration
from corewright.flow.errors import FlowError
from corewright.mutate.benches import BenchJudge
from corewright.mutate.blocks import Block, blocks, sample
from corewright.mutate.operators import Mutant
from corewright.mutate.report import BlockResult, MutationReport, html_report
from corewright.mutate.system import SystemJudge
from corewright.mutate.verdict import Verdict

PLANTED = Path(__file__).parent / "planted"
SOURCE = PLANTED / "rtl" / "cw_planted.sv"
# Lines of its reset and of its enable.
REGISTER = (25, 26)
# What changes nothing from 0 on, as long as step_i and go_i are 1: no reset, and no waiting.
UNSEEN_BY_THE_WEAK = {
    "end else if (1'b1) begin",
    "end else if (1'b1 && go_i) begin",
    "end else if (step_i && 1'b1) begin",
    "end else if (step_i || go_i) begin",
}


class PlantedBench(BlockBench):
    """A bench whose sources are of no core."""

    sources = [SOURCE]  # noqa: RUF012 - it takes the place of a property


def block(**options: object) -> Block:
    bench = PlantedBench(
        PLANTED / "dv",
        "cw_planted",
        "tb_planted",
        "none",
        "none",
        (SOURCE,),
        ("--top-module", "cw_planted"),
        {"only": Configuration("only", {}, options)},
    )
    return Block(PLANTED, (bench,))


def changed_line(mutant: Mutant) -> str:
    return mutant.applied(SOURCE.read_text("utf-8")).splitlines()[mutant.line - 1].strip()


def judge(mutants: list[Mutant], **options: object) -> list[Verdict]:
    return BenchJudge(block(**options), seed=3, rounds=1, seconds=30).judge(mutants)


@pytest.fixture(scope="module", name="judged")
def _judged() -> list[Verdict]:
    # Of the register alone: a run takes half a second.
    mutants = [each for each in block().mutants()[0] if each.line in REGISTER]
    return judge(mutants, strong=False)


def test_a_weak_bench_leaves_what_it_cannot_see(judged: list[Verdict]):
    alive = {changed_line(each.mutant) for each in judged if each.outcome == "survived"}
    assert alive == UNSEEN_BY_THE_WEAK
    assert {each.outcome for each in judged} == {"survived", "killed"}
    by = {changed_line(each.mutant): each.by for each in judged}
    assert by["end else if (1'b0) begin"] == "test counts_and_wraps"


def test_a_strong_bench_kills_what_the_weak_one_leaves(judged: list[Verdict]):
    alive = [each.mutant for each in judged if each.outcome == "survived"]
    # One that no run can choose is compiled for itself.
    fixed = next(each for each in block().mutants()[0] if not each.chosen)
    verdicts = judge([*alive, fixed], strong=True)
    assert [each.outcome for each in verdicts] == ["killed"] * len(verdicts)
    assert verdicts[-1].mutant == fixed


def test_a_bench_that_fails_without_a_mutant_is_no_judge():
    mutant = block().mutants()[0][0]
    with pytest.raises(FlowError, match=r"fails with seed \d+ on the sound sources"):
        judge([mutant])


def test_a_report_has_scores_and_diffs(judged: list[Verdict]):
    result = BlockResult("planted", 40, {"a width or a type": 2}, tuple(judged), 1.0)
    report = MutationReport(3, 1, 30, (result,))
    values = json.loads(json.dumps(report.to_dict()))
    killed = len(judged) - len(UNSEEN_BY_THE_WEAK)
    assert (values["mutants"], values["killed"]) == (len(judged), killed)
    assert values["score"] == round(killed / len(judged), 4)
    assert {each["diff"].splitlines()[-1][1:].strip() for each in values["survived"]} == (
        UNSEEN_BY_THE_WEAK
    )
    page = html_report(report)
    assert all(each["command"] in page for each in values["survived"])


def test_a_sample_is_a_function_of_its_seed_and_grows():
    mutants = block().mutants()[0]
    few, many = sample(mutants, 5, 7), sample(mutants, 9, 7)
    assert few == sample(mutants, 5, 7) != sample(mutants, 5, 8)
    assert len(few) == 5 and set(few) < set(many)
    assert sample(mutants, None, 7) == mutants


@pytest.mark.nightly
def test_a_whole_accelerator_judges_what_has_no_bench():
    # It compiles a simulation of an accelerator, which takes half a minute.
    known = blocks()["accelerator"]
    own = [each for each in known.mutants()[0] if each.file == "cw_accelerator.sv"]
    mutants = [each for each in own if each.chosen]
    # A bit of an error's port is fixed when a model is compiled: its mutant is in each run.
    (fixed,) = (each for each in own if not each.chosen and each.id.endswith("-constant-570c93d5"))
    judge = SystemJudge(known, seed=1, cases=1, seconds=60)
    *verdicts, port = judge.judge([*mutants[:3], fixed])
    assert [each.outcome for each in verdicts] == ["killed"] * 3
    assert {each.where for each in verdicts} == {"random network 0"}
    assert (port.outcome, port.by) == ("killed", "status OK")
