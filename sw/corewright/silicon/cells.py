# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The cells that Yosys maps to, by family: what each takes of a chip and how signals pass it.

Sources: AMD UG474 and UG574 (slices), UG479 and UG579 (DSP), UG473 and UG573 (RAM); Lattice
TN1264 and TN1265 (ECP5). A cell that stands in no table is an error: nothing is left out silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

FAMILIES = ("xc7", "xcup", "ecp5", "asic")
# Of these chips a library that is given names the cells, see corewright.silicon.liberty.
ASIC = "asic"


class NetlistError(ValueError):
    """A netlist is damaged, or has a cell that is not known; the message names it."""


class Role(Enum):
    """How signals pass a cell."""

    LUT = auto()  # a level
    CARRY = auto()  # a level, however many are chained
    WIRE = auto()  # no level: a multiplexer behind LUTs in their slice, a buffer
    REGISTER = auto()  # a path ends and begins
    MEMORY = auto()  # written like a register, read through a level
    MULTIPLIER = auto()  # registers where its parameters say so


@dataclass(frozen=True)
class Cell:
    """A type of cell.

    Attributes:
        role: how signals pass it.
        counts: by resource (``lut``, ``ff``, ``dsp``, ``bram36`` of 36 kbit, ``uram``) what one
            takes; on an ASIC ``area_um2``, ``ge``, ``ff``, ``memory_bits``.
        outputs: its output ports.
        chain: of a carry chain, the input ports by which it goes on.
        address: of a memory, prefixes of the ports that are read through.
        clocks: of a register, its clocks where their names are a library's own.
    """

    role: Role
    counts: Mapping[str, float] = field(default_factory=dict)
    outputs: tuple[str, ...] = ("O",)
    chain: tuple[str, ...] = ()
    address: tuple[str, ...] = ()
    clocks: tuple[str, ...] = ()


def _luts(sizes: Sequence[int], name: str, output: str) -> dict[str, Cell]:
    return {f"{name}{size}": Cell(Role.LUT, {"lut": 1}, (output,)) for size in sizes}


def _lut_ram(luts: int, outputs: tuple[str, ...], address: tuple[str, ...]) -> Cell:
    return Cell(Role.MEMORY, {"lut": luts}, outputs, address=address)


_FLIP_FLOP = Cell(Role.REGISTER, {"ff": 1}, ("Q",))
_FOUR = ("ADDRA", "ADDRB", "ADDRC")
_EIGHT = (*_FOUR, "ADDRD", "ADDRE", "ADDRF", "ADDRG")
_XILINX: dict[str, Cell] = {
    **_luts(range(1, 7), "LUT", "O"),
    # Most are absorbed by Vivado; here each is a LUT, as Yosys leaves it.
    "INV": Cell(Role.LUT, {"lut": 1}),
    **dict.fromkeys(("MUXF7", "MUXF8", "MUXF9"), Cell(Role.WIRE)),
    **dict.fromkeys(("BUFG", "BUF", "IBUF", "OBUF"), Cell(Role.WIRE)),
    **dict.fromkeys(("GND",), Cell(Role.WIRE, outputs=("G",))),
    **dict.fromkeys(("VCC",), Cell(Role.WIRE, outputs=("P",))),
    "CARRY4": Cell(Role.CARRY, outputs=("O", "CO"), chain=("CI",)),
    "CARRY8": Cell(Role.CARRY, outputs=("O", "CO"), chain=("CI",)),
    **dict.fromkeys(
        (f"FD{kind}{edge}" for kind in ("RE", "SE", "CE", "PE") for edge in ("", "_1")), _FLIP_FLOP
    ),
    "SRL16E": Cell(Role.MEMORY, {"lut": 1}, ("Q",), address=("A",)),
    "SRLC16E": Cell(Role.MEMORY, {"lut": 1}, ("Q", "Q15"), address=("A",)),
    "SRLC32E": Cell(Role.MEMORY, {"lut": 1}, ("Q", "Q31"), address=("A",)),
    "RAM16X1S": _lut_ram(1, ("O",), ("A",)),
    "RAM32X1S": _lut_ram(1, ("O",), ("A",)),
    "RAM64X1S": _lut_ram(1, ("O",), ("A",)),
    "RAM128X1S": _lut_ram(2, ("O",), ("A",)),
    "RAM256X1S": _lut_ram(4, ("O",), ("A",)),
    "RAM512X1S": _lut_ram(8, ("O",), ("A",)),
    "RAM32X1D": _lut_ram(2, ("SPO", "DPO"), ("A", "DPRA")),
    "RAM64X1D": _lut_ram(2, ("SPO", "DPO"), ("A", "DPRA")),
    "RAM128X1D": _lut_ram(4, ("SPO", "DPO"), ("A", "DPRA")),
    "RAM256X1D": _lut_ram(8, ("SPO", "DPO"), ("A", "DPRA")),
    "RAM32M": _lut_ram(4, ("DOA", "DOB", "DOC", "DOD"), (*_FOUR, "ADDRD")),
    "RAM64M": _lut_ram(4, ("DOA", "DOB", "DOC", "DOD"), (*_FOUR, "ADDRD")),
    "RAM32M16": _lut_ram(8, tuple(f"DO{c}" for c in "ABCDEFGH"), (*_EIGHT, "ADDRH")),
    "RAM64M8": _lut_ram(8, tuple(f"DO{c}" for c in "ABCDEFGH"), (*_EIGHT, "ADDRH")),
    "RAMB18E1": Cell(Role.REGISTER, {"bram36": 0.5}, ("DOADO", "DOBDO", "DOPADOP", "DOPBDOP")),
    "RAMB36E1": Cell(
        Role.REGISTER,
        {"bram36": 1},
        (
            *("DOADO", "DOBDO", "DOPADOP", "DOPBDOP", "CASCADEOUTA", "CASCADEOUTB"),
            *("DBITERR", "SBITERR", "ECCPARITY", "RDADDRECC"),
        ),
    ),
    **{
        f"RAMB{size}E2": Cell(
            Role.REGISTER,
            {"bram36": size / 36},
            (
                *("DOUTADOUT", "DOUTBDOUT", "DOUTPADOUTP", "DOUTPBDOUTP", "CASDOUTA", "CASDOUTB"),
                *("CASDOUTPA", "CASDOUTPB", "CASOUTDBITERR", "CASOUTSBITERR", "DBITERR"),
                *("SBITERR", "ECCPARITY", "RDADDRECC"),
            ),
        )
        for size in (18, 36)
    },
    "URAM288": Cell(
        Role.REGISTER,
        {"uram": 1},
        (
            *("DOUT_A", "DOUT_B", "RDACCESS_A", "RDACCESS_B", "SBITERR_A", "SBITERR_B"),
            *("DBITERR_A", "DBITERR_B", "CAS_OUT_DOUT_A", "CAS_OUT_DOUT_B"),
        ),
    ),
    **{
        f"DSP48E{version}": Cell(
            Role.MULTIPLIER,
            {"dsp": 1},
            (
                *("P", "PCOUT", "ACOUT", "BCOUT", "CARRYOUT", "CARRYCASCOUT", "MULTSIGNOUT"),
                *("OVERFLOW", "UNDERFLOW", "PATTERNDETECT", "PATTERNBDETECT", "XOROUT"),
            ),
        )
        for version in (1, 2)
    },
}
_ECP5: dict[str, Cell] = {
    "LUT4": Cell(Role.LUT, {"lut": 1}, ("Z",)),
    **dict.fromkeys(("PFUMX", "L6MUX21"), Cell(Role.WIRE, outputs=("Z",))),
    # Two LUTs with their carries; a chain is one level, its LUTs included.
    "CCU2C": Cell(Role.CARRY, {"lut": 2}, ("S0", "S1", "COUT"), chain=("CIN",)),
    "TRELLIS_FF": _FLIP_FLOP,
    # Four hold 16 words of 4 bits; the two of the slice that holds the write port are lost.
    "TRELLIS_DPR16X4": _lut_ram(6, ("DO",), ("RAD",)),
    **dict.fromkeys(
        ("DP16KD", "PDPW16KD"),
        Cell(
            Role.REGISTER,
            {"bram36": 0.5},
            (
                *(f"DO{port}{bit}" for port in "AB" for bit in range(18)),
                *(f"DO{bit}" for bit in range(36)),
            ),
        ),
    ),
    "MULT18X18D": Cell(
        Role.MULTIPLIER,
        {"dsp": 1},
        (
            *(f"P{bit}" for bit in range(36)),
            *("SIGNEDP",),
            *(
                f"{name}{bit}"
                for name in ("ROA", "ROB", "ROC", "SROA", "SROB")
                for bit in range(18)
            ),
        ),
    ),
    **dict.fromkeys(("DCCA",), Cell(Role.WIRE, outputs=("CLKO",))),
    **dict.fromkeys(("VLO",), Cell(Role.WIRE, outputs=("Z",))),
    **dict.fromkeys(("VHI",), Cell(Role.WIRE, outputs=("Z",))),
}
# A memory that was kept, with registered reads; how many bits is in its parameters.
MEMORY = "$mem_v2"
_MEMORY = Cell(Role.REGISTER, outputs=("RD_DATA",), clocks=("RD_CLK", "WR_CLK"))
_CELLS = {"xc7": _XILINX, "xcup": _XILINX, "ecp5": _ECP5}
# Cells of Yosys' own that say something about the design and are no part of it.
_NOTES = frozenset(("$scopeinfo", "$print", "$check"))


def cell_of(
    family: str, library: Callable[[str], Cell] | None = None
) -> Callable[[str], Cell | None]:
    """Return the function that tells what a type of cell is; None: nothing in silicon.

    The function raises NetlistError for a type that is not known.

    Args:
        family: of :data:`FAMILIES`.
        library: of :data:`ASIC` what tells of its cells.

    Raises:
        NetlistError: there is no such family, or it needs a library.
    """
    if family not in FAMILIES:
        raise NetlistError(f"family is {family!r}, legal are {', '.join(FAMILIES)}")
    if family == ASIC and library is None:
        raise NetlistError(f"{ASIC} needs a library of cells")
    known = _CELLS.get(family, {MEMORY: _MEMORY})

    def find(kind: str) -> Cell | None:
        if kind in _NOTES:
            return None
        if kind not in known and library is not None:
            return library(kind)
        if kind not in known:
            raise NetlistError(f"{kind} is no known cell of {family}")
        return known[kind]

    return find


# Of a DSP48, by input the parameters of its own registers; a product's and a sum's come behind.
_DSP48_INPUTS = {
    "A": "AREG",
    "B": "BREG",
    "C": "CREG",
    "D": "DREG",
    "ACIN": "AREG",
    "BCIN": "BREG",
    "CARRYIN": "CARRYINREG",
    "OPMODE": "OPMODEREG",
    "ALUMODE": "ALUMODEREG",
    "INMODE": "INMODEREG",
    "CARRYINSEL": "CARRYINSELREG",
}
_DSP48_MULTIPLIED = ("A", "B", "D", "INMODE", "ACIN", "BCIN")
_DSP48_ENABLES = ("CE", "RST", "CLK")
_MULT18_REGISTERS = ("REG_INPUTA_CLK", "REG_INPUTB_CLK", "REG_PIPELINE_CLK", "REG_OUTPUT_CLK")


def _number(parameters: Mapping[str, str], name: str) -> int:
    text = str(parameters.get(name, "0"))
    try:
        return int(text, 2)
    except ValueError:
        return 1


def passes(kind: str, port: str, parameters: Mapping[str, str]) -> bool:
    """Return whether a multiplier lets an input through to its output without a register.

    Args:
        kind: ``DSP48E1``, ``DSP48E2`` or ``MULT18X18D``.
        port: the input.
        parameters: of the cell, as Yosys writes them.
    """
    if kind == "MULT18X18D":
        if port[:1] not in ("A", "B", "C", "S"):
            return False
        registers = [parameters.get(name, "NONE") for name in _MULT18_REGISTERS]
        own = registers[:1] if port[0] in ("A", "C") else registers[1:2]
        return all(value == "NONE" for value in (*own, *registers[2:]))
    if port.startswith(_DSP48_ENABLES):
        return False
    names = ["PREG"]
    if port in _DSP48_INPUTS:
        names.append(_DSP48_INPUTS[port])
    if port in _DSP48_MULTIPLIED and str(parameters.get("USE_MULT", "MULTIPLY")) != "NONE":
        names.append("MREG")
    return not any(_number(parameters, name) for name in names)
