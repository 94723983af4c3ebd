# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What cocotb needs of pytest in a simulation whose assertions are not rewritten.

cocotb imports pytest and, to look at its configuration, half of its internals; that takes longer
than most of our benches. :mod:`corewright.flow.cocotb_bench` puts this folder on the path of a
simulation, and leaves it out where a failed run is repeated for pytest's messages. A bench uses
cocotb's own means, nothing of pytest.
"""

from __future__ import annotations

import sys
from typing import Any


class _Outcome:
    """A function of pytest's that ends a test: cocotb looks for its exception only."""

    def __init__(self) -> None:
        self.Exception = type("Exception", (BaseException,), {})

    def __call__(self, *arguments: Any, **options: Any) -> None:
        raise RuntimeError("a bench has no pytest: assert, or pass expect_error to cocotb.test")


skip, xfail, raises = _Outcome(), _Outcome(), _Outcome()
# Imported and, without files whose assertions are rewritten, not used.
install_importhook = Config = None
for _name in ("_pytest", "_pytest.assertion", "_pytest.config"):
    sys.modules[_name] = sys.modules[__name__]
