# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Nothing that a test draws comes from nowhere, or from a state that other tests change."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from source_tree import ROOT, relative, source_files

# By the last name of what is called: generators that need a seed as their first argument.
GENERATORS = {"Random", "RandomState", "default_rng", "SeedSequence", "seed", "set_seed", "PRNGKey"}
FORBIDDEN = {
    *("SystemRandom", "urandom", "getrandom", "token_bytes", "token_hex", "randbelow"),
    *("uuid1", "uuid4"),
    # Of a string it is another one in each process.
    "hash",
}


def name_of(call: ast.Call) -> str:
    """The last name of what is called; empty for what has none."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def unseeded(call: ast.Call) -> bool:
    """Whether a call makes a generator that the operating system seeds."""
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    nothing = isinstance(values[0], ast.Constant) and values[0].value is None if values else True
    # TensorFlow's set_seed(None) takes a seed away, for what has a fixed draw without one.
    takes_away = name_of(call) == "set_seed" and bool(values)
    return name_of(call) in GENERATORS and nothing and not takes_away


def findings(text: str) -> Iterator[str]:
    """Lines of a test module that make it something else than a function of the sources."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if unseeded(node):
                yield f"{node.lineno}: {name_of(node)}() without a seed"
            elif name_of(node) in FORBIDDEN:
                yield f"{node.lineno}: {name_of(node)}()"
    for statement in tree.body:
        # What a test draws from it hangs on the tests that ran before it.
        value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, ast.Call) and name_of(value) in GENERATORS - {"seed", "set_seed"}:
            yield f"{statement.lineno}: a generator that all tests of the module share"


def is_test_code(path: Path) -> bool:
    folders = path.relative_to(ROOT).parts[:-1]
    named = path.name.startswith(("test_", "tb_")) or path.name == "conftest.py"
    return named or bool({"tests", "dv", "testing"} & set(folders))


def test_tests_draw_from_seeds_only():
    found = [
        f"{relative(path)}:{finding}"
        for path in source_files(".py")
        if is_test_code(path)
        for finding in findings(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_hypothesis_is_repeatable_wherever_it_is_used():
    """The profile is chosen in a conftest.py, which pytest imports before the tests beside it."""
    for path in source_files(".py"):
        if is_test_code(path) and "\nfrom hypothesis import given" in path.read_text("utf-8"):
            beside = path.with_name("conftest.py")
            assert beside.is_file(), relative(beside)
            assert 'settings.load_profile("ci")' in beside.read_text("utf-8"), relative(beside)


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("def f():\n    return np.random.default_rng()", "2: default_rng() without a seed"),
        ("x = [random.Random(None)]", "1: Random() without a seed"),
        ("default_rng(seed=None)", "1: default_rng() without a seed"),
        ("random.seed()", "1: seed() without a seed"),
        ("name = uuid.uuid4().hex", "1: uuid4()"),
        ("seed = os.urandom(4)", "1: urandom()"),
        ("seed = hash('a')", "1: hash()"),
        ("RNG = np.random.default_rng(3)", "1: a generator that all tests of the module share"),
    ],
)
def test_a_planted_draw_is_found(text, finding):
    assert list(findings(text)) == [finding]


def test_seeded_draws_are_none_of_it():
    assert not list(findings("def f(seed):\n    return np.random.default_rng([seed, 2])"))
