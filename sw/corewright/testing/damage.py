# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Damaged files for the tests of loaders: always the same ones."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

# What a JSON file may hold where something else belongs.
WRONG_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 2**31, 2**40, 2**70, 10**400, 0.5, -1e308),
    *("", "x", "\x00", "\ud800", "a\nb", [], [[]], [0, 0], {}, {"a": 1}),
)
# Nested deeper than any parser goes.
DEEP = b"[" * 200_000
ENCODINGS = ("utf-16", "utf-32", "latin-1")


def damaged_bytes(data: bytes, seed: int, count: int) -> Iterator[bytes]:
    """Yield ``count`` variants: bits flipped, cut, zeroed, filled, bytes inserted or repeated."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        damaged = bytearray(data)
        place = int(rng.integers(len(data)))
        length = int(rng.integers(1, 64))
        kind = index % 6
        if kind == 0:
            damaged[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del damaged[place:]
        elif kind == 2:
            damaged[place : place + length] = bytes(len(damaged[place : place + length]))
        elif kind == 3:
            damaged[place : place + length] = b"\xff" * len(damaged[place : place + length])
        elif kind == 4:
            damaged[place:place] = rng.bytes(length)
        else:
            damaged[place:place] = damaged[max(0, place - length) : place + length]
        yield bytes(damaged)


def other_files(text: bytes) -> Iterator[bytes]:
    """Yield what is no file of any kind: nothing, deep nesting, other encodings."""
    yield b""
    yield b"\x00"
    yield DEEP
    yield b'{"a":' * 200_000
    yield b"9" * 100_000
    # The decoder is given what it takes for UTF-8.
    readable = text.decode("utf-8", errors="replace")
    for encoding in ENCODINGS:
        yield ("\u00e9" + readable.replace("\ufffd", "?")).encode(encoding, errors="replace")


def damaged_values(value: Any, seed: int, count: int) -> Iterator[Any]:
    """Yield ``count`` variants of JSON data: a part has another type or value, or is left out."""
    rng = np.random.default_rng(seed)
    places = [place for place in _places(value, ()) if place]
    for _ in range(count):
        damaged = copy.deepcopy(value)
        *path, last = places[int(rng.integers(len(places)))]
        holder = damaged
        for step in path:
            holder = holder[step]
        choice = int(rng.integers(len(WRONG_VALUES) + 1))
        if choice < len(WRONG_VALUES):
            holder[last] = copy.deepcopy(WRONG_VALUES[choice])
        else:
            del holder[last]
        yield damaged


def _places(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield place
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _places(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*place, index))


def damaged_json(value: Any, seed: int, count: int) -> Iterator[bytes]:
    """Yield variants of a JSON file, half of them damaged values, half damaged bytes."""
    for damaged in damaged_values(value, seed, count // 2):
        yield json.dumps(damaged).encode()
    yield from damaged_bytes(json.dumps(value).encode(), seed, count - count // 2)
