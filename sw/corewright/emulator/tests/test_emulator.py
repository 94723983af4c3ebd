# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The emulator against a plain formula, on layers whose descriptors are derived by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from corewright.emulator import EmulatorError, pack_tensor, run, unpack_tensor
from corewright.emulator.tests import layers
from corewright.facts.widths import word_bytes
from corewright.program.format import (
    DESCRIPTOR_BYTES,
    HEADER_BYTES,
    Opcode,
    ProgramError,
    decode_program,
    encode_program,
)
from corewright.program.tensor import TensorLayout, pack_words, unpack_words


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("kind", layers.KINDS)
def test_a_layer_equals_the_plain_formula(kind, seed):
    rng = np.random.default_rng((layers.KINDS.index(kind), seed))
    case = layers.random_case(rng, kind)
    program, arena, d = layers.single_layer(case, rng)
    before = arena.copy()
    (trace,) = run(program, arena, hardware=case.machine)
    np.testing.assert_array_equal(layers.read_output(case, arena, d), case.expected())
    # Nothing but the output's words has changed.
    written = np.zeros(arena.size, dtype=bool)
    for at in layers.word_places(case, d, "output"):
        written[at : at + case.machine.word_bytes] = True
    assert (arena[~written] == before[~written]).all()
    assert trace.wrapped_sums == 0
    assert trace.output_bytes == written.sum()
    read = (-(-d["groups"] // d["groups_per_pass"])) * d["segments"] * d["segment_bytes"]
    assert trace.input_bytes == read + (case.add is not None) * trace.output_bytes
    assert trace.weight_bytes == layers.expected_weight_bytes(case, d)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    "kind",
    ["same_conv", "valid_row_aligned", "strided_flat", "max_pool", "cropped", "upsample", "split"],
)
def test_the_smallest_ring_is_enough_and_one_block_less_is_not(kind, seed):
    rng = np.random.default_rng((77, layers.KINDS.index(kind), seed))
    case = layers.random_case(rng, kind)
    program, arena, d = layers.single_layer(case, rng)
    run(program, arena.copy(), hardware=case.machine)
    ring = d["ring_blocks"] - 1
    if ring == 0:
        pytest.skip("a ring has one block at least")
    program, arena, _ = layers.single_layer(case, rng, **layers.with_ring(d, ring))
    with pytest.raises(EmulatorError, match="layer 0, ring_blocks"):
        run(program, arena, hardware=case.machine)


def test_a_late_store_may_not_hit_a_slot_in_use():
    # Two phase rows of 12 pixels, 6 a plane row: blocks 0 to 2, then blocks 0 to 2 again. With two
    # slots block 2 would be lost, even if no output block waited for it.
    machine = layers.Machine(rows=2)
    case = layers.Case(
        machine, Opcode.CONV, (1, 2, 12, 2), 2, (2, 2), (2, 2), (0, 0), (1, 6), direct=False
    ).draw(np.random.default_rng(0))
    _, _, d = layers.single_layer(case, np.random.default_rng(1))
    for ring in (3, 2):
        changes = layers.with_ring(d, ring) | {"need_offset": -1000}
        program, arena, _ = layers.single_layer(case, np.random.default_rng(1), **changes)
        if ring == 3:
            run(program, arena, hardware=machine)
            continue
        with pytest.raises(EmulatorError, match=r"ring_blocks: stream block .* may hold by then"):
            run(program, arena, hardware=machine)


def _fixed_case(**options):
    case = layers.Case(
        layers.Machine(),
        Opcode.CONV,
        (2, 6, 7, 3),
        8,
        (3, 3),
        (1, 1),
        (1, 1),
        (6, 7),
        **{"set_blocks": 4, "groups_per_pass": 2, **options},
    )
    return case.draw(np.random.default_rng(5))


def _run_changed(case, **changes):
    rng = np.random.default_rng(6)
    program, arena, d = layers.single_layer(case, rng, **changes)
    run(program, arena, hardware=case.machine)
    return layers.read_output(case, arena, d)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("height", 1),
        ("width", 1),
        ("pad_top", 1),
        ("need_offset", -40),
        ("need_step", -7),
        ("gather_lane", 1),
        ("shift", 1),
        ("pre_shift", 1),
        ("bias_enable", -1),
        ("position_step", -2),
        ("tail_lanes", -1),
        ("add_enable", -1),
        ("add_offset", 5),
        ("add_block_bytes", -5),
        ("add_own_shift", 1),
        ("add_other_shift", 1),
        ("add_shift", 1),
        ("add_negative_shift", 1),
        ("add_clip_low", 100),
        ("add_clip_high", -100),
    ],
)
def test_a_wrong_field_shows_in_the_result(field, change):
    case = _fixed_case(add=(1, 2, 2, 1), add_gap=5)
    _, _, d = layers.single_layer(case, np.random.default_rng(6))
    assert (_run_changed(case) == case.expected()).all()
    assert (_run_changed(case, **{field: d[field] + change}) != case.expected()).any()


def test_unmasked_lanes_that_were_never_stored_read_changing_garbage():
    case = _fixed_case()
    program, arena, d = layers.single_layer(case, np.random.default_rng(6), height=9)
    results = []
    for seed in (0, 1):
        copy = arena.copy()
        (trace,) = run(program, copy, hardware=case.machine, poison_seed=seed)
        assert trace.unspecified_reads > 0
        results.append(layers.read_output(case, copy, d))
    assert (results[0] != results[1]).any()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("opcode", 7),
        ("opcode", 5),
        ("layer_index", 1),
        ("last_layer", 0),
        ("kernel_height", 0),
        ("blocks", 0),
        ("tail_lanes", 6),
        ("group_channels", 5),
        ("last_group_channels", 7),
        ("step_w", 1),
        ("step_h", 1),
        ("gather_row", 1),
        ("pitch_rows", 1),
        ("pitch_lane", 5),
        ("plane_rows", 1),
        ("block_rows", 3),
        ("ring_rows", 5000),
        ("weight_rows", 26),
        ("row_bytes", 4),
        ("last_row_bytes", 2),
        ("group_bytes", 80),
        ("last_group_bytes", 1),
        ("bias_bytes", 12),
        ("bias_offset", 1 << 20),
        ("weight_offset", 1 << 20),
        ("clip_low", -129),
        ("clip_high", 128),
        ("segment_bytes", 5),
        ("input_offset", 1 << 20),
        ("output_offset", 1 << 20),
        ("output_offset", 20),
        ("output_bytes", 7),
        ("output_block_bytes", 39),
        ("output_contiguous", 1),
        ("row_blocks", 1),
        ("wrap_w", 0),
        ("add_offset", 1 << 20),
        ("add_offset", 700),
        ("add_block_bytes", 35),
        ("add_clip_low", -129),
        ("add_clip_high", 128),
    ],
)
def test_an_illegal_field_is_named(field, value):
    case = _fixed_case(add=(1, 2, 2, 1))
    program, arena, d = layers.single_layer(case, np.random.default_rng(6), **{field: value})
    assert d[field] == value
    with pytest.raises(EmulatorError) as caught:
        run(program, arena, hardware=case.machine)
    assert (caught.value.layer, caught.value.field) == (0, field)


@pytest.mark.parametrize(
    ("field", "machine"),
    [
        ("ring_rows", {"pixel_rows": 3}),
        ("bias_bytes", {"bias_rows": 3}),
        ("weights_streamed", {"weight_rows": 26}),
    ],
)
def test_a_layer_that_exceeds_a_buffer_is_refused(field, machine):
    case = _fixed_case()
    program, arena, _ = layers.single_layer(case, np.random.default_rng(6))
    with pytest.raises(EmulatorError, match=f"layer 0, {field}"):
        run(program, arena, hardware=replace(case.machine, **machine))


@pytest.mark.parametrize("field", ["input_offset", "segment_stride", "output_offset", "add_offset"])
def test_words_lie_at_whole_units(field):
    # Words of 8 bytes on a port of 8 bytes; of four offsets one is no word's.
    case = replace(
        _fixed_case(add=(1, 2, 2, 1)), machine=layers.Machine(rows=8, unit_bytes=8)
    ).draw(np.random.default_rng(5))
    offsets = dict.fromkeys(("input_offset", "segment_stride", "output_offset", "add_offset"), 64)
    offsets[field] = 68
    program, arena, _ = layers.single_layer(case, np.random.default_rng(6), **offsets)
    with pytest.raises(EmulatorError, match=f"layer 0, {field}.*multiple of 8"):
        run(program, arena, hardware=case.machine)


def test_resident_weights_must_fit_the_ring():
    case = _fixed_case()
    program, arena, _ = layers.single_layer(case, np.random.default_rng(6), weights_resident=1)
    run(program, arena.copy(), hardware=replace(case.machine, weight_rows=54))
    with pytest.raises(EmulatorError, match="weights_resident"):
        run(program, arena, hardware=replace(case.machine, weight_rows=53))


def test_strided_taps_need_a_scattered_load():
    case = _fixed_case()
    program, arena, _ = layers.single_layer(
        case, np.random.default_rng(6), stride_w=2, wrap_w=14, step_w=10
    )
    with pytest.raises(EmulatorError, match="direct_load"):
        run(program, arena, hardware=case.machine)


def test_narrow_accumulators_wrap_as_in_hardware_and_are_counted():
    case = _fixed_case(shift=0, negative_shift=0, pre_shift=0, bias=False)
    program, arena, d = layers.single_layer(case, np.random.default_rng(6))
    narrow = replace(case.machine, bits_sum=9)
    (trace,) = run(program, arena, hardware=narrow)
    assert trace.wrapped_sums > 0
    assert trace.largest_sum >= 256
    # 16-bit pixels hold every sum of this layer unclipped.
    wide = replace(case, machine=replace(case.machine, bits_input=16))
    wide.x, wide.weights, wide.biases = case.x, case.weights, case.biases
    wrapped = (wide.expected() + 256) % 512 - 256
    expected = np.clip(wrapped, -127, 127)
    np.testing.assert_array_equal(layers.read_output(case, arena, d), expected)


def test_two_layers_run_in_order():
    machine = layers.Machine()
    rng = np.random.default_rng(9)
    first = layers.Case(machine, Opcode.CONV, (2, 6, 7, 3), 8, (3, 3), (1, 1), (1, 1), (6, 7)).draw(
        rng
    )
    second = layers.Case(
        machine, Opcode.MAX_POOL, (2, 6, 7, 8), 8, (2, 2), (2, 2), (0, 0), (3, 3), direct=False
    ).draw(rng)
    image = pack_tensor(first.x, first.input_layout(), machine)
    middle, result = first.output_layout(), second.output_layout()
    size = [len(image), *(t.nbytes(machine.rows, machine.bits_input) for t in (middle, result))]
    start = HEADER_BYTES + 2 * DESCRIPTOR_BYTES
    streams = first.streams()
    one = first.descriptor(0, size[0], start) | {"last_layer": 0}
    two = second.descriptor(size[0], size[0] + size[1], start + len(streams)) | {"layer_index": 1}
    header = {"hardware_hash": machine.hash, "arena_bytes": sum(size)}
    program = encode_program(header, [one, two], streams + second.streams())
    arena = np.zeros(sum(size), dtype=np.uint8)
    arena[: size[0]] = np.frombuffer(image, dtype=np.uint8)
    traces = run(program, arena, hardware=machine)
    assert [t.index for t in traces] == [0, 1]
    assert [t.opcode for t in traces] == [Opcode.CONV, Opcode.MAX_POOL]
    second.x = first.expected()
    at = size[0] + size[1]
    between = unpack_tensor(arena[size[0] : at].tobytes(), middle, machine)
    np.testing.assert_array_equal(between, second.x)
    final = unpack_tensor(arena[at:], result, machine)
    np.testing.assert_array_equal(final, second.expected())


def _valid_program():
    case = _fixed_case()
    program, arena, _ = layers.single_layer(case, np.random.default_rng(6))
    return case.machine, program, arena


@pytest.mark.parametrize("byte", [0, 4, 17, HEADER_BYTES + 9, HEADER_BYTES + DESCRIPTOR_BYTES + 3])
def test_a_flipped_bit_is_found(byte):
    machine, program, arena = _valid_program()
    broken = bytearray(program)
    broken[byte] ^= 0x10
    before = arena.copy()
    with pytest.raises(ProgramError):
        run(bytes(broken), arena, hardware=machine)
    assert (arena == before).all()


def test_a_flipped_descriptor_bit_names_the_layer():
    machine, program, arena = _valid_program()
    broken = bytearray(program)
    broken[HEADER_BYTES + 30] ^= 1
    with pytest.raises(EmulatorError, match="layer 0, crc"):
        run(bytes(broken), arena, hardware=machine)


def test_a_truncated_program_is_refused():
    machine, program, arena = _valid_program()
    with pytest.raises(ProgramError, match="headers say"):
        run(program[:-1], arena, hardware=machine)


def test_a_program_for_other_hardware_is_refused():
    machine, program, arena = _valid_program()
    with pytest.raises(EmulatorError, match="header, hardware_hash"):
        run(program, arena, hardware=replace(machine, hash=1))


def test_an_arena_that_is_too_small_is_refused():
    machine, program, arena = _valid_program()
    with pytest.raises(EmulatorError, match="header, arena_bytes"):
        run(program, arena[:-1], hardware=machine)


def test_a_program_may_not_leave_the_arena_that_it_declares():
    machine, program, arena = _valid_program()
    header, descriptors = decode_program(program)
    header["arena_bytes"] = 100
    for name in ("magic", "version", "header_crc"):
        header.pop(name)
    streams = program[HEADER_BYTES + DESCRIPTOR_BYTES :]
    with pytest.raises(EmulatorError, match="output_offset"):
        run(encode_program(header, descriptors, streams), arena, hardware=machine)


def test_the_arena_must_be_writable_bytes():
    machine, program, arena = _valid_program()
    for wrong in (arena.astype(np.int16), arena[::2], arena.reshape(1, -1)):
        with pytest.raises(ValueError, match="arena"):
            run(program, wrong, hardware=machine)


@pytest.mark.parametrize("bits", range(1, 17))
def test_words_hold_lane_r_at_bit_r_times_bits(bits):
    rng = np.random.default_rng(bits)
    for rows in (1, 3, 8, 21):
        values = layers.draw_elements(rng, bits, (4, rows))
        stored = values < 0 if bits == 1 else values
        words = pack_words(values, bits)
        assert words.shape == (4, word_bytes(rows, bits))
        for word, lanes in zip(words, stored, strict=True):
            number = int.from_bytes(word.tobytes(), "little")
            assert number == sum((int(v) % (1 << bits)) << (i * bits) for i, v in enumerate(lanes))
        np.testing.assert_array_equal(unpack_words(words, rows, bits), values)


def test_a_tensor_is_block_major_with_a_pitch():
    layout = TensorLayout.of((2, 3, 5, 4), 7, pitch=6, image_rows=4)
    x = np.random.default_rng(0).integers(-8, 8, layout.shape)
    data = layout.pack(x, 7, 4, fill=-8)
    assert data.size == layout.nbytes(7, 4) == 7 * 4 * 4
    for n, h, w, c in np.ndindex(*layout.shape):
        block, lane = divmod((n * 4 + h) * 6 + w, 7)
        at = (block * 4 + c) * 4
        number = int.from_bytes(data[at : at + 4].tobytes(), "little")
        assert (number >> (4 * lane)) % 16 == x[n, h, w, c] % 16
    np.testing.assert_array_equal(layout.unpack(data, 7, 4), x)


def test_tensors_refuse_what_they_cannot_hold():
    layout = TensorLayout.of((1, 2, 2, 1), 4)
    x = np.zeros((1, 2, 2, 1), dtype=int)
    with pytest.raises(ValueError, match="do not fit 4 signed bits"):
        layout.pack(x + 8, 4, 4)
    with pytest.raises(TypeError, match="integers"):
        layout.pack(x * 1.0, 4, 4)
    with pytest.raises(ValueError, match="do not hold"):
        layout.pack(x, 3, 4)
    with pytest.raises(ValueError, match="bytes"):
        layout.unpack(np.zeros(3, dtype=np.uint8), 4, 4)
    with pytest.raises(ValueError, match="cannot hold"):
        TensorLayout.of((1, 2, 2, 1), 4, pitch=1)
