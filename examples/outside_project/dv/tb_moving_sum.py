# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of moving_sum."""

import random

import cocotb

from corewright.testing.axis import AxisSink, AxisSource, run_until, start


@cocotb.test
@cocotb.parametrize(stall=(0.0, 0.5))
async def each_output_is_the_sum_of_four_samples(dut, stall):
    rng = random.Random(random.getrandbits(64))
    source = AxisSource(dut, "s_axis", ["tdata"], rng, stall)
    sink = AxisSink(dut, "m_axis", ["tdata"], rng, stall)
    await start(dut)
    samples = [rng.getrandbits(len(dut.s_axis_tdata)) for _ in range(200)]
    source.send([{"tdata": sample} for sample in samples])
    await run_until(dut.clk_i, [source, sink], sink.holds(len(samples)))
    sums = [sum(samples[max(0, n - 3) : n + 1]) for n in range(len(samples))]
    assert [beat["tdata"] for beat in sink.beats] == sums
