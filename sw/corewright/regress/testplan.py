# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Test plans: what of a block has to be shown, and which tests show it; ``docs/testplans.md``.

Each block of ``core`` and ``ip`` has a ``dv/testplan.toml``::

    support = ["test_x.py::test_the_bench_passes_where_no_bug_is_chosen"]

    [[testpoint]]
    name = "order_under_stalls"
    stage = "V1"
    description = "Beats leave in the order in which they came, whoever stalls."
    tests = ["tb_x.py::beats_arrive_in_order", "suite:system", "suite:system:stalls:heavy"]

A test is a function of pytest's (``test_*.py``) or of cocotb's (``tb_*.py``), in the block's own
``dv`` folder or by its path from the root; a suite of ``./cw regress``; or one bin of a suite.
Every test of the ``dv`` folder is in its plan, or under ``support``: it tests the bench, or another
block. Stages are OpenTitan's: V1 the block does its work, V2 all of its contract, V3 what is left:
rare corners, proofs, injected bugs. A testpoint without tests is a hole. A block has reached a
stage when no testpoint of it or of an earlier one is.

``python -m corewright.regress.testplan`` writes the page; with ``--check`` it says whether it is up
to date, by its exit status.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from corewright.environment import repository_root
from corewright.flow.errors import FlowInputError
from corewright.regress.suites import all_suites

STAGES = ("V1", "V2", "V3")
PLAN = "dv/testplan.toml"
PAGE = "docs/testplans.md"
_KEYS = ("name", "stage", "description", "tests")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class PlanPoint:
    """One thing that has to be shown.

    Attributes:
        name: unique in the plan.
        stage: one of ``STAGES``.
        description: a sentence or two.
        tests: that show it, as in the file; empty: a hole.
    """

    name: str
    stage: str
    description: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """The plan of a block.

    Attributes:
        block: ``ip/axis_fifo``.
        testpoints: in the file's order.
        support: tests that show nothing of the block.
    """

    block: str
    testpoints: tuple[PlanPoint, ...]
    support: tuple[str, ...] = ()

    @property
    def holes(self) -> tuple[PlanPoint, ...]:
        """Testpoints without tests."""
        return tuple(point for point in self.testpoints if not point.tests)

    @property
    def stage(self) -> str:
        """The stage that is reached; empty if not even the first."""
        reached = ""
        for stage in STAGES:
            points = [point for point in self.testpoints if point.stage == stage]
            if not points or any(not point.tests for point in points):
                break
            reached = stage
        return reached


def blocks(root: Path | None = None) -> list[str]:
    """Return the blocks of a tree: folders of ``core`` and ``ip`` that have a core."""
    root = root or repository_root()
    return sorted(
        {
            path.parent.relative_to(root).as_posix()
            for part in ("core", "ip")
            for path in (root / part).glob("*/*.core")
        }
    )


def read_plans(root: Path | None = None) -> list[Plan]:
    """Return the plans of all blocks.

    Raises:
        FlowInputError: one is missing, or not as this module says.
    """
    root = root or repository_root()
    return [_read_plan(root, block) for block in blocks(root)]


def _read_plan(root: Path, block: str) -> Plan:
    where = f"{block}/{PLAN}"
    path = root / where
    if not path.is_file():
        raise FlowInputError(f"{where} is missing: each block has a test plan")
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FlowInputError(f"{where} is no TOML: {error}") from error
    if unknown := sorted(set(contents) - {"support", "testpoint"}):
        raise FlowInputError(f"{where} has '{unknown[0]}', legal are support and [[testpoint]]")
    support = contents.get("support", [])
    if not _is_list_of_words(support):
        raise FlowInputError(f"{where}: support is {support!r}, legal is a list of tests")
    points: list[PlanPoint] = []
    for entry in contents.get("testpoint", []):
        point = _testpoint(where, entry)
        if point.name in {other.name for other in points}:
            raise FlowInputError(f"{where} has two testpoints '{point.name}'")
        points.append(point)
    if not points:
        raise FlowInputError(f"{where} has no [[testpoint]]")
    return Plan(block, tuple(points), tuple(support))


def _is_list_of_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) and word for word in value)


def _testpoint(where: str, entry: dict[str, object]) -> PlanPoint:
    name = entry.get("name")
    here = f"{where}, testpoint '{name}'"
    if set(entry) != set(_KEYS):
        has = ", ".join(sorted(entry))
        raise FlowInputError(f"{here} has {has}, legal are {', '.join(_KEYS)}, all of them")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise FlowInputError(f"{here}: legal names are words in lower case, joined by _")
    stage, description, tests = entry["stage"], entry["description"], entry["tests"]
    if stage not in STAGES:
        raise FlowInputError(f"{here} has stage {stage!r}, legal are {', '.join(STAGES)}")
    if not isinstance(description, str) or not description.strip():
        raise FlowInputError(f"{here} has no description")
    if not isinstance(tests, list) or not _is_list_of_words(tests):
        raise FlowInputError(f"{here} has tests {tests!r}, legal is a list, empty for a hole")
    return PlanPoint(name, str(stage), description.strip(), tuple(tests))


# ---------------------------------------------------------------------------------- completeness


def file_tests(path: Path) -> list[str]:
    """Return the tests in a file: pytest's functions and methods, or cocotb's functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    if path.name.startswith("test_"):
        return [node.name for node in functions if node.name.startswith("test_")]
    return [
        node.name
        for node in functions
        if any(_is_cocotb_test(decorator) for decorator in node.decorator_list)
    ]


def _is_cocotb_test(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called) == "cocotb.test"


def block_tests(root: Path, block: str) -> list[str]:
    """Return the tests in a block's ``dv`` folder, as its plan names them."""
    return [
        f"{path.name}::{name}"
        for pattern in ("tb_*.py", "test_*.py")
        for path in sorted((root / block / "dv").glob(pattern))
        for name in file_tests(path)
    ]


def complaints(plans: Sequence[Plan], root: Path | None = None) -> list[str]:
    """Return what is wrong between plans and tests, a line each; empty if nothing."""
    root = root or repository_root()
    return [line for plan in plans for line in _complaints(plan, root)]


def _complaints(plan: Plan, root: Path) -> Iterator[str]:
    where = f"{plan.block}/{PLAN}"
    named = [(point.name, test) for point in plan.testpoints for test in point.tests]
    named += [("support", test) for test in plan.support]
    for name, test in named:
        if why := _unknown(test, plan.block, root):
            yield f"{where}, {name}: '{test}' {why}"
    missing = set(block_tests(root, plan.block)) - {test for _, test in named}
    for test in sorted(missing):
        yield f"{where}: '{test}' is in no testpoint and not in support"


def _unknown(test: str, block: str, root: Path) -> str:
    """Why a test is none; empty if it is one."""
    if test.startswith("suite:"):
        name, _, wanted = test.removeprefix("suite:").partition(":")
        if name not in all_suites():
            return f"names no suite, legal are {', '.join(all_suites())}"
        bins = [f"{group}:{bin}" for group, bins in all_suites()[name].bins.items() for bin in bins]
        return "" if not wanted or wanted in bins else f"names no bin of {name}"
    file, _, function = test.partition("::")
    path = _path_of(file, block, root)
    if not path.is_file() or not path.name.startswith(("test_", "tb_")):
        return "names no file of tests, legal is FILE::FUNCTION or suite:NAME"
    return "" if function in file_tests(path) else f"is not in {file}"


def _path_of(file: str, block: str, root: Path) -> Path:
    return root / file if "/" in file else root / block / "dv" / file


# ------------------------------------------------------------------------------------------ page


def page(plans: Sequence[Plan]) -> str:
    """Return ``docs/testplans.md``."""
    points = [point for plan in plans for point in plan.testpoints]
    holes = sum(len(plan.holes) for plan in plans)
    lines = [
        "<!-- SPDX-License-Identifier: Apache-2.0 -->",
        "<!-- Copyright corewright contributors -->",
        "<!-- Written by `python -m corewright.regress.testplan` of the blocks' dv/testplan.toml: "
        "do not edit. -->",
        "# Test plans",
        "",
        "What has to be shown of each block, and the tests that show it. Stages are OpenTitan's: "
        "V1 the block",
        "does its work, V2 all of its contract, V3 rare corners, proofs, injected bugs. A stage is "
        "reached when",
        "none of its testpoints, and none of an earlier stage's, is without a test. Whether the "
        "tests pass, CI and the",
        "regressions say; what they cover of the sources, `./cw coverage`.",
        "",
        f"{len(points)} testpoints, {holes} of them holes.",
        "",
        "| block | stage | testpoints | holes |",
        "|---|---|---|---|",
    ]
    for plan in plans:
        name = f"[{plan.block}](#{plan.block.replace('/', '')})"
        without = ", ".join(f"`{point.name}`" for point in plan.holes) or "-"
        lines.append(f"| {name} | {plan.stage or 'none'} | {len(plan.testpoints)} | {without} |")
    for plan in plans:
        lines += ["", f"## {plan.block}", "", "| testpoint | stage | what | tests |"]
        lines.append("|---|---|---|---|")
        for stage in STAGES:
            lines += [_row(point) for point in plan.testpoints if point.stage == stage]
        if plan.support:
            tests = ", ".join(f"`{test}`" for test in plan.support)
            lines += ["", f"Tests of the bench itself, or of others: {tests}."]
    return "\n".join(lines) + "\n"


def _row(point: PlanPoint) -> str:
    what = re.sub(r"\s+", " ", point.description).replace("|", r"\|")
    tests = "<br>".join(f"`{test}`" for test in point.tests) or "**hole**"
    return f"| {point.name} | {point.stage} | {what} | {tests} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or compare it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="corewright.regress.testplan", allow_abbrev=False)
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if stale")
    check = parser.parse_args(arguments).check
    try:
        plans = read_plans()
    except FlowInputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    found = complaints(plans)
    for line in found:
        sys.stderr.write(f"{line}\n")
    path = repository_root() / PAGE
    text = page(plans)
    if not check:
        path.write_text(text, encoding="utf-8")
    elif not path.is_file() or path.read_text(encoding="utf-8") != text:
        sys.stderr.write(f"{PAGE} is stale: python -m corewright.regress.testplan writes it\n")
        return 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
