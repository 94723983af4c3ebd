# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The suites by name: the files of ``regressions/suites``, and a user's own."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path

from corewright.environment import repository_root
from corewright.flow.errors import FlowInputError
from corewright.hints import did_you_mean
from corewright.regress import blocks, proofs
from corewright.regress.case import Suite
from corewright.regress.kinds.graphs import GraphSuite
from corewright.regress.kinds.system import SystemSuite
from corewright.regress.plan import SUFFIX, GraphPlan, read_plan

# Suites that have no parameters, and no file.
_WITHOUT_FILE: tuple[Suite, ...] = (blocks.SUITE, proofs.SUITE)
# References of suites that are files; others are ``module:attribute``.
_TREE, _FILE = "suite:", "file:"


def suites_folder() -> Path:
    """Return the folder of the suites that everybody has."""
    return repository_root() / "regressions" / "suites"


def suite_of(path: Path, *, own: bool) -> Suite:
    """Return the suite in a file.

    Args:
        path: the file.
        own: whether it is a user's, found by its path and not by its name.

    Raises:
        FlowInputError: it is no suite; the message names file, field, value and what is legal.
    """
    plan = read_plan(path)
    name, file = path.stem, str(path.resolve()) if own else ""
    reference = _FILE + file if own else _TREE + name
    if isinstance(plan, GraphPlan):
        return GraphSuite(plan, name, reference, file)
    return SystemSuite(plan, name, reference, file)


@functools.cache
def all_suites() -> dict[str, Suite]:
    """Return the suites that everybody has, by name.

    Raises:
        FlowInputError: the file of one is wrong.
    """
    files = sorted(suites_folder().glob(f"*{SUFFIX}"))
    known = {path.stem: suite_of(path, own=False) for path in files}
    return known | {suite.name: suite for suite in _WITHOUT_FILE}


def find_suite(name: str) -> Suite:
    """Return the suite called ``name``, or that of the file with this path, ``....toml``.

    Raises:
        FlowInputError: there is none, and the message lists those that there are; or its file is
            wrong.
    """
    if name.endswith(SUFFIX):
        return suite_of(Path(name), own=True)
    known = all_suites()
    if name not in known:
        raise FlowInputError(
            f"there is no suite '{name}'{did_you_mean(name, known)}, legal are: "
            f"{', '.join(known)}, and the path of a {SUFFIX} file"
        )
    return known[name]


def resolve(reference: str) -> Suite:
    """Return the suite of a reference: of a file, or the object that ``module:attribute`` names."""
    if reference.startswith(_TREE):
        return find_suite(reference.removeprefix(_TREE))
    if reference.startswith(_FILE):
        return suite_of(Path(reference.removeprefix(_FILE)), own=True)
    module, _, attribute = reference.partition(":")
    suite: Suite = getattr(importlib.import_module(module), attribute)
    return suite
