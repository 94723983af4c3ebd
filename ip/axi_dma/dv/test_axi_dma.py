# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""pytest launcher of the DMA movers' cocotb benches, and proof that the benches can fail."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from corewright.environment import tool_environment, verilator_executable
from corewright.flow.block_benches import block_benches
from corewright.mutate.choices import Mutants, Mutation
from corewright.testing.cocotb_runner import must_fail, run_cocotb, run_declared, sources_of
from corewright.testing.selection import first_of_each

# By top module.
BENCHES = {bench.top: bench for bench in block_benches(Path(__file__).parent)}
CONFIGURATIONS = BENCHES["cw_axi_reader"].configurations

SPLIT = "cw_axi_burst_split.sv"
READER = "cw_axi_reader.sv"
WRITER = "cw_axi_writer.sv"

# Seeds after which a bug counts as not found.
ATTEMPTS = 4
# top, file, correct text, injected bug, the test that has to notice
MUTANTS = {
    "burst_behind_the_command": (
        "cw_axi_reader",
        SPLIT,
        "whole_q ? BlocksBits'(2) : BlocksBits'(1)",
        "BlocksBits'(1)",
        "every_packet",
    ),
    "burst_costs_a_bubble": (
        "cw_axi_reader",
        READER,
        "(!ar_valid_q || m_axi_arready) && info_ready",
        "!ar_valid_q && info_ready",
        "addresses_run_ahead",
    ),
    "first_beat_not_shifted": (
        "cw_axi_reader",
        READER,
        "m_axi_rdata >> {info.offset, 3'b000}",
        "m_axi_rdata",
        "every_offset",
    ),
    "beat_dropped_under_stall": (
        "cw_axi_reader",
        READER,
        "info_valid && (out_ready || drain)",
        "info_valid",
        "every_packet",
    ),
    "read_error_not_reported": (
        "cw_axi_reader",
        READER,
        "r_beat && m_axi_rresp != 2'b00",
        "r_beat && m_axi_rresp == 2'b01",
        "an_error_response",
    ),
    "aborted_burst_writes_bytes": (
        "cw_axi_writer",
        WRITER,
        "drain ? '0 : s_axis_tkeep",
        "drain ? '1 : s_axis_tkeep",
        "an_abort",
    ),
    "one_outstanding_too_few": (
        "cw_axi_writer",
        WRITER,
        "outstanding_q != CountBits'(MaxOutstanding)",
        "outstanding_q != CountBits'(MaxOutstanding - 1)",
        "addresses_run_ahead",
    ),
    "strobes_ignored": (
        "cw_axi_writer",
        WRITER,
        "drain ? '0 : s_axis_tkeep",
        "drain ? '0 : '1",
        "every_offset",
    ),
}


BUGS = Mutants({name: Mutation(*bug) for name, (_, *bug, _) in MUTANTS.items()})


# The targets sim and sim_writer are the 64 bit configuration, see ip/test_targets.py.
@pytest.mark.parametrize(
    ("top", "name"),
    [
        (top, name)
        for top in sorted(BENCHES)
        for name in BENCHES[top].configurations
        if name != "64bit"
    ],
)
def test_axi_dma(top: str, name: str) -> None:
    run_declared(BENCHES[top], name)


@pytest.mark.parametrize("name", first_of_each(sorted(MUTANTS), lambda name: MUTANTS[name][0]))
def test_the_bench_catches(name: str, tmp_path: Path) -> None:
    top, *_, noticing_test = MUTANTS[name]
    bug = BUGS.inject(name, sources_of("corewright:ip:axi_dma"), tmp_path)
    must_fail(
        top,
        BENCHES[top].module,
        bug.sources,
        CONFIGURATIONS["64bit"].parameters,
        tmp_path / "run",
        attempts=ATTEMPTS,
        # A mutant may leave a signal without a reader.
        extra_args=["-Wno-fatal"],
        plusargs=bug.plusargs,
        bench_options=CONFIGURATIONS["64bit"].options,
        test_filter=noticing_test,
    )


@pytest.mark.nightly
@pytest.mark.parametrize("top", sorted(BENCHES))
def test_the_bench_passes_where_no_bug_is_chosen(top: str, tmp_path: Path) -> None:
    run_cocotb(
        top,
        BENCHES[top].module,
        BUGS.sources(sources_of("corewright:ip:axi_dma"), tmp_path),
        CONFIGURATIONS["64bit"].parameters,
        extra_args=["-Wno-fatal"],
        bench_options=CONFIGURATIONS["64bit"].options,
    )


ILLEGAL = [
    *(
        (top, *words)
        for top in sorted(BENCHES)
        for words in [
            ("DataBits", 16, "BeatBytes must be 4, 8, 16, 32 or 64"),
            ("DataBits", 1024, "BeatBytes must be 4, 8, 16, 32 or 64"),
            ("MaxBurstBeats", 0, "MaxBurstBeats must be 1..256"),
            ("MaxBurstBeats", 257, "MaxBurstBeats must be 1..256"),
            ("AddrBits", 12, "AddrBits must be 13..64"),
            ("AddrBits", 65, "AddrBits must be 13..64"),
            # The queue of that depth is no legal one, either, and may be looked at first.
            ("MaxOutstanding", 0, "%Error"),
        ]
    ),
    ("cw_axi_reader", "UnitBytes", 0, "UnitBytes must be a power of two up to a beat"),
    ("cw_axi_reader", "UnitBytes", 3, "UnitBytes must be a power of two up to a beat"),
    ("cw_axi_reader", "UnitBytes", 16, "UnitBytes must be a power of two up to a beat"),
]


@pytest.mark.parametrize(("top", "parameter", "value", "message"), ILLEGAL)
def test_illegal_parameters_end_the_elaboration(
    top: str, parameter: str, value: int, message: str
) -> None:
    done = subprocess.run(
        [
            str(verilator_executable()),
            *("--lint-only", "--top-module", top, f"-G{parameter}={value}"),
            *(str(path) for path in BENCHES[top].sources),
        ],
        env=tool_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert message in done.stderr
