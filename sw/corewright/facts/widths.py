# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Widths and ranges that follow from a configuration; of a single bit above all.

A word of one bit is a sign: bit b stands for 1 - 2b, +1 or -1, and never for 0. Whoever asks for it
asks here.

These functions are where SystemVerilog's and C's come from: the generator calls them with symbols,
so all that they do is arithmetic, and a choice is made by :func:`either`. A parameter is an
attribute of ``corewright.hardware.Hardware`` or another one of these functions.
"""

from __future__ import annotations

from typing import Any

# Of post-processing's sums: what pre-shift and bias add to an accumulator. The compiler checks it.
POST_GUARD_BITS = 8


def either(condition: Any, yes: Any, no: Any) -> Any:
    """``yes if condition else no``, of symbols, too."""
    choose = getattr(condition, "choose", None)
    if choose is not None:
        return choose(yes, no)
    return yes if condition else no


def word_bytes(rows: int, bits_input: int) -> int:
    """Bytes of a word: the R lanes of one channel."""
    return (rows * bits_input + 7) // 8


def post_bits(bits_sum: int) -> int:
    """Width of post-processing's sums: pre-shift and bias are compile-time checked to fit."""
    return bits_sum + POST_GUARD_BITS


def bias_bytes(post_bits: int) -> int:
    """Bytes of one bias in the program."""
    return (post_bits + 7) // 8


def weight_row_bytes(columns: int, bits_weights: int) -> int:
    """Widest weight row of the program, in bytes."""
    return (columns * bits_weights + 7) // 8


def port_words(word_bytes: int, axi_width: int) -> int:
    """Words that the output port takes a cycle; 0 if it takes a part of one."""
    return axi_width // 8 // word_bytes


def half_drain(drain: int, port_words: int, axi_width: int) -> int:
    """Half of D if that is whole and the output port takes so many words, else 1."""
    # An odd D makes the sum more than any port takes.
    result: int = either(drain // 2 + drain % 2 * axi_width <= port_words, drain // 2, 1)
    return result


def drain_words(drain: int, port_words: int, half_drain: int) -> int:
    """Words that leave the array a cycle: D or its half if the output port takes them, else one."""
    result: int = either(drain <= port_words, drain, half_drain)
    return result


def drain_beats(columns: int, drain_words: int) -> int:
    """Beats of a full tile's drain."""
    return columns // drain_words


def beat_and_rest(word_bytes: int, axi_width: int) -> int:
    """Bytes of a beat, and those that a word has behind its whole beats."""
    return axi_width // 8 + word_bytes % (axi_width // 8)


def unit_bytes(beat_and_rest: int) -> int:
    """Bytes of which words and beats are multiples, so every word's address: a power of two."""
    # The lowest bit: the beat's own only where words are whole beats.
    return beat_and_rest - (beat_and_rest & (beat_and_rest - 1))


def is_sign(bits: int) -> bool:
    """Whether words of so many bits are signs, +1 or -1."""
    return bits == 1


def number_bits(bits: int) -> int:
    """Bits of the two's complement number that a word of so many bits stands for."""
    result: int = either(is_sign(bits), 2, bits)
    return result


def largest(bits: int) -> int:
    """Largest number that a word of so many bits stands for."""
    result: int = either(is_sign(bits), 1, (1 << (bits - 1)) - 1)
    return result


def smallest(bits: int) -> int:
    """Smallest number that a word of so many bits stands for."""
    result: int = either(is_sign(bits), -1, -(1 << (bits - 1)))
    return result


def number_range(bits: int) -> tuple[int, int]:
    """(smallest, largest) number that a word of so many bits stands for."""
    return smallest(bits), largest(bits)
