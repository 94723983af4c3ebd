# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Blocks side by side have the verdicts that they have one after the other."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from corewright.mutate.blocks import blocks
from corewright.mutate.run import Options, run_blocks
from corewright.mutate.verdict import Verdict


def without_times(values: Any) -> Any:
    """A report without what no two runs have in common."""
    if isinstance(values, dict):
        return {k: without_times(v) for k, v in values.items() if "seconds" not in k}
    return [without_times(each) for each in values] if isinstance(values, list) else values


@pytest.mark.nightly
def test_verdicts_do_not_depend_on_the_number_of_processes():
    known = blocks()
    chosen = {name: set(known[name].sources) for name in ("axis_skid", "prim_ram")}
    # All of the time that it takes: a limit would tell a fast machine from a slow one.
    options = Options(seed=1, count=5, cases=1, seconds=600, equivalence=600)
    told: list[Verdict] = []
    two = run_blocks(chosen, known, options, told.append, jobs=2)
    one = run_blocks(chosen, known, options)
    assert without_times(two.to_dict()) == without_times(one.to_dict())
    assert sorted(each.mutant.id for each in told) == sorted(
        each.mutant.id for each in two.verdicts
    )
    assert json.loads(json.dumps(two.to_dict()))["judged"] == 10


def test_a_block_without_its_process_says_so(monkeypatch: pytest.MonkeyPatch):
    # The process cannot be given a block that is none, and ends: the others' results stay.
    known = blocks()
    chosen = {name: set(known[name].sources) for name in ("axis_skid", "prim_ram")}
    sound = known["axis_skid"]
    bench = dataclasses.replace(sound.benches[0], core="corewright:ip:nothing")
    wrong = dataclasses.replace(sound, benches=(bench,))
    monkeypatch.setattr(type(wrong), "constant_functions", lambda _: set())
    report = run_blocks(
        chosen,
        {"axis_skid": wrong, "prim_ram": dataclasses.replace(wrong, folder=sound.folder)},
        Options(seed=1, count=1, cases=1),
        jobs=2,
    )
    assert [block.block for block in report.blocks] == ["axis_skid", "axis_skid"]
    assert not report.verdicts and all(block.error for block in report.blocks)
    assert not report.interrupted
