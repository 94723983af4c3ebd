# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Whatever a program says, the accelerator stays in its windows, ends, and serves the next one.

docs/architecture.md, "Programs that no compiler wrote", is what is tested here.
``COREWRIGHT_MUTANT_SEED=N`` makes other mutants.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corewright.builder import Builder
from corewright.emulator import EmulatorError
from corewright.emulator.layer import Layer
from corewright.flow.compiled_bench import build_bench
from corewright.flow.coverage_data import run_counted
from corewright.flow.vectors import prepare, random_images
from corewright.graph import Graph
from corewright.hardware import Hardware
from corewright.program import decode_stages
from corewright.testing.mutants import Mutant, changed, make_mutants, refused_field

# The bench of test_accelerator.py.
HW = Hardware(
    processing_elements=(4, 6),
    bits_input=8,
    bits_weights=8,
    bits_sum=32,
    axi_width=64,
    pixel_buffer_depth=300,
)
SEED = int(os.environ.get("COREWRIGHT_MUTANT_SEED", "1"))
MUTANTS = 84  # of each of the twelve networks
WATCHDOG_CYCLES = 3000  # more than any tile's steps in these networks
TIMEOUT_US = 400


def conv(builder: Builder) -> None:
    builder.conv(builder.conv(builder.input, 7, 3), 8, 1)


def strided(builder: Builder) -> None:
    builder.conv(builder.conv(builder.input, 5, 3, 2), 4, (1, 3), (1, 3), "valid")


def depthwise(builder: Builder) -> None:
    builder.depthwise(builder.depthwise(builder.input, 3), 3, 2)


def pools(builder: Builder) -> None:
    small = builder.pool(builder.pool(builder.input, 3, 1, "same"), 2, kind="average")
    builder.global_average(builder.pool(small, 2, 1, "same", kind="average"))


def residual(builder: Builder) -> None:
    first = builder.conv(builder.input, 7, 1)
    builder.add(builder.conv(first, 7, 3), first)


def upsampled(builder: Builder) -> None:
    builder.conv(builder.upsample(builder.conv(builder.input, 5, 1), (2, 3)), 4, 3)


def attention(builder: Builder) -> None:
    builder.attention(builder.input, 2)


def dense(builder: Builder) -> None:
    builder.dense(builder.dense(builder.input, 9), 13)


def streamed(builder: Builder) -> None:
    builder.dense(builder.input, 8)


def wide(builder: Builder) -> None:
    builder.conv(builder.input, 4, 1)


def several(builder: Builder) -> None:
    first = builder.pool(builder.conv(builder.input, 8, 3), 2)
    second = builder.conv(builder.depthwise(first, 3), 7, 3, 2)
    builder.dense(builder.concat(second, second), 5)


def stages(builder: Builder) -> None:
    hidden = builder.quantised_softmax(builder.conv(builder.input, 6, 1))
    builder.conv(hidden, 4, 1)


# Each network with its input's height, width and channels.
NETWORKS: dict[str, tuple[Callable[[Builder], None], tuple[int, int, int]]] = {
    "conv": (conv, (5, 6, 3)),
    "strided": (strided, (7, 9, 3)),
    "depthwise": (depthwise, (5, 7, 7)),
    "pools": (pools, (6, 6, 5)),
    "residual": (residual, (4, 6, 4)),
    "upsampled": (upsampled, (3, 3, 3)),
    "attention": (attention, (1, 6, 4)),
    "dense": (dense, (3, 3, 5)),
    "streamed": (streamed, (1, 1, 530)),
    "wide": (wide, (2, 3, 700)),
    "several": (several, (7, 8, 3)),
    "stages": (stages, (3, 4, 3)),
}


def network(name: str) -> Graph:
    add_layers, shape = NETWORKS[name]
    builder = Builder(f"any_{name}", *shape, seed=5)
    add_layers(builder)
    return builder.graph()


def sound(name: str, folder: Path) -> bytes:
    """Writes the files of a run to ``folder``; returns the network's program."""
    graph = network(name)
    shutil.copytree(prepare(graph, HW, random_images(graph, 2, 3), 2).folder, folder)
    return (folder / "program.bin").read_bytes()


def simulate(folder: Path, *plusargs: str) -> tuple[dict[str, Any], str]:
    """Runs the vectors in ``folder``; returns the results and what was printed."""
    command = [
        str(build_bench(HW).executable),
        f"+dir={folder}",
        f"+seed={SEED}",
        "+verilator+rand+reset+2",
        f"+verilator+seed+{SEED}",
        *plusargs,
    ]
    done = run_counted(command, capture_output=True, text=True, timeout=500)
    result = folder / "result.json"
    written = json.loads(result.read_text("utf-8")) if result.exists() else {}
    return written, done.stdout


def run(folder: Path, made: Sequence[Mutant]) -> tuple[dict[str, Any], str]:
    """Runs mutants of the program in ``folder``; returns the results and what was printed."""
    (folder / "mutants.bin").write_bytes(b"".join(mutant.program for mutant in made))
    return simulate(
        folder,
        "+mutants=mutants.bin",
        "+untrusted",
        f"+watchdog={WATCHDOG_CYCLES}",
        f"+timeout_us={TIMEOUT_US}",
        "+hang_cycles=200000",
    )


# How the accelerator may end a program, besides that a later stage's header or host operation,
# which the firmware reads, is refused.
ENDS = {"OK", "BAD_PROGRAM", "WRONG_HARDWARE", "BAD_DESCRIPTOR", "WINDOW", "WATCHDOG"}


def emulator_refuses(program: bytes) -> bool:
    """Whether what a descriptor alone says is against the contract."""
    index = 0
    for number, stage in enumerate(decode_stages(program)):
        for layer, fields in enumerate(stage.descriptors):
            try:
                Layer(number, layer, index, fields, HW).check(len(stage.descriptors))
            except EmulatorError:
                return True
            index += 1
    return False


def refused_layer(program: bytes) -> tuple[int, int] | None:
    """The first layer of a program that the accelerator refuses on sight, and its layer_index."""
    index = 0
    for stage in decode_stages(program):
        for number, fields in enumerate(stage.descriptors):
            if refused_field(fields, number, len(stage.descriptors), HW) is not None:
                return index, fields["layer_index"]
            index += 1
    return None


@pytest.mark.parametrize("name", NETWORKS)
def test_changed_programs_end_and_leave_nothing(name: str, tmp_path: Path):
    folder = tmp_path / "vectors"
    rng = np.random.default_rng([SEED, sorted(NETWORKS).index(name)])
    made = make_mutants(sound(name, folder), MUTANTS, rng)
    result, output = run(folder, made)
    ended = result["mutants"]
    at = made[min(len(ended), len(made) - 1)]
    assert result["status"] == "OK" and result["passed"], f"at or before {at}\n{output[-2000:]}"
    assert result["bytes_outside"] == 0 and len(ended) == MUTANTS
    for mutant, end in zip(made, ended, strict=True):
        of_headers = any(change.layer is None for change in mutant.changes)
        assert end["status"] in ENDS | ({"CORRUPTED"} if of_headers else set()), mutant
        if end["status"] == "BAD_DESCRIPTOR":
            assert emulator_refuses(mutant.program), mutant
        first = refused_layer(mutant.program)
        if first is None or of_headers:
            continue
        # An earlier layer of a program with two changes may have ended it before.
        if len(mutant.changes) == 1 or end["status"] == "BAD_DESCRIPTOR":
            assert end["status"] == "BAD_DESCRIPTOR", mutant
        if len(mutant.changes) == 1:
            assert end["error_info"] == first[1], mutant
        assert end["status"] != "OK", mutant
    # Programs that would all be refused, or all run, would test little.
    counts = Counter(end["status"] for end in ended)
    assert counts["OK"] >= 5 and counts["BAD_DESCRIPTOR"] >= 5, counts


# Each check of docs/architecture.md: network, layer, field, what it becomes, how the run ends.
MAX16, MAX24, MAX32 = (1 << 16) - 1, (1 << 24) - 1, (1 << 32) - 1
# Whole units, and half a unit more.
FAR, HALF = (1 << 32) - HW.unit_bytes, HW.unit_bytes * 3 // 2
NOT_ZERO = (
    *("kernel_height", "kernel_width", "channels_in", "groups", "groups_per_pass", "blocks"),
    *("set_blocks", "stride_h", "stride_w", "wrap_w", "wrap_h", "ring_blocks", "segments"),
    *("segment_bytes", "stream_blocks", "output_bytes", "group_channels", "last_group_channels"),
    *("row_bytes", "last_row_bytes", "group_bytes", "last_group_bytes"),
)
LANES = ("gather", "pitch", "row_step", "image_step", "scatter", "scatter_image")
REFUSED: tuple[tuple[str, int, str, int], ...] = (
    *(("several", 0, field, 0) for field in NOT_ZERO),
    *(("several", 0, f"{name}_lane", HW.rows) for name in LANES),
    ("several", 0, "opcode", 5),
    ("several", 0, "layer_index", 1),
    ("several", 1, "layer_index", 0),
    ("several", 0, "last_layer", 1),
    ("dense", 1, "last_layer", 0),
    ("several", 0, "phase_skew", HW.rows),
    ("several", 0, "ring_rows", HW.pixel_rows + 1),
    ("several", 0, "group_channels", HW.columns + 1),
    ("several", 0, "last_group_channels", HW.columns + 1),
    ("pools", 0, "group_channels", HW.drain + 1),
    ("pools", 1, "last_group_channels", HW.drain + 1),
    ("several", 0, "row_bytes", HW.columns + 1),
    ("several", 0, "last_row_bytes", HW.columns + 1),
    ("streamed", 0, "weights_resident", 1),
    ("several", 0, "clip_low", 128),
    ("several", 0, "clip_low", -129),
    ("several", 0, "clip_high", 128),
    ("several", 0, "clip_high", -1),
    ("residual", 1, "add_clip_low", 128),
    ("residual", 1, "add_clip_low", -129),
    ("residual", 1, "add_clip_high", 128),
    ("residual", 1, "add_clip_high", -1),
    ("upsampled", 1, "input_pitch", 0),
    ("upsampled", 1, "load_width", MAX16),
    ("upsampled", 1, "copies_w", 4),
    ("upsampled", 1, "stride_h", 2),
    ("upsampled", 1, "stride_w", 2),
    ("upsampled", 1, "direct_load", 1),
    *(("several", 0, f"output_{name}", HALF) for name in ("offset", "block_bytes", "group_bytes")),
    *(("several", 0, name, HALF) for name in ("input_offset", "segment_bytes", "segment_stride")),
    *(("residual", 1, f"add_{name}", HALF) for name in ("offset", "block_bytes")),
    # What only shows while the layer runs.
    ("several", 0, "output_bytes", 1),
    ("several", 0, "output_bytes", 900),
    ("several", 0, "blocks", MAX24),
    ("several", 0, "groups", 1),
    ("several", 0, "groups", 3),
    ("pools", 0, "output_bytes", 1),
    ("several", 0, "segments", 2),
    ("several", 0, "stream_blocks", 1),
    ("dense", 1, "last_group_bytes", 18),
)
ENDED: tuple[tuple[str, int, str, int, str], ...] = (
    *((*change, "BAD_DESCRIPTOR") for change in REFUSED),
    ("several", 0, "input_offset", FAR, "WINDOW"),
    ("several", 0, "output_offset", FAR, "WINDOW"),
    ("several", 0, "weight_offset", MAX32, "WINDOW"),
    ("several", 0, "bias_offset", MAX32, "WINDOW"),
    ("several", 0, "segment_bytes", FAR, "WINDOW"),
    ("residual", 1, "add_offset", FAR, "WINDOW"),
    ("attention", 3, "weight_offset", MAX32, "WINDOW"),
    ("several", 0, "stream_blocks", MAX24, "WATCHDOG"),
    ("several", 0, "weight_rows", 0, "OK"),
    # Of one tile steps without an end, with weights and without.
    ("several", 0, "kernel_height", MAX16, "WATCHDOG"),
    ("pools", 0, "kernel_height", MAX16, "WATCHDOG"),
    # What nobody checks: the result is another one.
    ("several", 0, "pad_left", 0, "OK"),
    ("several", 0, "shift", 0, "OK"),
)


@pytest.mark.parametrize("name", sorted({case[0] for case in ENDED}))
def test_each_check_ends_the_run(name: str, tmp_path: Path):
    program = sound(name, tmp_path / "vectors")
    cases = [case for case in ENDED if case[0] == name]
    made = [changed(program, [(0, layer, field, value)]) for _, layer, field, value, _ in cases]
    result, output = run(tmp_path / "vectors", made)
    assert result["passed"], output[-2000:]
    ended = {str(each): end["status"] for each, end in zip(made, result["mutants"], strict=True)}
    assert ended == {str(each): case[-1] for each, case in zip(made, cases, strict=True)}


@pytest.mark.parametrize("burst", [1, 3])
def test_an_error_of_the_operands_port_is_reported_and_the_next_run_is_exact(
    burst: int, tmp_path: Path
):
    folder = tmp_path / "vectors"
    sound("residual", folder)
    status = "AXI_READ_PIXELS"
    result, output = simulate(
        folder, f"+inject_axi_error=residual:{burst}", f"+expect_status={status}", "+retry"
    )
    assert result["passed"], output[-2000:]
    assert [run["status"] for run in result["runs"]] == [status, "OK"]
    assert result["runs"][0]["error_info"] == 2  # SLVERR


def test_bench_sees_what_a_program_leaves_for_the_next(tmp_path: Path):
    folder = tmp_path / "vectors"
    program = sound("dense", folder)
    expected = bytearray((folder / "expected.bin").read_bytes())
    output = decode_stages(program)[0].header["output_offset"]
    expected[output] ^= 1
    (folder / "expected.bin").write_bytes(expected)
    result, text = run(folder, [changed(program, [(0, 0, "opcode", 5)])])
    assert not result["passed"] and len(result["mutants"]) == 1
    assert "ERROR behind mutant 0 the sound program: OK, 1 mismatches" in text


def test_bench_refuses_mutants_of_another_length(tmp_path: Path):
    folder = tmp_path / "vectors"
    program = sound("dense", folder)
    result, text = run(folder, [Mutant(program, ()), Mutant(program[:-1], ())])
    assert result == {} and "mutants.bin has" in text
