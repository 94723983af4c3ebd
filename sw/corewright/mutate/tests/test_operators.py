# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Each operator makes what it says, of what it may, and nothing else."""

from __future__ import annotations

from collections import Counter

import pytest

from corewright.mutate.choices import with_choices
from corewright.mutate.operators import OPERATORS, constant_functions, mutants_of

# A statement or an item of a module; by operator, what stands in its place.
MADE = {
    "assign y = a < b;": {
        "bound": ["assign y = a <= b;"],
        "compare": ["assign y = a >= b;"],
    },
    "assign y = a == b;": {"compare": ["assign y = a != b;"]},
    "assign y = a - b;": {
        "arithmetic": ["assign y = a + b;"],
        "swap": ["assign y = (b) - (a);"],
    },
    "assign y = a * b;": {"arithmetic": ["assign y = a + b;"]},
    "assign y = a >>> b;": {"arithmetic": ["assign y = a >> b;"]},
    "assign y = a && b;": {
        "logic": ["assign y = a || b;"],
        "wait": ["assign y = 1'b1 && b;", "assign y = a && 1'b1;"],
    },
    "assign y = a || b;": {
        "logic": ["assign y = a && b;"],
        "wait": ["assign y = 1'b0 || b;", "assign y = a || 1'b0;"],
    },
    "assign y = a && b && c;": {
        "logic": ["assign y = a && b || c;", "assign y = (a || b) && c;"],
        "wait": [
            *("assign y = 1'b1 && c;", "assign y = a && b && 1'b1;"),
            *("assign y = 1'b1 && b && c;", "assign y = a && 1'b1 && c;"),
        ],
    },
    "assign y = ~a;": {"logic": ["assign y = a;"]},
    "assign y = !a;": {"logic": ["assign y = !(!a);"]},
    "assign y = 8'd255;": {"constant": ["assign y = 8'd0;", "assign y = 8'd254;"]},
    "assign y = 2'b01;": {"constant": ["assign y = 2'd2;", "assign y = 2'd0;"]},
    "assign y = '0;": {"constant": ["assign y = '1;"]},
    "assign y = 4'(7);": {"constant": ["assign y = 4'(8);", "assign y = 4'(6);"]},
    "assign y = a ? b : c;": {
        "stuck": ["assign y = 1'b0 ? b : c;", "assign y = 1'b1 ? b : c;"],
        "swap": ["assign y = a ? c : b;"],
    },
    "assign y = {a, b};": {"swap": ["assign y = {b, a};"]},
    "assign y = {a, b, c};": {},
    "assign y = a[i];": {"select": ["assign y = a[(i) + 1];"]},
    "assign y = a[i+:2];": {"select": ["assign y = a[(i) + 1+:2];"]},
    "assign y = a[W-1:1];": {
        "select": ["assign y = a[(W-1) - 1:0];"],
    },
    "always_comb if (a) y = b;": {
        "stuck": ["always_comb if (1'b0) y = b;", "always_comb if (1'b1) y = b;"],
        "assign": ["always_comb if (a) ;"],
    },
    "always_ff @(posedge k or negedge r) if (!r) q <= a; else q <= b;": {
        "reset": ["always_ff @(posedge k or negedge r) if (!r) ; else q <= b;"],
        "assign": ["always_ff @(posedge k or negedge r) if (!r) q <= a; else ;"],
    },
    "always_comb for (int i = 0; i < 3; i++) y[i] = a;": {
        "bound": ["always_comb for (int i = 0; i <= 3; i++) y[i] = a;"],
    },
    # Nothing that cannot be chosen, or is not of the design.
    "logic [W-1:0] z;": {},
    "initial y = 8'd3;": {},
    "logic v = 1'b0;": {},
    "A_A: assert property (@(posedge k) a && b);": {},
    "always_comb if (a) B_A: assert (b == c);": {
        "stuck": [
            "always_comb if (1'b0) B_A: assert (b == c);",
            "always_comb if (1'b1) B_A: assert (b == c);",
        ]
    },
    'if (W < 1) $error("W is %0d", W - 1);': {},
}
ALSO = {"always_comb for (int i = 0; i < 3; i++) y[i] = a;"}


def module(item: str) -> str:
    return f"module m #(/* of y */ parameter int W = 8);\n{item}\nendmodule\n"


def made(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for mutant in mutants_of("block", "m.sv", text)[0]:
        found.setdefault(mutant.operator, []).append(mutant.applied(text).splitlines()[1])
    return found


@pytest.mark.parametrize("item", MADE)
def test_an_operator_makes_what_it_says(item: str):
    found, expected = made(module(item)), MADE[item]
    if item in ALSO:
        found = {name: found[name] for name in expected}
    assert {name: sorted(lines) for name, lines in found.items()} == {
        name: sorted(lines) for name, lines in expected.items()
    }


def test_each_operator_is_shown():
    assert {name for expected in MADE.values() for name in expected} == set(OPERATORS)


def test_what_synthesis_does_not_see_is_left_alone():
    item = "`ifndef SYNTHESIS\nassign y = a && b;\n`ifdef X\n`endif\nassign y = a || b;\n`endif"
    assert made(module(item)) == {}
    assert made(module(item.replace("SYNTHESIS", "OTHER"))) != {}


def test_what_is_not_made_is_counted():
    text = module("logic [W-1:0] z;\nif (W > 3) begin : gen_x\nassign z = '0;\nend")
    mutants, skipped = mutants_of("block", "m.sv", text)
    assert [mutant.operator for mutant in mutants] == ["constant"]
    reasons = ("a width or a type", "what is generated", "a parameter's default")
    assert skipped == Counter(reasons)


def test_a_name_stays_when_other_lines_change():
    before = mutants_of("block", "m.sv", module("assign y = a && b;"))[0]
    after = mutants_of("block", "m.sv", module("assign y = a && b;\nassign z = c;"))[0]
    assert [mutant.id for mutant in before] == [mutant.id for mutant in after]
    assert before[0].id.startswith("block-m-2-wait-")
    assert len({mutant.id for mutant in before}) == len(before)


def test_what_is_compiled_cannot_be_chosen():
    text = module(
        "localparam int L = f(W - 1);\nlogic [g(W)-1:0] x;\n"
        "function automatic int f(int v); return h(v); endfunction\n"
        "function automatic int g(int v); return v + 1; endfunction\n"
        "function automatic int h(int v); return v + 2; endfunction\n"
        "function automatic int k(int v); return v + 3; endfunction"
    )
    constant = constant_functions([text])
    assert constant == {"f", "g", "h"}
    chosen = {
        mutant.applied(text).splitlines()[mutant.line - 1]
        for mutant in mutants_of("block", "m.sv", text, constant)[0]
        if mutant.chosen
    }
    assert chosen and all("int k(" in line for line in chosen)


def test_choices_stand_within_one_another():
    text = module("assign y = a && (b < c);")
    mutants = mutants_of("block", "m.sv", text)[0]
    changes = [mutant.change(number) for number, mutant in enumerate(mutants, start=1)]
    chosen = with_choices(text, changes)
    for number, mutant in enumerate(mutants, start=1):
        assert bare(chosen_by(chosen, number)) == bare(mutant.applied(text)), mutant.operator
    assert bare(chosen_by(chosen, 0)) == bare(text)


def chosen_by(text: str, number: int) -> str:
    """A source as a run with this number has it."""
    choice = "(cw_mutant_pkg::selected == "
    first = text.find(f"({choice}")
    if first < 0:
        return text
    place, picked = first + 1, None
    while text.startswith(choice, place):
        other, _, _ = text[place + len(choice) :].partition(")")
        begin = text.index("? (", place) + 2
        place = end_of(text, begin)
        if int(other) == number:
            picked = text[begin:place]
        assert text.startswith(" : ", place)
        place += 3
    end = end_of(text, place)
    if picked is None:
        picked = chosen_by(text[place:end], number)
    assert text[end] == ")"
    return f"{text[:first]}({picked}){chosen_by(text[end + 1 :], number)}"


def end_of(text: str, first: int) -> int:
    """Behind the parenthesis that closes the one at ``first``."""
    depth = 0
    for place in range(first, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
    raise AssertionError("no end")


def bare(text: str) -> str:
    return "".join(letter for letter in text if letter not in "() \n")
