# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What suites that a file describes have in common, whatever their kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from corewright.regress.case import Observation
from corewright.regress.drawn import Drawn
from corewright.regress.plan import GraphPlan, SystemPlan

PlanT = TypeVar("PlanT", GraphPlan, SystemPlan)


@dataclass(frozen=True)
class PlannedSuite(ABC, Generic[PlanT]):
    """A suite made of a plan; an :class:`~corewright.regress.drawn.ExplicitSuite`.

    Attributes:
        plan: the suite's file.
        name: as on the command line.
        reference: see :class:`~corewright.regress.case.Suite`.
        file: a user's own.
    """

    # A plan is compared, but holds tables: it has no hash.
    plan: PlanT = field(hash=False)
    name: str
    reference: str
    file: str = ""

    @property
    def default_cases(self) -> int:
        """See :class:`~corewright.regress.case.Suite`."""
        return self.plan.cases

    def run(self, seed: int, index: int, observation: Observation) -> None:
        """Draw a case and check it; see :class:`~corewright.regress.case.Suite`."""
        self.check(self.draw(seed, index, observation), observation)

    @abstractmethod
    def draw(self, seed: int, index: int, observation: Observation) -> Drawn:
        """See :class:`~corewright.regress.drawn.ExplicitSuite`."""

    @abstractmethod
    def check(self, drawn: Drawn, observation: Observation, waves: Path | None = None) -> None:
        """See :class:`~corewright.regress.drawn.ExplicitSuite`."""
