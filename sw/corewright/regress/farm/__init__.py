# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Cases on other machines, or on many processes of this one.

``remote`` is what runs at the far end of any farm, ``dask`` the transport to Dask's workers;
``corewright.regress.scheduler.Transport`` is all that another farm has to offer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from corewright.flow.errors import FlowInputError

if TYPE_CHECKING:
    from corewright.regress.farm.dask import DaskScheduler

# What a user may write behind --farm.
LEGAL = "ADDRESS (tcp://HOST:PORT of a Dask scheduler), local:N, slurm or slurm:N"
INSTALL = "the packages of the farm are missing: `pip install corewright[farm]` has them"
_FARM = re.compile(
    r"(?P<kind>local|slurm)(?::(?P<count>[1-9]\d{0,4}))?|(?P<address>(?:tcp|tls|ucx|ws|wss)://\S+)"
)


def open_farm(
    text: str,
    *,
    case_seconds: float,
    jobs: int | None = None,
    patience: float = 600.0,
) -> DaskScheduler:
    """Return the scheduler that ``--farm`` names; nothing is started yet.

    Args:
        text: see ``LEGAL``.
        case_seconds: limit of a case, see :meth:`WorkerProcess.call`.
        jobs: workers where ``text`` does not say how many.
        patience: seconds without any worker after which the open cases are errors.

    Raises:
        FlowInputError: ``text`` is none of these, or a package is missing.
    """
    match = _FARM.fullmatch(text)
    if match is None or (match["kind"] == "local" and not (match["count"] or jobs)):
        raise FlowInputError(f"--farm is '{text}', legal is {LEGAL}")
    try:
        from corewright.regress.farm.dask import DaskScheduler, address, local, slurm
    except ModuleNotFoundError as error:
        raise FlowInputError(f"{INSTALL} ({error.name})") from error
    if match["address"]:
        opened = address(match["address"])
    else:
        count = int(match["count"] or jobs or 1)
        opened = local(count) if match["kind"] == "local" else slurm(count)
    return DaskScheduler(text, opened, case_seconds=case_seconds, patience=patience)


__all__ = ["INSTALL", "LEGAL", "open_farm"]
