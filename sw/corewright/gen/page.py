# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The page ``docs/generators.md``: ``python -m corewright.gen.page > docs/generators.md``."""

from __future__ import annotations

import sys

from corewright.gen.generate import SystemParameters
from corewright.gen.registers import RegistersParameters
from corewright.gen.schema import Parameters, table
from corewright.gen.stream_buffer import StreamBufferParameters

_HEAD = """\
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Copyright corewright contributors -->
<!-- Made of the generators' own schemas, do not edit:
     python -m corewright.gen.page > docs/generators.md -->
# Generators

A core that depends on a generator's core makes what it needs in its own `generate:` section:

```yaml
filesets:
  rtl:
    depend: ["corewright:ip:generators"]
generate:
  buffer:
    generator: "stream_buffer"
    parameters: {name: "my_buffer", width: 32, depths: [16, 4]}
targets:
  default:
    filesets: ["rtl"]
    generate: ["buffer"]
```

A parameter that is unknown or wrong ends the run. One line says the core, the parameter, its value,
what is legal and the nearest legal value; FuseSoC's own lines follow it. The same parameters give
the same bytes. File names are relative to the calling core.
"""
GENERATORS: dict[str, tuple[str, str, type[Parameters]]] = {
    "system": (
        "corewright:core:gen",
        "A configured accelerator, and program, vectors and firmware header of a model for it.",
        SystemParameters,
    ),
    "registers": (
        "corewright:ip:generators",
        "AXI4-Lite registers by PeakRDL (`pip install peakrdl`), C header, Markdown, Python and "
        "Tcl of a SystemRDL file, all called after its address map.",
        RegistersParameters,
    ),
    "stream_buffer": (
        "corewright:ip:generators",
        "AXI-Stream FIFOs of given width and depths in one module.",
        StreamBufferParameters,
    ),
}


def page() -> str:
    """Return the page's text."""
    parts = [
        f"## `{name}`\n\n{text} Core `{core}`.\n\n{table(model)}"
        for name, (core, text, model) in GENERATORS.items()
    ]
    return "\n".join([_HEAD, *parts])


if __name__ == "__main__":
    sys.stdout.write(page())
