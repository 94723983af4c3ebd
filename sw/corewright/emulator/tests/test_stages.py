# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Programs of several stages, and what the host computes between them, against exact fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from corewright.emulator import EmulatorError, run
from corewright.emulator.host_operations.softmax import softmax
from corewright.emulator.tests import layers
from corewright.program.format import (
    DESCRIPTOR_BYTES,
    HEADER_BYTES,
    HostOpcode,
    Opcode,
    decode_stages,
    encode_host_operation,
    encode_program,
    join_stages,
)
from corewright.program.tensor import TensorLayout, unpack_words

TABLE = [60000, 22000, 8100, 3000, 1100, 400, 150, 55, 20, 7, 3, 1]


def exact_softmax(x, table, shift, low, high):
    """The formula of the contract on one run of channels, in Python's integers."""
    largest = max(int(v) for v in x)
    distances = [largest - int(v) for v in x]
    weights = [int(table[d]) if d < len(table) else 0 for d in distances]
    total = sum(weights)
    # Python rounds a Fraction half to even.
    return [min(max(round(Fraction(e << shift, total)), low), high) for e in weights]


@pytest.mark.parametrize("seed", range(20))
def test_a_softmax_equals_the_formula(seed):
    rng = np.random.default_rng(seed)
    bits, channels = int(rng.choice([2, 4, 8, 16])), int(rng.integers(1, 20))
    low, high = layers.limits(bits)
    x = rng.integers(low, high + 1, (7, 3, channels)).astype(np.int16)
    table = np.sort(rng.integers(0, 1 << int(rng.choice([2, 16, 32])), int(rng.integers(1, 300))))
    table = table[::-1].copy()
    table[0] += table[0] == 0
    shift = int(rng.integers(0, 31))
    y = softmax(x, table, shift=shift, low=low, high=high)
    for index in np.ndindex(7, 3):
        assert y[index].tolist() == exact_softmax(x[index], table, shift, low, high)


def test_a_softmax_rounds_ties_to_even():
    # Four equal weights: 2, 6 and 10 quarters.
    x, table = np.zeros((1, 4), dtype=np.int16), np.array([5])
    for shift, expected in ((1, 0), (2, 1)):
        assert softmax(x, table, shift=shift, low=-128, high=127).tolist() == [[expected] * 4]
    # Weights 3 and 1 of 4, times 2: 1.5 and 0.5.
    x, table = np.array([[1, 0]], dtype=np.int16), np.array([3, 1])
    assert softmax(x, table, shift=1, low=-128, high=127).tolist() == [[2, 0]]


def test_a_softmax_of_the_largest_sums_is_exact():
    largest = (1 << 32) - 1
    x = np.full((1, 65535), 32767, dtype=np.int16)
    x[0, 1:3] = -32768
    table = np.full(65536, largest)
    table[65535] = 1
    y = softmax(x, table, shift=30, low=-32768, high=32767)
    # Only two weigh less than all others.
    assert set(y[0].tolist()) == set(exact_softmax(x[0], table, 30, -32768, 32767)) == {16385, 0}
    assert (y[0, 1:3] == 0).all()


class Host:
    """A softmax on random tensors, between two convolutions of stages of their own."""

    def __init__(self, rng: np.random.Generator, **machine: Any) -> None:
        draw = lambda low, high: int(rng.integers(low, high + 1))  # noqa: E731
        rows, drain = draw(1, 9), draw(1, 3)
        options = {"bits_input": int(rng.choice([3, 8, 11, 16])), "bits_sum": 34, **machine}
        self.machine = m = layers.Machine(rows=rows, drain=drain, columns=2 * drain, **options)
        n, h, w = draw(1, 3), draw(1, 4), draw(1, 5)
        self.runs, self.channels = draw(1, 3), draw(1, 5)
        total = self.runs * self.channels
        first = layers.Case(
            m, Opcode.CONV, (n, h, w, 3), total, (1, 1), (1, 1), (0, 0), (h, w), shift=2
        )
        second = layers.Case(m, Opcode.CONV, (n, h, w, total), 5, (1, 1), (1, 1), (0, 0), (h, w))
        for case in (first, second):
            case.input_pitch, case.input_rows = w + draw(0, 2), h + draw(0, 2)
            case.draw(rng)
        self.first, self.second = first, second
        # What the host writes has other channels before and behind.
        self.before, self.behind = draw(0, 2), draw(0, 2)
        self.shift, self.clip = draw(0, m.bits_input), (0, (1 << (m.bits_input - 1)) - 1)
        layouts = [first.input_layout(), first.output_layout(), second.input_layout()]
        stored = [3, total, total + self.before + self.behind]
        sizes = [
            layout.blocks * channels * m.word_bytes
            for layout, channels in zip(layouts, stored, strict=True)
        ]
        self.at = np.cumsum([3, *sizes]).tolist()
        self.stored, self.layouts = stored, layouts
        end = self.at[3] + second.output_layout().nbytes(rows, m.bits_input)
        self.arena = rng.integers(0, 256, end + 1, dtype=np.uint8)
        image = layouts[0].pack(first.x, rows, m.bits_input)
        self.arena[3 : 3 + image.size] = image

    def operation(self) -> dict[str, int]:
        """Fields of the host operation; its table is not placed yet."""
        (_, h, w, _) = self.first.shape
        source, target = self.layouts[1:]
        return {
            "host_opcode": HostOpcode.SOFTMAX,
            "last_operation": 1,
            "input_offset": self.at[1],
            "output_offset": self.at[2] + self.before * self.machine.word_bytes,
            "height": h,
            "width": w,
            "channels": self.channels,
            "runs": self.runs,
            "input_pitch": source.pitch,
            "input_rows": source.image_rows,
            "output_pitch": target.pitch,
            "output_rows": target.image_rows,
            "input_channels": self.stored[1],
            "output_channels": self.stored[2],
            "table_entries": len(TABLE),
            "shift": self.shift,
            "clip_low": self.clip[0],
            "clip_high": self.clip[1],
        }

    def stage(
        self,
        case: layers.Case,
        descriptor: dict[str, int],
        operations: list[dict[str, int]],
        table: list[int],
        **header: int,
    ) -> bytes:
        """A stage of one layer, host operations and their table."""
        streams = case.streams()
        streams += bytes(-len(streams) % 4)
        at = HEADER_BYTES + DESCRIPTOR_BYTES + len(streams)
        fields = {
            "hardware_hash": self.machine.hash,
            "arena_bytes": self.arena.size,
            "batch": case.shape[0],
        }
        if operations:
            fields["host_offset"] = at + 4 * len(table)
            streams += np.array(table, dtype="<u4").tobytes()
            streams += b"".join(encode_host_operation({"table_offset": at} | o) for o in operations)
        return encode_program(fields | header, [descriptor], streams)

    def program(
        self, *, table: list[int] = TABLE, layer: dict[str, int] | None = None, **changes: int
    ) -> bytes:
        """Both stages; changes of the host operation, or of the second stage's layer."""
        start = HEADER_BYTES + DESCRIPTOR_BYTES
        one = self.first.descriptor(self.at[0], self.at[1], start)
        # All of the host's words are the second stage's input, channel by channel.
        two = self.second.descriptor(self.operation()["output_offset"], self.at[3], start)
        two |= {
            "segments": self.layouts[2].blocks,
            "segment_bytes": self.second.shape[3] * self.machine.word_bytes,
            "segment_stride": self.stored[2] * self.machine.word_bytes,
        }
        return join_stages(
            [
                self.stage(self.first, one, [self.operation() | changes], table),
                self.stage(self.second, two | (layer or {}), [], []),
            ]
        )

    def expected(self) -> np.ndarray:
        """The softmax of the first layer's result."""
        x = self.first.expected()
        shape = (*x.shape[:3], self.runs, self.channels)
        y = [exact_softmax(v, TABLE, self.shift, *self.clip) for v in x.reshape(-1, shape[-1])]
        return np.array(y).reshape(x.shape)


@pytest.mark.parametrize("seed", range(30))
def test_a_host_softmax_joins_two_stages(seed):
    host = Host(np.random.default_rng(seed))
    before, arena, m = host.arena.copy(), host.arena, host.machine
    traces = run(host.program(), arena, hardware=m, poison_seed=seed)
    assert [(t.index, t.stage) for t in traces] == [(0, 0), (1, 1)]
    layout = TensorLayout.of(
        (*host.first.shape[:3], host.stored[2]),
        m.rows,
        pitch=host.layouts[2].pitch,
        image_rows=host.layouts[2].image_rows,
    )
    stored = layout.unpack(arena[host.at[2] : host.at[3]], m.rows, m.bits_input)
    own = slice(host.before, stored.shape[3] - host.behind)
    np.testing.assert_array_equal(stored[..., own], host.expected())
    # Other channels of the same blocks stay as they are.
    words = arena[host.at[2] : host.at[3]].reshape(layout.blocks, -1, m.word_bytes)
    others = np.ones(words.shape[1], dtype=bool)
    others[own] = False
    unchanged = before[host.at[2] : host.at[3]].reshape(words.shape)
    np.testing.assert_array_equal(words[:, others], unchanged[:, others])
    assert (arena[:3] == before[:3]).all()
    assert arena[-1] == before[-1]
    host.second.x = host.expected()
    final = host.second.output_layout().unpack(arena[host.at[3] : -1], m.rows, m.bits_input)
    np.testing.assert_array_equal(final, host.second.expected())


def test_large_tensors_are_worked_on_in_parts(monkeypatch):
    host = Host(np.random.default_rng(10))
    whole = host.arena.copy()
    run(host.program(), whole, hardware=host.machine)
    monkeypatch.setattr("corewright.emulator.host._ELEMENTS", 1)
    run(host.program(), host.arena, hardware=host.machine)
    layout = host.second.output_layout()
    results = [
        layout.unpack(arena[host.at[3] : -1], host.machine.rows, host.machine.bits_input)
        for arena in (whole, host.arena)
    ]
    np.testing.assert_array_equal(results[0], results[1])


def test_lanes_that_are_no_pixel_get_changing_garbage():
    host = Host(np.random.default_rng(10))
    layout, m = host.layouts[2], host.machine
    assert layout.positions > np.prod(layout.shape[:3])
    results = []
    for seed in (0, 1):
        arena = host.arena.copy()
        run(host.program(), arena, hardware=m, poison_seed=seed)
        words = arena[host.at[2] : host.at[3]].reshape(layout.blocks, -1, m.word_bytes)
        results.append(unpack_words(words, m.rows, m.bits_input))
    differs = (results[0] != results[1]).any(axis=1).ravel()[: layout.positions]
    differs = differs.reshape(layout.batch, layout.image_rows, layout.pitch)
    assert differs.any()
    assert not differs[:, : layout.height, : layout.width].any()


def test_several_host_operations_run_in_order():
    host = Host(np.random.default_rng(11))
    second = host.operation() | {"clip_high": 1, "clip_low": 1}
    start = HEADER_BYTES + DESCRIPTOR_BYTES
    layer = host.first.descriptor(host.at[0], host.at[1], start)
    operations = [host.operation() | {"last_operation": 0}, second]
    stage = host.stage(host.first, layer, operations, TABLE)
    run(stage, host.arena, hardware=host.machine)
    case = host.second
    words = host.arena[host.at[2] : host.at[3]].reshape(host.layouts[2].blocks, -1)
    first = host.before * host.machine.word_bytes
    size = case.shape[3] * host.machine.word_bytes
    data = words[:, first : first + size].ravel()
    image = host.layouts[2].unpack(data, host.machine.rows, host.machine.bits_input)
    assert (image == 1).all()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("height", 0),
        ("width", 0),
        ("channels", 0),
        ("runs", 0),
        ("table_entries", 0),
        ("shift", 31),
        ("clip_low", -129),
        ("clip_low", 127),
        ("clip_high", 128),
        ("input_pitch", 0),
        ("output_pitch", 0),
        ("input_rows", 0),
        ("output_rows", 0),
        ("input_channels", 0),
        ("output_channels", 0),
        ("input_offset", 1 << 20),
        ("output_offset", 1 << 20),
        ("output_offset", -1),
    ],
)
def test_an_illegal_host_field_is_named(field, value):
    host = Host(np.random.default_rng(12), bits_input=8)
    host.clip = (0, 126)
    if value < 0 and field == "output_offset":
        # Into the input's last byte.
        value = host.at[2] - 1
    before = host.arena.copy()
    with pytest.raises(EmulatorError) as caught:
        run(host.program(**{field: value}), host.arena, hardware=host.machine)
    error = caught.value
    assert (error.stage, error.layer, error.host_operation) == (0, None, 0)
    assert error.field == field
    assert f"stage 0, host operation 0, {field}: " in str(error)
    # The layer before it has run, nothing behind it.
    assert (host.arena[host.at[2] :] == before[host.at[2] :]).all()


def test_a_table_that_starts_with_0_is_refused():
    host = Host(np.random.default_rng(12))
    with pytest.raises(EmulatorError, match="host operation 0, table_offset"):
        run(host.program(table=[0] * len(TABLE)), host.arena, hardware=host.machine)


def test_a_host_operation_needs_the_batch():
    host = Host(np.random.default_rng(12))
    layer = host.first.descriptor(host.at[0], host.at[1], HEADER_BYTES + DESCRIPTOR_BYTES)
    stage = host.stage(host.first, layer, [host.operation()], TABLE, batch=0)
    with pytest.raises(EmulatorError, match="header, batch"):
        run(stage, host.arena, hardware=host.machine)


def test_an_error_names_stage_and_layer():
    host = Host(np.random.default_rng(13))
    program = host.program(layer={"ring_rows": 5000})
    with pytest.raises(EmulatorError, match="stage 1, layer 1, ring_rows") as caught:
        run(program, host.arena, hardware=host.machine)
    assert (caught.value.stage, caught.value.layer) == (1, 1)
    # Positions of a stage's layers count from its own first one.
    program = host.program(layer={"layer_index": 1})
    with pytest.raises(EmulatorError, match="stage 1, layer 1, layer_index"):
        run(program, host.arena, hardware=host.machine)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hardware_hash", 1),
        ("arena_bytes", 5),
        ("batch", 7),
        ("input_offset", 1),
        ("input_bytes", 1),
        ("output_offset", 1),
        ("output_bytes", 1),
    ],
)
def test_headers_of_all_stages_agree(field, value):
    host = Host(np.random.default_rng(14))
    start = HEADER_BYTES + DESCRIPTOR_BYTES
    one = host.first.descriptor(host.at[0], host.at[1], start)
    two = host.second.descriptor(host.at[2], host.at[3], start)
    stages = [
        host.stage(host.first, one, [], []),
        host.stage(host.second, two, [], [], **{field: value}),
    ]
    before = host.arena.copy()
    with pytest.raises(EmulatorError, match=f"stage 1, header, {field}"):
        run(join_stages(stages), host.arena, hardware=host.machine)
    assert (host.arena == before).all()


def test_a_stage_without_layers_is_refused():
    host = Host(np.random.default_rng(14))
    start = HEADER_BYTES + DESCRIPTOR_BYTES
    one = host.first.descriptor(host.at[0], host.at[1], start)
    header = {
        "hardware_hash": host.machine.hash,
        "arena_bytes": host.arena.size,
        "batch": host.first.shape[0],
    }
    stages = [host.stage(host.first, one, [], []), encode_program(header, [], b"")]
    with pytest.raises(EmulatorError, match="stage 1, header, layers"):
        run(join_stages(stages), host.arena, hardware=host.machine)


@pytest.mark.parametrize(
    ("byte", "message"),
    [(5, "stage 1, header, header_crc"), (HEADER_BYTES + 30, "stage 1, layer 1, crc")],
)
def test_a_flipped_bit_of_a_later_stage_is_found(byte, message):
    host = Host(np.random.default_rng(15))
    program = bytearray(host.program())
    program[decode_stages(bytes(program))[1].offset + byte] ^= 1
    with pytest.raises(EmulatorError, match=message):
        run(bytes(program), host.arena, hardware=host.machine)
