# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Golden model: exact, vectorised execution of an integer graph in NumPy."""

from corewright.golden.operators import requantise, round_half_even_divide, round_half_even_shift
from corewright.golden.run import (
    dequantise,
    host_output,
    quantise_input,
    random_input,
    random_words,
    run,
)

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
