# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Golden model: exact, vectorised execution of an integer graph in NumPy."""

from corewright.golden.run import (
    dequantise,
    host_output,
    quantise_input,
    random_input,
    random_words,
    run,
)
from corewright.graph.arithmetic import requantise, round_half_even_divide, round_half_even_shift

__all__ = [
    "dequantise",
    "host_output",
    "quantise_input",
    "random_input",
    "random_words",
    "requantise",
    "round_half_even_divide",
    "round_half_even_shift",
    "run",
]
