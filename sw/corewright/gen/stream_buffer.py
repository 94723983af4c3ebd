# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The FuseSoC generator ``stream_buffer``: FIFOs of given depths, one behind the other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from corewright.gen.schema import (
    LEGAL_NAMES,
    NAME_PATTERN,
    CheckedGenerator,
    Parameters,
    checked,
    parameter,
    run_generator,
)

_LARGEST = 65536


class StreamBufferParameters(Parameters):
    """Parameters of the generator ``stream_buffer``."""

    name: str = parameter(
        "cw_stream_buffer",
        "what the module is called; two in one design need two names",
        LEGAL_NAMES,
        pattern=NAME_PATTERN,
    )
    width: int = parameter(
        8, "of `tdata`", f"integers from 1 to {_LARGEST}", "bits", ge=1, le=_LARGEST
    )
    depths: list[Annotated[int, Field(ge=1, le=_LARGEST)]] = parameter(
        [4],
        "of the FIFOs, from the input on; several shallow ones cut the path of `tready`",
        f"lists of at least one integer from 1 to {_LARGEST}",
        "beats",
        min_length=1,
    )
    registered: bool = parameter(
        False, "whether a register slice follows, so that all outputs are registers", "true, false"
    )
    almost_full: bool = parameter(
        False,
        "whether there is an output `almost_full_o`, high while the first FIFO has room for one "
        "beat at most; that FIFO needs a depth of 2 or more then",
        "true, false",
    )

    @model_validator(mode="after")
    def _almost_full_is_low_at_times(self) -> Self:
        if self.almost_full and self.depths[0] < 2:
            raise ValueError(
                f"depths[0] is {self.depths[0]}, legal with almost_full are integers from 2 to "
                f"{_LARGEST}, nearest is 2"
            )
        return self


def buffer_module(given: StreamBufferParameters) -> str:
    """Return the SystemVerilog module."""
    fifos = len(given.depths)
    kept = sum(given.depths) + (2 if given.registered else 0)
    latency = fifos + given.registered
    lines = [
        "// SPDX-License-Identifier: Apache-2.0",
        "// Copyright corewright contributors",
        "",
        f"/// AXI-Stream buffer of {kept} beats: FIFOs of {', '.join(map(str, given.depths))}"
        f"{' and a register slice' if given.registered else ''}.",
        f"/// Latency {latency} cycles if empty, one beat a cycle; see cw_axis_fifo, cw_axis_skid.",
        *(
            ["/// almost_full_o: the first FIFO has room for one beat at most."]
            if given.almost_full
            else []
        ),
        f"module {given.name} (",
        "  input  logic clk_i,",
        "  input  logic rst_ni,",
        f"  input  logic [{given.width - 1}:0] s_axis_tdata,",
        "  input  logic s_axis_tvalid,",
        "  output logic s_axis_tready,",
        *(["  output logic almost_full_o,"] if given.almost_full else []),
        f"  output logic [{given.width - 1}:0] m_axis_tdata,",
        "  output logic m_axis_tvalid,",
        "  input  logic m_axis_tready",
        ");",
        "",
        # Signals of their own: in an array, a tool sees a loop where tready runs against tvalid.
        *(
            line
            for stage in range(latency + 1)
            for line in (
                f"  logic [{given.width - 1}:0] data{stage};",
                f"  logic valid{stage}, ready{stage};",
            )
        ),
        "",
        "  assign data0 = s_axis_tdata;",
        "  assign valid0 = s_axis_tvalid;",
        "  assign s_axis_tready = ready0;",
        f"  assign m_axis_tdata = data{latency};",
        f"  assign m_axis_tvalid = valid{latency};",
        f"  assign ready{latency} = m_axis_tready;",
    ]
    for stage, depth in enumerate(given.depths):
        bits = depth.bit_length()
        count = "count" if given.almost_full and stage == 0 else "unused_count"
        lines += [
            "",
            f"  logic [{bits - 1}:0] {count}{stage};",
            "",
            "  cw_axis_fifo #(",
            f"    .Width({given.width}),",
            f"    .Depth({depth})",
            f"  ) u_fifo{stage} (",
            "    .clk_i,",
            "    .rst_ni,",
            "    .clear_i(1'b0),",
            *_stream(stage),
            f"    .count_o({count}{stage})",
            "  );",
        ]
    if given.almost_full:
        first = given.depths[0]
        lines += [
            "",
            f"  assign almost_full_o = count0 >= {first.bit_length()}'d{first - 1};",
        ]
    if given.registered:
        connections = _stream(fifos)
        connections[-1] = connections[-1].rstrip(",")
        lines += ["", "  cw_axis_skid #(", f"    .Width({given.width})", "  ) u_skid ("]
        lines += ["    .clk_i,", "    .rst_ni,", *connections, "  );"]
    return "\n".join([*lines, "", "endmodule", ""])


def _stream(stage: int) -> list[str]:
    """Return the connections of a block between two stages."""
    return [
        f"    .{side}_axis_t{signal}({signal}{stage + offset}),"
        for side, offset in (("s", 0), ("m", 1))
        for signal in ("data", "valid", "ready")
    ]


class StreamBufferGenerator(CheckedGenerator):
    """Writes one module; the same parameters give the same bytes."""

    model: ClassVar[type[Parameters]] = StreamBufferParameters

    def run(self) -> None:
        """Write the module and list it.

        Raises:
            FlowInputError: a parameter is unknown or wrong.
        """
        given = checked(StreamBufferParameters, self.values)
        name = f"{given.name}.sv"
        Path(name).write_text(buffer_module(given), encoding="utf-8")
        self.add_files([name], fileset="rtl", file_type="systemVerilogSource")


def main() -> int:
    """Run as FuseSoC does, with the path of a YAML file; returns the exit status."""
    return run_generator(StreamBufferGenerator)
