# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bugs that a test puts into copies of the sources, to prove that a bench or a proof finds them.

The mechanism is :mod:`corewright.mutate.choices`, which `./cw mutate` uses, too; here is what tests
say it by::

    mutants = Mutants({"half_up": Mutation("cw_postproc.sv", "...", "...")})
    bug = mutants.inject("half_up", sources_of("corewright:core:postproc"), folder)
    must_fail(top, bench, bug.sources, parameters, folder / "run", plusargs=bug.plusargs)
"""

from corewright.mutate.choices import MUTANT_PLUSARG, SELECTOR, Injected, Mutants, Mutation

__all__ = ["MUTANT_PLUSARG", "SELECTOR", "Injected", "Mutants", "Mutation"]
