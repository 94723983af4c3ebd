# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The program binary: what the compiler writes and the accelerator, emulator and firmware read."""

from corewright.program.format import (
    DESCRIPTOR_BYTES,
    DESCRIPTOR_FIELDS,
    DESCRIPTOR_WORDS,
    HEADER_BYTES,
    HEADER_FIELDS,
    MAGIC,
    VERSION,
    Field,
    Opcode,
    ProgramError,
    decode_descriptor,
    decode_header,
    decode_program,
    encode_descriptor,
    encode_header,
    encode_program,
)

__all__ = [
    "DESCRIPTOR_BYTES",
    "DESCRIPTOR_FIELDS",
    "DESCRIPTOR_WORDS",
    "HEADER_BYTES",
    "HEADER_FIELDS",
    "MAGIC",
    "VERSION",
    "Field",
    "Opcode",
    "ProgramError",
    "decode_descriptor",
    "decode_header",
    "decode_program",
    "encode_descriptor",
    "encode_header",
    "encode_program",
]
