# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A run has the bug that it chooses, no other, and none if it chooses none."""

from pathlib import Path

import pytest

from corewright.mutate.choices import Mutants, Mutation
from corewright.testing.cocotb_runner import run_cocotb

BENCHES = Path(__file__).parent / "benches"
FILE = "cw_choices.sv"
SOURCES = [BENCHES / "cw_passes.sv", BENCHES / FILE]
SOUND = {"assigned_o": 13, "stated_o": 13, "called_o": 20, "connected_o": 17, "stepped_o": 12}
# Correct text, bug, and what changes.
BUGS = {
    "net": ("a_i + 8'd3", "a_i + 8'd5", {"assigned_o": 15}),
    "assignment": ("assigned_o = net", "assigned_o = net + net", {"assigned_o": 26}),
    "statement": ("stated_o + 8'd1", "stated_o - 8'd1", {"stated_o": 7}),
    # Around the statement before, which then has to stand in both.
    "loop": ("i < 3", "i < 2", {"stated_o": 12}),
    "variable": ("best = a;", "best = a + 8'd30;", {"called_o": 40}),
    "left_out": ("if (b > best) best = b;", "", {"called_o": 10}),
    "connection": (".a_i(a_i + 8'd7)", ".a_i(a_i)", {"connected_o": 10}),
    # Decided when a model is compiled: in a copy of its own.
    "parameter": ("2 * Step", "3 * Step", {"stepped_o": 13}),
}
MUTANTS = Mutants({name: Mutation(FILE, old, new) for name, (old, new, _) in BUGS.items()})


def run(sources: list[Path], plusargs: tuple[str, ...], **changes: int) -> None:
    run_cocotb(
        "cw_choices",
        "tb_choices",
        sources,
        bench_folder=BENCHES,
        bench_options={"expected": SOUND | changes},
        extra_args=["-Wno-fatal"],
        plusargs=plusargs,
    )


@pytest.mark.parametrize("name", BUGS)
def test_a_run_has_the_bug_that_it_chooses(name: str, tmp_path: Path):
    bug = MUTANTS.inject(name, SOURCES, tmp_path)
    assert bool(bug.plusargs) == (name != "parameter")
    run(bug.sources, bug.plusargs, **BUGS[name][2])


def test_a_run_that_chooses_none_has_none(tmp_path: Path):
    run(MUTANTS.sources(SOURCES, tmp_path), ())


@pytest.mark.parametrize("old", ["net", "no such text"])
def test_a_bug_that_is_out_of_date_is_refused(old: str, tmp_path: Path):
    mutants = Mutants({"old": Mutation(FILE, old, "x")})
    with pytest.raises(ValueError, match=rf"{old!r} stands \d times in {FILE}"):
        mutants.inject("old", SOURCES, tmp_path)


def test_a_bug_of_another_source_is_refused(tmp_path: Path):
    mutants = Mutants({"other": Mutation("other.sv", "a", "b")})
    with pytest.raises(ValueError, match=r"other\.sv is not among .*cw_choices"):
        mutants.inject("other", SOURCES, tmp_path)


def test_places_are_counted_in_characters_of_one_byte(tmp_path: Path):
    source = tmp_path / FILE
    source.write_text("// \u00b5\nmodule m; assign a = b; endmodule\n", encoding="utf-8")
    with pytest.raises(ValueError, match="is not plain ASCII"):
        Mutants({"x": Mutation(FILE, "b;", "c;")}).inject("x", [source], tmp_path)
