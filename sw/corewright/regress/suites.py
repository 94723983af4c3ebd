# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The suites by name: the files of ``regressions/suites``, and a user's own."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, MutableMapping
from functools import cached_property
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


class _Suites(MutableMapping[str, Suite]):
    """The tree's suites; files are read when they are first asked for. Tests put in others."""

    @cached_property
    def _paths(self) -> dict[str, Path]:
        files = {path.stem: path for path in sorted(suites_folder().glob(f"*{SUFFIX}"))}
        return {**files, **{suite.name: Path() for suite in _WITHOUT_FILE}}

    @cached_property
    def _read(self) -> dict[str, Suite]:
        return {suite.name: suite for suite in _WITHOUT_FILE}

    def __getitem__(self, name: str) -> Suite:
        if name not in self._read:
            self._read[name] = suite_of(self._paths[name], own=False)
        return self._read[name]

    def __setitem__(self, name: str, suite: Suite) -> None:
        self._read[name] = suite
        self._paths.setdefault(name, Path())

    def __delitem__(self, name: str) -> None:
        del self._paths[name]
        self._read.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, name: object) -> bool:
        return name in self._paths


SUITES: MutableMapping[str, Suite] = _Suites()


def find_suite(name: str) -> Suite:
    """Return the suite called ``name``, or that of the file with this path, ``....toml``.

    Raises:
        FlowInputError: there is none, and the message lists those that there are; or its file is
            wrong.
    """
    if name.endswith(SUFFIX):
        return suite_of(Path(name), own=True)
    if name not in SUITES:
        raise FlowInputError(
            f"there is no suite '{name}'{did_you_mean(name, SUITES)}, legal are: "
            f"{', '.join(SUITES)}, and the path of a {SUFFIX} file"
        )
    return SUITES[name]


def resolve(reference: str) -> Suite:
    """Return the suite of a reference: of a file, or the object that ``module:attribute`` names."""
    if reference.startswith(_TREE):
        return find_suite(reference.removeprefix(_TREE))
    if reference.startswith(_FILE):
        return suite_of(Path(reference.removeprefix(_FILE)), own=True)
    module, _, attribute = reference.partition(":")
    suite: Suite = getattr(importlib.import_module(module), attribute)
    return suite
