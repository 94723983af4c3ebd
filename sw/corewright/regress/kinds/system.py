# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Kind ``system``: random networks on the RTL with the real firmware, under random traffic.

Some cases share a hardware, whose bench is compiled once and kept by its content. Every tensor that
a layer writes is compared in memory, the counters have to add up, and a run to which something
happens has to end with the right status in bounded time, the next ones exactly.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from corewright.compiler import CompiledProgram, CompileError, compile_graph
from corewright.environment import variable
from corewright.files import brief
from corewright.flow.bench import run_bench
from corewright.flow.cache import build_folder, building
from corewright.flow.compiled_bench import CompiledBench, build_bench
from corewright.flow.errors import FlowInputError
from corewright.flow.inference import describe
from corewright.flow.simulate import report
from corewright.flow.system import hardware_of
from corewright.flow.system_core import processing_elements
from corewright.flow.vectors import VectorSet, prepare
from corewright.flow.xsim_bench import build_xsim_bench
from corewright.graph import Graph
from corewright.hardware import Hardware
from corewright.program import decode_stages
from corewright.regress.case import CaseId, CheckFailed, Observation
from corewright.regress.coverage import (
    COMMON_BINS,
    LAYER_KINDS,
    cover_graph,
    cover_hardware,
    cover_program,
)
from corewright.regress.drawing import facts, first_that_fits, generator, hardware_summary
from corewright.regress.drawn import Drawn
from corewright.regress.kinds.planned import PlannedSuite
from corewright.regress.plan import Directed, Network, SystemPlan, simulator_of
from corewright.regress.random_graphs import WIDTHS, random_graph, random_hardware, random_input
from corewright.regress.traffic import (
    MAX_RUNS,
    PORT_STALLS,
    TRAFFIC_BINS,
    Traffic,
    draw_traffic,
)

# Groups of cases whose hardware is not drawn; random ones count from 0.
_FIXED, _DIRECTED = 1 << 30, 1 << 31
# Cases of a bench above which simulating faster is worth compiling longer: measured on 7x12 units,
# -Og saves 11 s of 25 s of compiling and costs 0.017 s a case.
_WORTH_OPTIMISING = 600
SHORT_RUNS = "-Og"
# Not among what a program has; of the memory and of its port.
_BINS = {
    "bus bits": ("32", "64", "128", "256", "512"),
    "bursts on their way": ("1", "2 to 7", "8 or more"),
    "longest burst": ("1 beat", "2 to 15 beats", "16 beats or more"),
    "weight ring": ("below 16 rows", "16 to 255 rows", "256 rows or more"),
    "array": ("drawn", "8x24", "21x32", "other"),
    **{
        f"stalls of {port}": tuple(f"{stall} in {kind}" for stall in stalls for kind in LAYER_KINDS)
        for port, stalls in PORT_STALLS.items()
    },
    # What the array waits for, by what is slow at the port that it has it from.
    "waiting": tuple(
        f"{port} {stall}, {waits}"
        for port, stalls in PORT_STALLS.items()
        for stall in stalls
        for waits in ("waits", "does not wait")
    ),
}
# What each port keeps the array waiting for.
_WAITS = {
    "program": "wait_weights",
    "pixels": "wait_pixels",
    "residual": "wait_output",
    "output": "wait_output",
}
# Arrays that people use.
_KNOWN_ARRAYS = ("8x24", "21x32")
# Values that hardwares have in turn. Most have the usual bursts: how the ports run ahead is theirs.
_SPREAD: dict[str, tuple[int, ...]] = {
    "bits_input": WIDTHS,
    "bits_weights": WIDTHS,
    "axi_width": (32, 64, 128, 256, 512),
    "ram_weights_depth": (3, 20, 64, 200, 512),
    "max_outstanding": (8, 8, 8, 1, 3, 16),
    "max_burst_beats": (64, 64, 64, 64, 1, 7, 16),
}
# A run of more estimated cycles is drawn again, up to so many times: the slowest fiftieth of the
# cases took a third of a night, and one case of hundreds of copies under slow ports 84 M cycles. So
# each layer counts what its reads and its last write's response may wait there.
_MOST_CYCLES, _LAYER_CYCLES, _DRAWS = 1_000_000, 3000, 8
# Waves of a failure: so many cycles before an end that should not be, and around a wrong layer.
_LAST_CYCLES, _MARGIN = 5000, 100


class SystemSuite(PlannedSuite[SystemPlan]):
    """See this module."""

    @property
    def bins(self) -> Mapping[str, tuple[str, ...]]:
        """See :class:`Suite`."""
        directed = self.plan.directed
        return {
            **COMMON_BINS,
            # Comparisons layer by layer need every tensor in its own place.
            "program": tuple(name for name in COMMON_BINS["program"] if name != "memory reused"),
            **TRAFFIC_BINS,
            **_BINS,
            **({"directed": tuple(each.name for each in directed)} if directed else {}),
        }

    @property
    def simulates(self) -> bool:
        """See :class:`ExplicitSuite`."""
        return True

    @property
    def simplest(self) -> Mapping[str, Any]:
        """See :class:`ExplicitSuite`; what a traffic does not name is as in ``Traffic()``."""
        return {"traffic": Traffic().to_dict()}

    def directed(self, index: int) -> tuple[int, Directed] | None:
        """Return the directed case with this index, and its number; None: it is a random one."""
        first = 0
        for number, directed in enumerate(self.plan.directed):
            if first <= index < first + directed.cases:
                return number, directed
            first += directed.cases
        return None

    def group(self, index: int) -> int | None:
        """The number of the case's hardware."""
        found = self.directed(index)
        if found is not None:
            shared = self.plan.fixed_number(found[1].fixed)
            if shared is not None:
                return _FIXED + shared
            return _DIRECTED + found[0] if found[1].hardware else 0
        for number, fixed in enumerate(self.plan.hardware.fixed):
            # In the middle of its period, and never two at once.
            if index % fixed.every == (fixed.every // 2 + number) % fixed.every:
                return _FIXED + number
        return index // self.plan.hardware.cases

    def prepare(self, seed: int, group: int) -> None:
        """Compile the bench of a hardware, unless there is one."""
        self.bench(self.hardware(seed, group), cases=self._cases_of(group))

    def _cases_of(self, group: int) -> int:
        """Cases that a group's bench serves, in a run of usual size."""
        plan = self.plan.hardware
        if _FIXED <= group < _DIRECTED:
            return self.plan.cases // plan.fixed[group - _FIXED].every
        return plan.cases

    def bench(self, hw: Hardware, trace: bool = False, cases: int = 1) -> CompiledBench:
        """Return the compiled bench of a hardware.

        Args:
            hw: the hardware.
            trace: whether it writes waves.
            cases: that it serves: many are worth a longer compilation.
        """
        provider = processing_elements()[self.plan.hardware.processing_element]
        if simulator_of(self.plan) == "xsim":
            if trace:
                raise FlowInputError("simulator xsim writes no FST waves, legal is verilator")
            return build_xsim_bench(hw, processing_element=provider)
        flags = "" if cases > _WORTH_OPTIMISING else SHORT_RUNS
        return build_bench(hw, trace=trace, compiler_flags=flags, processing_element=provider)

    def hardware(self, seed: int, group: int) -> Hardware:
        """Return a group's hardware; a random one is small enough to be compiled soon."""
        plan = self.plan.hardware
        if group >= _DIRECTED:
            return hardware_of(self.plan.directed[group - _DIRECTED].hardware, Path())
        if group >= _FIXED:
            return self.plan.fixed_hardware(group - _FIXED)
        rng = generator(f"{self.name} hardware", seed, group)
        spread = self._spread(seed, group)
        while True:
            hw = _chosen(rng, replace(random_hardware(rng), **spread), plan.choices)
            if hw is not None and hw.rows * hw.columns <= plan.units:
                return hw

    def _spread(self, seed: int, group: int) -> dict[str, Any]:
        """Parameters of which a group has each in its turn, in an order of the seed's.

        Drawn one by one, some value of one of them would be in none of fifty hardwares.
        """
        values: dict[str, Any] = {}
        for name, legal in _SPREAD.items():
            turn, place = divmod(group, len(legal))
            order = generator(f"{self.name} {name}", seed, turn).permutation(len(legal))
            values[name] = legal[int(order[place])]
        return values

    def draw(self, seed: int, index: int, observation: Observation) -> Drawn:
        """See :class:`ExplicitSuite`."""
        found = self.directed(index)
        hw = self.hardware(seed, self.group(index) or 0)
        traffic = draw_traffic(
            generator(f"{self.name} traffic", seed, index), self.plan.traffic.weights
        )
        network = self.plan.network
        if found is not None:
            directed = found[1]
            traffic = _directed_traffic(traffic, directed.traffic)
            network = directed.network or network
            observation.describe(directed=directed.name)
            observation.cover(f"directed:{directed.name}")
        options = {"traffic": traffic.to_dict()}
        observation.describe(hardware=hardware_summary(hw), **options)
        rng = generator(self.name, seed, index)
        (graph, batch, program), refusals = first_that_fits(
            lambda: _network(rng, hw, network, observation)
        )
        # The last run is sometimes filled up with images of the first.
        last = int(rng.integers(1, batch + 1)) if rng.integers(2) else batch
        images = random_input(rng, graph, batch * (traffic.runs - 1) + last)
        observation.describe(images=len(images), refusals=len(refusals))
        name = str(CaseId(self.name, seed, index))
        return Drawn(name, graph, hw, batch, images, options, program)

    def check_options(self, options: Mapping[str, Any]) -> None:
        """See :class:`ExplicitSuite`."""
        for name in sorted({*options, "traffic"}):
            if name != "traffic":
                raise FlowInputError(f"option '{brief(name)}' is unknown, legal is traffic")
        values = options.get("traffic")
        if not isinstance(values, Mapping):
            got = brief(repr(values))
            raise FlowInputError(f"option 'traffic' is {got}, legal is an object, may be empty")
        _traffic(values)

    def check(self, drawn: Drawn, observation: Observation, waves: Path | None = None) -> None:
        """Simulate; see :class:`ExplicitSuite`.

        With ``waves`` the case runs twice: the first run says which cycles are of interest.
        """
        graph, hw = drawn.graph, drawn.hardware
        observation.describe(
            **facts(hw, graph, drawn.batch, images=len(drawn.images), **drawn.options)
        )
        program = drawn.program or compile_graph(graph, hw, drawn.batch)
        runs = -(-len(drawn.images) // program.batch)
        # Images say how many runs there are, also where they have become fewer.
        traffic = _traffic({**drawn.options["traffic"], "runs": min(runs, MAX_RUNS)})
        group = self._group_of(drawn)
        stages = decode_stages(program.program)
        observation.cover(
            *cover_graph(graph, program.batch),
            *cover_hardware(hw),
            *cover_program(
                program, graph, len(stages), sum(len(s.host_operations) for s in stages)
            ),
            *traffic.bins,
            *_port_bins(hw),
            *_stall_bins(traffic, program),
            f"array:{_array(hw, group)}",
        )
        cases = 1 if group is None else self._cases_of(group)
        # Not in the scratch folder: benches are kept.
        bench = self.bench(hw, trace=waves is not None, cases=cases)
        plusargs = traffic.plusargs()
        with _scratch(drawn.origin, keep=observation.keep_files):
            vectors = prepare(graph, hw, drawn.images, program.batch)
            outcome = run_bench(
                bench, vectors, seed=traffic.seed, stalls=traffic.stalls, plusargs=plusargs
            )
            result = report(hw, vectors, outcome)
            observation.describe(simulated_cycles=outcome.result["simulated_cycles"])
            observation.cover(*_waiting_bins(traffic, program, result["layers"]))
            event = outcome.result.get("event")
            _observe_event(event, observation)
            if waves is not None:
                begin, end = failing_cycles(outcome.result, vectors, outcome.mismatches)
                run_bench(
                    bench,
                    vectors,
                    seed=traffic.seed,
                    stalls=traffic.stalls,
                    waves=waves,
                    plusargs=(*plusargs, f"trace_from={begin}", f"trace_to={end}"),
                )
                observation.describe(waves=str(waves), waves_cycles=f"{begin}..{end}")
            judge(result, graph, event)

    def _group_of(self, drawn: Drawn) -> int | None:
        """The group that a case was drawn for; None: it has other hardware by now."""
        try:
            case = CaseId.parse(drawn.origin)
        except FlowInputError:
            # Somebody wrote the file by hand.
            return None
        group = self.group(case.index) or 0
        same = case.suite == self.name and drawn.hardware == self.hardware(case.seed, group)
        return group if same else None


def _traffic(values: Mapping[str, Any]) -> Traffic:
    """The traffic of a case's options."""
    try:
        return Traffic.from_dict(values)
    except (TypeError, ValueError) as error:
        raise FlowInputError(f"option 'traffic': {brief(error)}") from error


def _array(hw: Hardware, group: int | None) -> str:
    """The bin of a hardware's array."""
    if group is None or group < _FIXED:
        return "drawn"
    array = f"{hw.rows}x{hw.columns}"
    return array if array in _KNOWN_ARRAYS else "other"


def _port_bins(hw: Hardware) -> set[str]:
    """The bins of a hardware's ports and of what they fill."""
    bursts, beats, rows = hw.max_outstanding, hw.max_burst_beats, hw.weight_rows
    return {
        f"bus bits:{hw.axi_width}",
        f"bursts on their way:{'1' if bursts == 1 else '2 to 7' if bursts < 8 else '8 or more'}",
        "longest burst:"
        + ("1 beat" if beats == 1 else "2 to 15 beats" if beats < 16 else "16 beats or more"),
        "weight ring:"
        + (f"{'below 16' if rows < 16 else '16 to 255' if rows < 256 else '256'} rows")
        + (" or more" if rows >= 256 else ""),
    }


def _stall_bins(traffic: Traffic, program: CompiledProgram) -> set[str]:
    """What is slow about each port, by what the accelerator does meanwhile."""
    kinds = {layer.type for layer in program.layers}
    added = {layer.type for layer in program.layers if layer.addition is not None}
    return {
        f"stalls of {port}:{stall} in {kind}"
        for port in PORT_STALLS
        for stall in traffic.port_stalls(port)
        for kind in (added if port == "residual" else kinds)
    }


def _waiting_bins(
    traffic: Traffic, program: CompiledProgram, layers: Sequence[Mapping[str, Any]]
) -> set[str]:
    """Whether layers waited for each port, by what is slow about it."""
    return {
        f"waiting:{port} {stall}, {'waits' if cycles[_WAITS[port]] else 'does not wait'}"
        for layer, cycles in zip(
            program.layers, (each["cycles_by_cause"] for each in layers), strict=False
        )
        for port in PORT_STALLS
        if port != "residual" or layer.addition is not None
        for stall in traffic.port_stalls(port)
    }


def _observe_event(event: Mapping[str, Any] | None, observation: Observation) -> None:
    """What the bench says of what happened to a run."""
    if event is None:
        observation.cover("event:none")
        return
    in_time = event["status"] != "OK"
    observation.cover(f"event:{event['kind']} {'in time' if in_time else 'too late'}")
    observation.describe(event=event)


def _network(
    rng: np.random.Generator, hw: Hardware, network: Network, observation: Observation
) -> tuple[Graph, int, CompiledProgram | None]:
    """A network that fits, its batch, and its program.

    The program is None where the compiler failed by a fault of its own, which whoever compiles the
    network again sees.
    """
    for attempt in range(1, _DRAWS + 1):
        graph = random_graph(
            rng, hw, layers=network.layers, largest=network.size, operators=network.operators
        )
        batch = int(rng.integers(1, network.batch + 1))
        observation.describe(**facts(hw, graph, batch))
        try:
            program = compile_graph(graph, hw, batch)
        except CompileError as error:
            if error.parameter is not None:
                raise
            return graph, batch, None
        except Exception:
            return graph, batch, None
        cycles = sum(layer.estimated_cycles + _LAYER_CYCLES for layer in program.layers)
        if cycles <= _MOST_CYCLES or attempt == _DRAWS:
            break
    return graph, program.batch, program


def _chosen(
    rng: np.random.Generator, hw: Hardware, choices: Mapping[str, list[Any]]
) -> Hardware | None:
    """``hw`` with the parameters that a plan draws itself; None: they do not go together."""
    values = {name: legal[int(rng.integers(len(legal)))] for name, legal in sorted(choices.items())}
    try:
        return replace(hw, **values) if values else hw
    except ValueError:
        return None


def _directed_traffic(drawn: Traffic, values: Mapping[str, Any]) -> Traffic:
    """What a directed case says, the seed drawn; without an event and stalls if it names none."""
    return Traffic.from_dict({"seed": drawn.seed, **values})


def failing_cycles(
    result: Mapping[str, Any], vectors: VectorSet, mismatches: Sequence[Mapping[str, Any]]
) -> tuple[int, int]:
    """Return the cycles, from the simulation's begin, in which a run went wrong.

    They are those of the layer that writes the first wrong tensor, as the performance counters
    have them, or else of the whole run: of the first one that failed. What ended otherwise than it
    should (a hang, an assertion, a status) has its last cycles, what passed all of them.

    Args:
        result: what the bench wrote.
        vectors: what it ran.
        mismatches: see ``RunResult``.
    """
    last = int(result["simulated_cycles"])
    wrong = [number for number, run in enumerate(result["runs"]) if run["mismatches"]]
    if result["passed"]:
        return 0, last
    if result["status"] != "OK" or not wrong:
        return max(0, last - _LAST_CYCLES), last
    run = result["runs"][wrong[0]]
    begin, end = int(run["first_cycle"]), int(run["last_cycle"])
    # A run that an event has ended is repeated.
    batch = sum(run["status"] == "OK" for run in result["runs"][: wrong[0]])
    named = [m["layer"] for m in mismatches if m["image"] // vectors.info["batch"] == batch]
    # Those in which the firmware works, in front of the first layer and behind the last one.
    firmware = end - begin - int(run["cycles"])
    at = begin
    # Between two stages the host works as long as it likes.
    rows = zip(vectors.layers, run["layer_cycles"], strict=False) if len(run["stages"]) == 1 else ()
    for layer, words in rows:
        cycles = int(words[-1])
        if not cycles:
            break
        if layer["node"] in named[:1]:
            begin, end = at, at + firmware + cycles
            break
        at += cycles
    return max(0, begin - _MARGIN), min(last, end + _MARGIN)


@contextlib.contextmanager
def _scratch(name: str, keep: bool) -> Iterator[None]:
    """Let vectors and logs go to a folder of their own, which only a failure leaves behind.

    Not even that, where nothing is to be kept.
    """
    failures = build_folder() / "regress"
    with building(failures):
        failures.mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(prefix=f"{name}-", dir=failures)
    passed = False
    try:
        with variable("COREWRIGHT_BUILD", folder):
            yield
        passed = True
    finally:
        if passed or not keep:
            shutil.rmtree(folder)


def judge(result: Mapping[str, Any], graph: Graph, event: Mapping[str, Any] | None = None) -> None:
    """Judge a simulation's report.

    Args:
        result: see :func:`corewright.flow.simulate.report`.
        graph: what was simulated.
        event: what the bench says of what happened to a run.

    Raises:
        CheckFailed: something is wrong; the signature names the status, or what made the first
            tensor that differs.
    """
    if result["passed"]:
        _check_steps(result)
        return
    detail = describe(result)
    if result["status"] == "EVENT" and event is not None:
        raise CheckFailed(f"{event['kind']} ends with {event['status']}", detail)
    if result["status"] != "OK":
        raise CheckFailed(f"status {result['status']}", detail)
    if not result["emulator"]["bit_exact"]:
        raise CheckFailed("emulator differs", detail)
    if result["first_mismatches"]:
        layer = result["first_mismatches"][0]["layer"]
        makers = {node.name: node.label for node in graph.compute_nodes}
        raise CheckFailed(f"mismatch in {makers.get(layer, layer)}", detail)
    if not result["counters_add_up"]:
        raise CheckFailed("counters do not add up", detail)
    raise CheckFailed("the bench failed", detail)


def _check_steps(result: Mapping[str, Any]) -> None:
    """The array works as many cycles as the compiler has counted."""
    for layer in result["layers"]:
        counted = layer["cycles_by_cause"]["compute"]
        if counted != layer["compute_cycles"]:
            raise CheckFailed(
                f"steps of {layer['type']}",
                f"layer {layer['name']}: {layer['compute_cycles']} expected, {counted} counted",
            )
