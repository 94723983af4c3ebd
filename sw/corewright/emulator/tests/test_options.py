# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Options of a layer one by one; random layers with all of them are in test_emulator.py.

Upsampling, cropping, constants, weights in the arena, single bits, rows that are released early.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest

from corewright.emulator import EmulatorError, run
from corewright.emulator.tests import layers
from corewright.emulator.tests.layers import Case, Machine
from corewright.program.format import Opcode


def upsampled(opcode: Opcode = Opcode.CONV, **options) -> Case:
    case = Case(
        Machine(),
        opcode,
        (2, 4, 5, 3),
        8 if opcode is Opcode.CONV else 3,
        (3, 3),
        (1, 1),
        (1, 1),
        (8, 15),
        **{"direct": False, "copies": (2, 3), "groups_per_pass": 1, **options},
    )
    return case.draw(np.random.default_rng(5))


def cropped() -> Case:
    case = Case(Machine(), Opcode.CONV, (2, 6, 9, 3), 8, (2, 3), (1, 1), (-2, -3), (4, 6))
    return case.draw(np.random.default_rng(5))


def split(machine: Machine | None = None, **options) -> Case:
    case = Case(
        machine or Machine(),
        Opcode.CONV,
        (2, 3, 4, 12),
        8,
        (1, 1),
        (1, 1),
        (0, 0),
        (3, 4),
        **{"split": 4, "groups_per_pass": 1, **options},
    )
    return case.draw(np.random.default_rng(5))


def from_arena(**options) -> Case:
    case = Case(
        Machine(bits_weights=8),
        Opcode.CONV,
        (2, 3, 4, 6),
        13,
        (1, 1),
        (1, 1),
        (0, 0),
        (3, 4),
        **{"weights_arena": (1, 2), **options},
    )
    return case.draw(np.random.default_rng(5))


def constant() -> Case:
    case = Case(
        Machine(),
        Opcode.CONV,
        (1, 3, 4, 6),
        8,
        (1, 1),
        (1, 1),
        (0, 0),
        (3, 4),
        input_program=True,
    )
    return case.draw(np.random.default_rng(5))


CASES = {
    "upsampled": upsampled,
    "cropped": cropped,
    "split": split,
    "from_arena": from_arena,
    "constant": constant,
    "depthwise": lambda: upsampled(Opcode.DEPTHWISE),
    "max_pool": lambda: upsampled(Opcode.MAX_POOL),
}


def run_changed(case: Case, **changes: int):
    """(result, trace) of a layer with changed fields."""
    rng = np.random.default_rng(6)
    program, arena, d = layers.single_layer(case, rng, **changes)
    (trace,) = run(program, arena, hardware=case.machine)
    return layers.read_output(case, arena, d), trace


@pytest.mark.parametrize("name", CASES)
def test_the_layers_below_are_right_as_they_are(name):
    case = CASES[name]()
    result, trace = run_changed(case)
    np.testing.assert_array_equal(result, case.expected())
    assert trace.unspecified_reads == 0 or name == "cropped"


@pytest.mark.parametrize("name", CASES)
def test_large_layers_are_worked_on_in_parts(name, monkeypatch):
    # As if the layers were large: few groups, blocks and kernel rows at once.
    for limit in ("_WEIGHT_ELEMENTS", "_GATHER_ELEMENTS", "_SUM_ELEMENTS", "_TAP_ELEMENTS"):
        monkeypatch.setattr(sys.modules[run.__module__], limit, 90)
    case = CASES[name]()
    np.testing.assert_array_equal(run_changed(case)[0], case.expected())


@pytest.mark.parametrize(
    ("name", "field", "change"),
    [
        ("upsampled", "copies_w", -1),
        ("upsampled", "height", -1),
        ("upsampled", "load_width", -1),
        ("upsampled", "need_offset", -150),
        ("upsampled", "need_step", -15),
        ("upsampled", "position_step", -10),
        ("cropped", "pad_top", -4),
        ("cropped", "pad_left", -4),
        ("cropped", "height", -1),
        ("split", "need_offset", -5),
        ("split", "need_step", -5),
        ("split", "height", -1),
        ("from_arena", "weight_offset", 5),
        ("from_arena", "group_bytes", -5),
        ("constant", "input_offset", -5),
    ],
)
def test_a_wrong_field_shows_in_the_result(name, field, change):
    case = CASES[name]()
    _, _, d = layers.single_layer(case, np.random.default_rng(6))
    # The ring has room for whatever the change leads to.
    changes = layers.with_ring(d, 90) | {field: d[field] + change}
    result, _ = run_changed(case, **changes)
    assert (result != case.expected()).any()


@pytest.mark.parametrize(
    ("name", "field", "changes"),
    [
        ("upsampled", "load_width", {"load_width": 900}),
        ("upsampled", "copies_w", {"copies_w": 4}),
        ("upsampled", "copies_w", {"copies_h": 0, "planes_w": 2}),
        ("upsampled", "copies_h", {"copies_w": 0, "planes_h": 2}),
        ("upsampled", "copies_h", {"stride_h": 2, "wrap_h": 16, "step_h": 0}),
        ("cropped", "copies_w", {"copies_w": 1}),
        ("cropped", "copies_h", {"copies_h": 255}),
        ("split", "release_rows", {"image_step_blocks": 2, "image_step_rows": 0}),
        ("split", "wrap_w", {"wrap_w": 0}),
        ("from_arena", "weight_offset", {"weight_offset": 1 << 20}),
        ("from_arena", "group_bytes", {"group_bytes": 29}),
        ("from_arena", "weight_rows", {"weight_rows": 5}),
        ("from_arena", "kernel_height", {"kernel_height": 2}),
        ("from_arena", "kernel_width", {"kernel_width": 2}),
        ("from_arena", "kernel_width", {"kernel_width": 2, "release_rows": 1}),
        ("constant", "input_offset", {"input_offset": 1 << 20}),
        ("depthwise", "weights_arena", {"weights_arena": 1}),
        ("max_pool", "weights_arena", {"weights_arena": 1}),
    ],
)
def test_an_illegal_field_is_named(name, field, changes):
    case = CASES[name]()
    program, arena, _ = layers.single_layer(case, np.random.default_rng(6), **changes)
    with pytest.raises(EmulatorError) as caught:
        run(program, arena, hardware=case.machine)
    assert (caught.value.layer, caught.value.field) == (0, field)


def test_windows_of_constants_and_of_weights_are_their_own():
    case = constant()
    program, arena, d = layers.single_layer(case, np.random.default_rng(6))
    # Further into the program than the arena is long.
    assert d["input_offset"] > arena.size
    run(program, arena, hardware=case.machine)
    with pytest.raises(EmulatorError, match="beyond the program of"):
        run_changed(case, input_offset=d["input_offset"] + 1)
    case = from_arena()
    program, arena, d = layers.single_layer(case, np.random.default_rng(6))
    with pytest.raises(EmulatorError, match="weight_offset: the words reach beyond the arena"):
        run_changed(case, weight_offset=d["weight_offset"] + 2 * case.machine.word_bytes + 1)


def test_a_layer_may_not_write_over_its_weights():
    case = from_arena()
    _, _, d = layers.single_layer(case, np.random.default_rng(6))
    # The tensor's channel before the weights is not read.
    offset = d["weight_offset"] - d["output_bytes"]
    result, _ = run_changed(case, output_offset=offset)
    np.testing.assert_array_equal(result, case.expected())
    with pytest.raises(EmulatorError, match="output_offset: the output overlaps weight block 0"):
        run_changed(case, output_offset=offset + 1)


def test_a_constant_and_the_output_may_have_the_same_offsets():
    case = constant()
    case.channels_out, case.bias = 300, False
    case.draw(np.random.default_rng(5))
    program, arena, d = layers.single_layer(case, np.random.default_rng(6))
    assert d["output_offset"] < d["input_offset"] < d["output_offset"] + d["output_bytes"]
    run(program, arena, hardware=case.machine)
    np.testing.assert_array_equal(layers.read_output(case, arena, d), case.expected())


@pytest.mark.parametrize(("rows", "columns"), [(5, 6), (16, 4), (3, 16), (4, 4)])
@pytest.mark.parametrize("order", ["resident", "sets", "streamed"])
def test_weight_bytes_count_each_word_of_each_load(rows, columns, order):
    machine = Machine(
        rows=rows, columns=columns, bits_weights=8, weight_rows=3 if order == "streamed" else 512
    )
    case = from_arena(set_blocks=2, groups_per_pass=1 if order != "sets" else 2)
    case.machine = machine
    program, arena, d = layers.single_layer(
        case, np.random.default_rng(6), weights_resident=int(order == "resident")
    )
    (trace,) = run(program, arena, hardware=machine)
    np.testing.assert_array_equal(layers.read_output(case, arena, d), case.expected())
    words = 0
    loads = {"resident": 1, "sets": -(-d["blocks"] // 2), "streamed": d["blocks"]}[order]
    for start in range(0, 13, columns):
        words += loads * 6 * len({co // rows for co in range(start, min(start + columns, 13))})
    assert trace.weight_bytes == d["bias_bytes"] + words * machine.word_bytes


@pytest.mark.parametrize(
    ("bits_input", "bits_weights"), [(1, 1), (1, 4), (8, 1), (8, 4), (4, 8), (16, 8), (5, 5)]
)
def test_a_pixel_becomes_a_weight(bits_input, bits_weights):
    machine = Machine(bits_input=bits_input, bits_weights=bits_weights, bits_sum=34)
    case = Case(
        machine,
        Opcode.CONV,
        (1, 1, 3, 1),
        40,
        (1, 1),
        (1, 1),
        (0, 0),
        (1, 3),
        shift=0,
        negative_shift=0,
        pre_shift=0,
        bias=False,
        weights_arena=(0, 0),
    ).draw(np.random.default_rng(0))
    case.x = np.ones_like(case.x)
    program, arena, d = layers.single_layer(case, np.random.default_rng(6))
    run(program, arena, hardware=machine)
    low, high = case.clip
    for co in range(40):
        stored = int(case.factor[0, 0, co, 0])
        # The low bits, with the sign of the highest of them; a single bit is a sign.
        weight = (stored + (1 << (bits_weights - 1))) % (1 << bits_weights)
        weight -= 1 << (bits_weights - 1)
        if bits_weights == 1:
            weight = -1 if stored < 0 else 1
        y = layers.read_output(case, arena, d)[0, 0, :, co]
        expected = min(max(weight, low), high)
        assert y.tolist() == [(-1 if weight < 0 else 1) if bits_input == 1 else expected] * 3


# --- upsampling ---


@pytest.mark.parametrize("opcode", list(Opcode))
def test_each_operation_reads_repeated_pixels(opcode):
    case = upsampled(opcode)
    result, _ = run_changed(case)
    np.testing.assert_array_equal(result, case.expected())


def test_upsampling_waits_in_parts_of_a_stream_position():
    case = upsampled()
    _, _, d = layers.single_layer(case, np.random.default_rng(6))
    assert run_changed(case)[1].unspecified_reads == 0
    # A stream block is R * FH * FW parts.
    _, trace = run_changed(case, need_offset=d["need_offset"] - 5 * 2 * 3)
    assert trace.unspecified_reads > 0


@pytest.mark.parametrize("field", ["copies_h", "copies_w"])
def test_copies_may_not_meet(field):
    case = upsampled()
    _, _, d = layers.single_layer(case, np.random.default_rng(6))
    # 15 positions a row are less than 5 pixels of 4 copies; a third row is the next pixel's first.
    with pytest.raises(EmulatorError, match="pitch_blocks: two input pixels"):
        run_changed(case, **layers.with_ring(d, 90), **{field: d[field] + 1})


# --- rows released early ---


@pytest.mark.parametrize("groups_per_pass", [1, 2])
@pytest.mark.parametrize("set_blocks", [1, 2, 9])
def test_split_channels_need_one_block_or_all_of_a_set(groups_per_pass, set_blocks):
    case = split(groups_per_pass=groups_per_pass, set_blocks=set_blocks)
    result, _ = run_changed(case)
    np.testing.assert_array_equal(result, case.expected())
    _, _, d = layers.single_layer(case, np.random.default_rng(6))
    # With two groups a pass, the first one releases nothing: a set's blocks stay.
    blocks = 1 if groups_per_pass == 1 else 4 * min(set_blocks, d["blocks"])
    assert d["ring_blocks"] == blocks


def test_without_released_rows_the_same_layer_would_wait_for_ever():
    case = split()
    with pytest.raises(EmulatorError, match="ring_blocks: deadlock: output block 0 waits"):
        run_changed(case, release_rows=0)


def test_a_row_that_waits_for_too_much_is_a_deadlock():
    case = split()
    _, _, d = layers.single_layer(case, np.random.default_rng(6))
    with pytest.raises(EmulatorError, match="deadlock: kernel row 0 of output block 0 waits"):
        run_changed(case, need_offset=d["need_offset"] + 5)
    with pytest.raises(EmulatorError, match="deadlock: kernel row 1 of output block 0 waits"):
        run_changed(case, need_step=d["need_step"] + 5)


def test_rows_that_the_next_block_reads_again_may_not_be_released():
    case = Case(Machine(), Opcode.CONV, (2, 6, 7, 3), 6, (3, 3), (1, 1), (1, 1), (6, 7))
    case.draw(np.random.default_rng(5))
    run_changed(case)
    with pytest.raises(EmulatorError, match="release_rows: kernel row 0 of output block 1 moves"):
        run_changed(case, release_rows=1)


def test_thousands_of_kernel_rows():
    machine = Machine(rows=4, weight_rows=64, bits_sum=34)
    case = split(machine, split=20000)
    case.shape, case.out = (5, 1, 1, 40000), (1, 1)
    case.draw(np.random.default_rng(7))
    case.shift = case.negative_shift = 12
    program, arena, d = layers.single_layer(case, np.random.default_rng(6))
    assert (d["kernel_height"], d["ring_blocks"], d["weights_streamed"]) == (20000, 1, 1)
    (trace,) = run(program, arena, hardware=machine)
    assert trace.steps == d["groups"] * d["blocks"] * 40000
    np.testing.assert_array_equal(layers.read_output(case, arena, d), case.expected())


def test_split_channels_meet_weights_in_the_arena():
    case = split(weights_arena=(2, 1))
    result, _ = run_changed(case)
    np.testing.assert_array_equal(result, case.expected())
    # Without released rows these would be the rows of a taller kernel.
    with pytest.raises(EmulatorError, match="layer 0, kernel_height"):
        run_changed(case, release_rows=0)


# --- single bits ---

BINARY = Machine(rows=5, columns=6, drain=2, bits_input=1, bits_weights=1, bits_sum=16)


def binary(opcode: Opcode, **options) -> Case:
    case = Case(
        BINARY,
        opcode,
        (1, 3, 3, 2),
        2,
        (2, 2),
        (1, 1),
        (1, 1),
        (3, 3),
        **{"shift": 0, "negative_shift": 0, "pre_shift": 0, "bias": False, **options},
    )
    case.draw(np.random.default_rng(3))
    case.x = np.ones_like(case.x)
    return case


def test_a_masked_lane_is_0_to_a_sum_and_lowest_to_a_maximum():
    case = binary(Opcode.DEPTHWISE)
    case.weights = -np.ones_like(case.weights)
    case.weights[1, 1] = 1
    # At the corner only that tap is inside, at the edges another one: the sum is 0, stored as +1.
    result, trace = run_changed(case)
    expected = np.full((1, 3, 3, 2), -1)
    expected[:, 0] = expected[:, :, 0] = 1
    np.testing.assert_array_equal(result, expected)
    assert trace.largest_sum == 2
    case = binary(Opcode.MAX_POOL)
    case.x[:] = -1
    case.x[0, 1, 1] = 1
    expected = np.full((1, 3, 3, 2), -1)
    expected[:, 1:3, 1:3] = 1
    np.testing.assert_array_equal(run_changed(case)[0], expected)


def test_weights_of_a_single_bit_are_signs():
    case = binary(Opcode.CONV)
    case.weights = np.ones_like(case.weights)
    case.weights[..., 1] = -1
    result, _ = run_changed(case)
    assert (result[..., 0] == 1).all()
    assert (result[..., 1] == -1).all()


@pytest.mark.parametrize(("field", "value"), [("clip_low", -2), ("clip_high", 2)])
def test_limits_of_a_single_bit(field, value):
    with pytest.raises(EmulatorError, match=f"layer 0, {field}"):
        run_changed(binary(Opcode.CONV), **{field: value})


def test_an_addition_of_single_bits_adds_signs():
    case = binary(Opcode.MAX_POOL, add=(0, 1, 0, 0))
    result, _ = run_changed(case)
    # The operand weighs twice as much as the layer's own result.
    np.testing.assert_array_equal(result, case.operand)
    # Two of +1, shifted as far as they can be, are still above 0.
    case = binary(Opcode.MAX_POOL, add=(15, 15, 0, 0))
    case.operand = np.ones_like(case.operand)
    assert (run_changed(case)[0] == 1).all()
