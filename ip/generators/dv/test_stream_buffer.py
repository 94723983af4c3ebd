# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The bench of generated stream buffers passes on what is generated, and finds bugs in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from corewright.gen.schema import checked
from corewright.gen.stream_buffer import StreamBufferParameters, buffer_module
from corewright.mutate.choices import Mutants, Mutation
from corewright.testing.cocotb_runner import must_fail, run_cocotb, sources_of

NAME = "cw_small_buffer"
FILE = f"{NAME}.sv"
PARAMETERS = {"name": NAME, "width": 4, "depths": [3, 1], "almost_full": True}
EXPECTED = {"width": 4, "beats": 4, "latency": 2, "almost_full": True}
BUGS = {
    "almost_full_late": Mutation(FILE, "count0 >= 2'd2", "count0 > 2'd2"),
    "beats_lost": Mutation(FILE, "assign s_axis_tready = ready0;", "assign s_axis_tready = 1'b1;"),
    "one_fifo_skipped": Mutation(
        FILE, "assign m_axis_tdata = data2;", "assign m_axis_tdata = data1;"
    ),
}
MUTANTS = Mutants(BUGS)


def sources(folder: Path) -> list[Path]:
    """The FIFO, and the module that the generator makes."""
    module = folder / FILE
    given = checked(StreamBufferParameters, PARAMETERS)
    module.write_text(buffer_module(given), encoding="utf-8")
    return [*sources_of("corewright:ip:axis_fifo"), module]


def test_the_bench_passes_without_a_bug(tmp_path: Path):
    # The model with the bugs, of which this run has none.
    files = MUTANTS.sources(sources(tmp_path), tmp_path)
    run_cocotb(NAME, "tb_stream_buffer", files, bench_options=EXPECTED)


@pytest.mark.parametrize("name", BUGS)
def test_the_bench_finds_the_bug(name: str, tmp_path: Path):
    bug = MUTANTS.inject(name, sources(tmp_path), tmp_path)
    must_fail(
        NAME,
        "tb_stream_buffer",
        bug.sources,
        {},
        tmp_path / "run",
        plusargs=bug.plusargs,
        bench_options=EXPECTED,
    )
