# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Drives a protocol checker, whose ports are inputs, through legal traffic and its faults.

Each fault follows a reset and legal traffic; ``none`` is legal traffic only. The run goes on behind
assertions that fail: the launcher looks which ones did so in the time of each fault. These times,
the step before the first one and the last, stand in ``faults.json``.
"""

import json
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.simtime import get_sim_time
from cocotb.triggers import RisingEdge

# The window ends inside a page, so that its end is no page's.
BASE, BYTES = 0x40_0000_1000, 0x2F00
# The read checker's other window.
OTHER, OTHER_BYTES = 0x10_0000_0000, 0x104


async def each_fault(dut, faults, idle):
    """Yields each fault's name behind a reset, and notes when it was."""
    cocotb.start_soon(Clock(dut.clk_i, 2, unit="ns").start())
    times = {}
    for fault in faults:
        first = get_sim_time("step")
        clear(dut, idle)
        await reset(dut)
        yield fault
        times[fault] = first, get_sim_time("step")
    Path("faults.json").write_text(json.dumps(times), encoding="utf-8")


async def reset(dut):
    for name, value in (("window_base_i", BASE), ("window_bytes_i", BYTES), ("quiet_i", 0),
                        ("other_base_i", OTHER), ("other_bytes_i", OTHER_BYTES)):  # fmt: skip
        if hasattr(dut, name):
            getattr(dut, name).value = value
    dut.rst_ni.value = 0
    for _ in range(2):
        await RisingEdge(dut.clk_i)
    dut.rst_ni.value = 1


def clear(dut, names):
    for name in names.split():
        getattr(dut, name).value = 0


async def drive(dut, **values):
    """Sets ports and waits for the clock edge that samples them."""
    for name, value in values.items():
        getattr(dut, name).value = value
    await RisingEdge(dut.clk_i)


def request(channel, **changes):
    """A legal request of 4 beats of 8 bytes, with changes."""
    legal = {"addr": BASE + 8, "len": 3, "size": 3, "burst": 1, "valid": 1, "ready": 1}
    return {f"{channel}{name}": value for name, value in (legal | changes).items()}


# By fault: what follows legal traffic, as steps of request changes.
REQUEST_FAULTS = {
    "none": [],
    "valid_drops": [{"ready": 0}, {"valid": 0}],
    "address_changes": [{"ready": 0}, {"ready": 0, "addr": BASE + 16}],
    "length_changes": [{"ready": 0}, {"ready": 0, "len": 2}],
    "wrapping_burst": [{"burst": 2}],
    "narrow_burst": [{"size": 2}],
    "page_crossed": [{"addr": BASE + 0x1000 - 16, "len": 2}],
    "too_long": [{"addr": BASE, "len": 16}],
    "below_window": [{"addr": BASE - 8, "len": 0}],
    "beyond_window": [{"addr": BASE + BYTES, "len": 0}],
    "over_the_end": [{"addr": BASE + BYTES - 8, "len": 1}],
    "without_run": [{"quiet": 1}],
}
OTHER_FAULTS = {
    "below_other": [{"addr": OTHER - 8, "len": 0}],
    "beyond_other": [{"addr": OTHER + 0x108, "len": 0}],
    "over_the_other_end": [{"addr": OTHER + 0x100, "len": 1}],
}


async def drive_request(dut, channel, changes):
    changes = dict(changes)
    await drive(dut, quiet_i=changes.pop("quiet", 0), **request(channel, **changes))


@cocotb.test()
async def read_rules(dut):
    if not hasattr(dut, "arvalid") or hasattr(dut, "rvalid"):
        return
    faults = REQUEST_FAULTS | OTHER_FAULTS
    ports = "arid arlock arcache arprot arqos arvalid arready araddr arlen arsize arburst"
    async for fault in each_fault(dut, faults, ports):
        for legal in ({}, {"ready": 0}, {"ready": 0}, {}, {"addr": BASE + 0x1000 - 8, "len": 0},
                      {"addr": BASE, "len": 15}, {"addr": BASE + BYTES - 8, "len": 0},
                      {"addr": OTHER}, {"addr": OTHER + 0x100, "len": 0}):  # fmt: skip
            await drive_request(dut, "ar", legal)
        await drive(dut, arvalid=0, quiet_i=1)
        await drive(dut, quiet_i=0)
        for step in faults[fault]:
            await drive_request(dut, "ar", step)
        for _ in range(2):
            await drive(dut, arvalid=0, quiet_i=0)


# By fault: the write data's (valid, ready, last, data) in each cycle behind a burst of 2 beats.
DATA_FAULTS = {
    "data_changes": [(1, 0, 0, 5), (1, 0, 0, 6)],
    "data_drops": [(1, 0, 0, 5), (0, 0, 0, 5)],
    "last_early": [(1, 1, 1, 5)],
    "last_missing": [(1, 1, 0, 5), (1, 1, 0, 6)],
    "data_without_address": [(1, 1, 0, 5), (1, 1, 1, 6), (1, 1, 1, 7)],
}


async def write_data(dut, steps):
    for valid, ready, last, data in steps:
        await drive(dut, awvalid=0, wvalid=valid, wready=ready, wlast=last, wdata=data)
    await drive(dut, wvalid=0)


@cocotb.test()
async def write_rules(dut):
    if not hasattr(dut, "wdata"):
        return
    ports = "awid awlock awcache awprot awqos awvalid awready awaddr awlen awsize awburst"
    faults = [*REQUEST_FAULTS, *DATA_FAULTS, "data_without_run"]
    async for fault in each_fault(dut, faults, f"{ports} wdata wstrb wlast wvalid wready"):
        for legal in ({"len": 1}, {"ready": 0, "len": 0}, {"len": 0}):
            await drive_request(dut, "aw", legal)
        await write_data(
            dut, [(1, 0, 0, 1), (1, 1, 0, 1), (0, 1, 0, 0), (1, 1, 1, 2), (1, 1, 1, 3)]
        )
        if fault in DATA_FAULTS:
            await drive_request(dut, "aw", {"len": 1})
            await write_data(dut, DATA_FAULTS[fault])
        elif fault == "data_without_run":
            await drive(dut, awvalid=0, quiet_i=1, wvalid=1)
        for step in REQUEST_FAULTS.get(fault, []):
            await drive_request(dut, "aw", step)
        for _ in range(2):
            await drive(dut, awvalid=0, wvalid=0, quiet_i=0)


# By fault: port values in the cycles behind legal accesses.
REGISTER_FAULTS = {
    "none": [],
    "response_drops": [{"awvalid": 1, "wvalid": 1}, {"bvalid": 1}, {"bvalid": 0}],
    "response_changes": [{"arvalid": 1}, {"rvalid": 1, "rdata": 1}, {"rvalid": 1, "rdata": 2}],
    "data_drops": [{"arvalid": 1}, {"rvalid": 1}, {}],
    "response_unasked": [{"awvalid": 1}, {"bvalid": 1, "bready": 1}],
    "data_unasked": [{"rvalid": 1, "rready": 1}],
    "write_error": [{"awvalid": 1, "wvalid": 1}, {"bvalid": 1, "bready": 1, "bresp": 2}],
    "read_error": [{"arvalid": 1}, {"rvalid": 1, "rready": 1, "rresp": 3}],
}


@cocotb.test()
async def register_rules(dut):
    if not hasattr(dut, "rvalid"):
        return
    names = "awvalid wvalid bvalid bresp bready arvalid rdata rresp rvalid rready"
    idle = dict.fromkeys(names.split(), 0)
    legal = [{"awvalid": 1}, {"wvalid": 1}, {"bvalid": 1}, {"bvalid": 1, "bready": 1},
             {"arvalid": 1}, {"rvalid": 1, "rdata": 7}, {"rvalid": 1, "rdata": 7, "rready": 1},
             {}]  # fmt: skip
    async for fault in each_fault(dut, REGISTER_FAULTS, names):
        for step in [*legal, *REGISTER_FAULTS[fault], {}, {}]:
            await drive(dut, awready=1, wready=1, arready=1, **(idle | step))
