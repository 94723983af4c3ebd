# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Limits of the program format that the accelerator enforces."""

import pytest

from corewright.program import ProgramError, encode_program
from corewright.program.format import DESCRIPTOR_FIELDS, MAX_LAYERS


def test_a_stage_has_no_more_layers_than_the_accelerator_counts():
    (index,) = (field for field in DESCRIPTOR_FIELDS if field.name == "layer_index")
    assert 1 << index.width > MAX_LAYERS
    with pytest.raises(ProgramError, match=f"65536 layers, legal are 1 to {MAX_LAYERS}"):
        encode_program({}, [{}] * (MAX_LAYERS + 1), b"")
