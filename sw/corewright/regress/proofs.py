# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Suite ``proofs``: a case is a task of SymbiYosys of a core that has the target ``formal``.

The tasks run through the flow ``cw_formal``, by ``fusesoc run``. There is nothing random: the seed
plays no part, and a case beyond the last task is the first one again.
"""

from __future__ import annotations

import contextlib
import functools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from corewright.environment import EnvironmentUnusableError, build_folder, repository_root
from corewright.flow.cache import building
from corewright.flow.compiled_bench import flow_environment, fusesoc_command, tail
from corewright.flow.errors import FlowError
from corewright.regress.case import CaseId, CheckFailed, Observation

_FAILED = re.compile(r"Assert failed in \S+: (\S+)")


@dataclass(frozen=True)
class Proof:
    """A task of a core's ``.sby`` file."""

    core: str
    task: str

    @property
    def block(self) -> str:
        """The core as bins name it: ``ip/axi_dma``."""
        return "/".join(self.core.split(":")[1:3])


def all_proofs(root: Path) -> list[Proof]:
    """Return the proofs of all cores of ``ip/`` and ``core/``.

    Raises:
        FlowError: a core's target ``formal`` has not one ``.sby`` file with tasks.
    """
    from edalize.tools.cw_formal import task_names

    found = []
    for path in sorted([*root.glob("ip/*/*.core"), *root.glob("core/*/*.core")]):
        core = yaml.safe_load(path.read_text(encoding="utf-8").removeprefix("CAPI=2:"))
        if "formal" not in core.get("targets", {}):
            continue
        files = sorted(path.parent.glob("dv/formal/*.sby"))
        tasks = task_names(files[0].read_text(encoding="utf-8")) if len(files) == 1 else []
        if not all(tasks) or not tasks:
            raise FlowError(f"{path} has the target formal, but not one .sby file with tasks")
        found += [Proof(core["name"], task) for task in tasks]
    return found


class ProofSuite:
    """See this module."""

    name = "proofs"
    reference = "corewright.regress.proofs:SUITE"

    @functools.cached_property
    def proofs(self) -> tuple[Proof, ...]:
        """All of them, in the order of cores and files."""
        return tuple(all_proofs(repository_root()))

    @property
    def default_cases(self) -> int:
        """Each task once."""
        return len(self.proofs)

    @property
    def bins(self) -> Mapping[str, tuple[str, ...]]:
        """The tasks of each core."""
        found: dict[str, tuple[str, ...]] = {}
        for proof in self.proofs:
            found[proof.block] = (*found.get(proof.block, ()), proof.task)
        return found

    def group(self, index: int) -> int | None:
        """Cases need no preparation."""
        return None

    def prepare(self, seed: int, group: int) -> None:
        """Nothing is shared."""

    def run(self, seed: int, index: int, observation: Observation) -> None:
        """Run a task; see :class:`Suite`.

        Raises:
            EnvironmentUnusableError: SymbiYosys or its solver is not installed.
        """
        proof = self.proofs[index % len(self.proofs)]
        observation.describe(core=proof.core, task=proof.task)
        observation.cover(f"{proof.block}:{proof.task}")
        with _scratch(str(CaseId(self.name, seed, index))) as folder:
            prove(proof, folder)


def prove(proof: Proof, folder: Path, *options: str) -> None:
    """Run a proof's task.

    Args:
        proof: what is to be proven.
        folder: where FuseSoC builds; stays when the proof fails.
        options: further options of ``fusesoc``.

    Raises:
        CheckFailed: there is a counterexample; the signature names the assertion.
        EnvironmentUnusableError: a tool is not installed.
        FlowError: it was not decided.
    """
    log = folder / "log"
    command = [
        *(*fusesoc_command(), *options, "run", "--target", "formal", "--work-root"),
        *(str(folder / "work"), proof.core, "--tasks", proof.task),
    ]
    with building(log), log.open("w", encoding="utf-8") as file:
        done = subprocess.run(
            command,
            cwd=repository_root(),
            env=flow_environment(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode == 0:
        return
    text = log.read_text(encoding="utf-8", errors="replace")
    if missing := re.search(r"\S+ is not installed: .*", text):
        raise EnvironmentUnusableError(missing[0])
    detail = f"{tail(log)}\nlog: {log}"
    if "DONE (FAIL" in text:
        assertion = _FAILED.search(text)
        what = assertion[1] if assertion else "a goal that is not reached"
        raise CheckFailed(f"{proof.block} {proof.task}: {what}", detail)
    raise FlowError(f"{proof.core}, task {proof.task}, was not decided\n{detail}")


@contextlib.contextmanager
def _scratch(name: str) -> Iterator[Path]:
    """Give a folder of its own, which only a failure leaves behind."""
    failures = build_folder() / "regress"
    with building(failures):
        failures.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=failures))
    yield folder
    shutil.rmtree(folder)


SUITE = ProofSuite()
