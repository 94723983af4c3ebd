# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What memory, interrupt and host do to the runs of a simulation: plain data, drawn by weights.

The plusargs are those of ``core/accelerator/dv/README.md``, which says what each number means.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np

from corewright.flow.bench import MAX_SEED, STALLS

PORTS = ("program", "pixels", "residual", "output")
EVENTS = ("none", "abort", "reset", "timeout", "watchdog", "axi_error")
RESPONSES = ("SLVERR", "DECERR")
BEATS = ("all", "first", "last")
HOSTS = ("prompt", "late", "restless")
# Of the bench's numbers: cycles, and chances out of 65536. A channel that never moves is a hang.
MAX_CYCLES = 4095
MAX_CHANCE = 65000
MAX_RUNS = 16
MAX_AT = 2000
# Of the port for programs, weights and biases, that for pixels, ...: what can be slow there.
_READ_STALLS = ("none", "latency", "idle", "busy", "stops")
PORT_STALLS = {
    **dict.fromkeys(PORTS[:3], _READ_STALLS),
    "output": ("none", "late response", "busy", "stops"),
}
# What is slow counts from so many cycles of latency, and so high a chance out of 65536.
_LONG, _OFTEN = 60, 16000
# What a port may have on its way: bursts and beats of the hardware's defaults.
_BURSTS, _BEATS = 8, 64
_Choice = TypeVar("_Choice", bound=str)


def _check(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} is {value!r}, legal is an integer {low}..{high}")


def _check_word(name: str, value: object, legal: Sequence[str]) -> None:
    if value not in legal:
        raise ValueError(f"{name} is {value!r}, legal are {', '.join(legal)}")


@dataclass(frozen=True)
class Port:
    """How the memory behind one port behaves; the defaults are those of a calm one.

    Attributes:
        latency: cycles from a request to its first data, or from the last data to the response.
        spread: mask of what is added to it at random.
        busy: chance out of 65536 a cycle that a channel that takes is not ready.
        idle: the same that a channel that gives has nothing yet.
        stop: chance that the whole port stops for a while.
        stop_mask: mask of how many cycles it stops.

    Raises:
        ValueError: a number is out of range.
    """

    latency: int = 20
    spread: int = 0
    busy: int = 0
    idle: int = 0
    stop: int = 0
    stop_mask: int = 0

    def __post_init__(self) -> None:
        _check("latency", self.latency, 1, MAX_CYCLES)
        for name in ("spread", "stop_mask"):
            _check(name, getattr(self, name), 0, MAX_CYCLES)
        for name in ("busy", "idle", "stop"):
            _check(name, getattr(self, name), 0, MAX_CHANCE)

    @property
    def text(self) -> str:
        """As the bench reads it."""
        return ",".join(str(value) for value in dataclasses.astuple(self))

    def stalls(self, *, writes: bool = False) -> tuple[str, ...]:
        """Return what is slow about it, of ``PORT_STALLS``; several things may be."""
        idle, late = self.idle >= _OFTEN, self.latency + self.spread >= _LONG
        slow = {
            # What a write port gives is its response.
            "late response": writes and (late or idle),
            "latency": late and not writes,
            "idle": idle and not writes,
            "busy": self.busy >= _OFTEN,
            "stops": self.stop > 0,
        }
        return tuple(name for name, seen in slow.items() if seen) or ("none",)

    @property
    def slowest(self) -> int:
        """Cycles in which all that a port may have on its way has come, with room to spare."""
        moving = 1 - max(self.busy, self.idle) / 65536
        stopped = self.stop / 65536 * self.stop_mask / 2
        beats = _BURSTS * _BEATS / moving * (1 + stopped)
        return int(4 * beats) + _BURSTS * (self.latency + self.spread) + 4 * self.stop_mask


_FIELDS = tuple(field.name for field in dataclasses.fields(Port))
# The profiles of the bench, see stalls_of in core/accelerator/dv/cw_bench_pkg.sv.
PROFILES = {
    "none": Port(),
    "light": Port(8, 31, 4096, 4096, 32, 31),
    "heavy": Port(1, 127, 32768, 32768, 256, 127),
}


def _changed(values: Any, usual: Any) -> dict[str, Any]:
    """The fields that differ."""
    names = [field.name for field in dataclasses.fields(values)]
    return {
        name: getattr(values, name)
        for name in names
        if getattr(values, name) != getattr(usual, name)
    }


@dataclass(frozen=True)
class Traffic:
    """What happens around the runs of a simulation; ``Traffic()`` is one calm run.

    Attributes:
        seed: of stalls, bus addresses and first contents of memory.
        stalls: the bench's profile of ports that are None here.
        program: the port for programs, weights and biases.
        pixels: the port for input tensors.
        residual: the port for second operands of additions.
        output: the write port.
        irq_latency: cycles until the host hears the interrupt.
        irq_spread: mask of what is added to them at random.
        wake_chance: chance out of 65536 a cycle that a waiting host wakes for no reason.
        runs: inferences back to back.
        event: what happens in the middle of one of them; that one is repeated.
        event_run: which one, from 1: the one before it is its measure.
        event_at: how far in the run, thousandths of the one before; of ``watchdog``, its cycles.
        event_port: where an AXI error happens.
        response: of the AXI error.
        beats: which beats of the burst have it.

    Raises:
        ValueError: a value is not legal, or an event has no run.
    """

    seed: int = 1
    stalls: str = "none"
    program: Port | None = None
    pixels: Port | None = None
    residual: Port | None = None
    output: Port | None = None
    irq_latency: int = 0
    irq_spread: int = 0
    wake_chance: int = 0
    runs: int = 1
    event: str = "none"
    event_run: int = 1
    event_at: int = 500
    event_port: str = "pixels"
    response: str = "SLVERR"
    beats: str = "all"

    def __post_init__(self) -> None:
        _check("seed", self.seed, 1, MAX_SEED)
        for name in ("irq_latency", "irq_spread", "wake_chance"):
            _check(name, getattr(self, name), 0, MAX_CYCLES)
        _check("runs", self.runs, 1, MAX_RUNS)
        _check("event_at", self.event_at, 0, MAX_AT)
        for name in PORTS:
            port = getattr(self, name)
            if port is not None and not isinstance(port, Port):
                raise ValueError(f"{name} is {port!r}, legal is a table of {', '.join(_FIELDS)}")
        _check_word("stalls", self.stalls, STALLS)
        _check_word("event", self.event, EVENTS)
        _check_word("event_port", self.event_port, PORTS)
        _check_word("response", self.response, RESPONSES)
        _check_word("beats", self.beats, BEATS)
        if self.event != "none":
            if self.runs < 2:
                raise ValueError(f"runs is {self.runs}, legal with an event is 2..{MAX_RUNS}")
            _check("event_run", self.event_run, 1, self.runs - 1)

    def plusargs(self) -> tuple[str, ...]:
        """Return the bench's plusargs but for seed and stalls; none for ``Traffic()``."""
        found = []
        for name in PORTS:
            port: Port | None = getattr(self, name)
            if port is not None:
                found.append(f"{name}_traffic={port.text}")
        for name in ("irq_latency", "irq_spread", "wake_chance"):
            if getattr(self, name):
                found.append(f"{name}={getattr(self, name)}")
        if self.event != "none":
            found += [f"event={self.event}", f"event_run={self.event_run}"]
            found += [f"event_at={self.event_at}", f"event_bound={self.bound}"]
        if self.event == "axi_error":
            found += [f"event_port={self.event_port}", f"error_response={self.response}"]
            found.append(f"error_beats={self.beats}")
        return tuple(found)

    @property
    def bound(self) -> int:
        """Cycles in which a run has to end behind its event, if the design works."""
        ports = [getattr(self, name) or PROFILES["heavy"] for name in PORTS]
        # The clearing of the pipelines, and what the firmware reads.
        return 10000 + max(port.slowest for port in ports) + self.irq_latency + self.irq_spread

    def port_stalls(self, port: str) -> tuple[str, ...]:
        """Return what is slow about a port, of ``PORT_STALLS``."""
        behaves: Port = getattr(self, port) or PROFILES[self.stalls]
        return behaves.stalls(writes=port == "output")

    @property
    def bins(self) -> tuple[str, ...]:
        """What is covered by this traffic, ``group:bin``; what an event came to is not known."""
        own = any(getattr(self, name) for name in PORTS)
        runs = str(self.runs) if self.runs < 3 else "3 or more"
        host = "prompt"
        if self.wake_chance:
            host = "restless"
        elif self.irq_latency or self.irq_spread:
            host = "late"
        found = [f"stalls:{'by port' if own else self.stalls}", f"runs:{runs}", f"host:{host}"]
        if self.event == "axi_error":
            found += [f"AXI error:{self.event_port}", f"AXI error:{self.response}"]
            found.append(f"AXI error:{self.beats} beats")
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from ``Traffic()``, of a port from ``Port()``; JSON-compatible."""
        changed = _changed(self, Traffic())
        ports = [name for name in PORTS if name in changed]
        return {**changed, **{name: _changed(changed[name], Port()) for name in ports}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`, also behind JSON.

        Raises:
            ValueError: a name or a value is not legal.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        made: dict[str, Any] = {}
        for name, value in values.items():
            _check_word("a field of traffic", name, known)
            if name in PORTS and isinstance(value, Mapping):
                for inner in value:
                    _check_word(f"a field of {name}", inner, _FIELDS)
                made[name] = Port(**value)
            else:
                made[name] = value
        return cls(**made)


TRAFFIC_BINS: dict[str, tuple[str, ...]] = {
    "stalls": (*STALLS, "by port"),
    "runs": ("1", "2", "3 or more"),
    "host": HOSTS,
    "event": tuple(
        f"{event} {outcome}" if event != "none" else event
        for event in EVENTS
        for outcome in (("in time", "too late") if event != "none" else ("",))
    ),
    "AXI error": (*PORTS, *RESPONSES, *(f"{name} beats" for name in BEATS)),
}


@dataclass(frozen=True)
class TrafficWeights:
    """How often what is drawn, each by name; names that are left out are not drawn.

    Attributes:
        stalls: of the profiles, and of ``by port``: each port by itself.
        host: of ``prompt``, ``late`` (the interrupt comes late) and ``restless`` (it wakes for no
            reason, too).
        runs: of numbers of inferences back to back.
        event: of what happens in the middle of one.
    """

    stalls: Mapping[str, float] = dataclasses.field(
        default_factory=lambda: {"none": 1.0, "light": 1.0, "heavy": 1.0}
    )
    host: Mapping[str, float] = dataclasses.field(default_factory=lambda: {"prompt": 1.0})
    runs: Mapping[int, float] = dataclasses.field(default_factory=lambda: {1: 1.0, 2: 1.0})
    event: Mapping[str, float] = dataclasses.field(default_factory=lambda: {"none": 1.0})


def draw_traffic(rng: np.random.Generator, weights: TrafficWeights) -> Traffic:
    """Draw a traffic; the same generator state gives the same one in any process."""
    values: dict[str, Any] = {"seed": int(rng.integers(1, MAX_SEED + 1))}
    stalls = _one_of(rng, weights.stalls)
    if stalls == "by port":
        values |= {name: _draw_port(rng) for name in PORTS}
    else:
        values["stalls"] = stalls
    host = _one_of(rng, weights.host)
    if host != "prompt":
        values["irq_latency"] = int(rng.choice([0, 1, 10, 100, 1000]))
        values["irq_spread"] = int(rng.choice([1, 15, 255]))
    if host == "restless":
        values["wake_chance"] = int(rng.choice([30, 300, 3000]))
    runs = int(_one_of(rng, weights.runs))
    event = _one_of(rng, weights.event)
    if event != "none":
        runs = max(2, runs)
        values["event"] = event
        values["event_run"] = int(rng.integers(1, runs))
        values["event_at"] = _draw_place(rng, event)
    if event == "axi_error":
        # Few networks have additions: an error there mostly does not happen.
        values["event_port"] = str(rng.choice(PORTS, p=[0.3, 0.3, 0.1, 0.3]))
        values["response"] = str(rng.choice(RESPONSES))
        values["beats"] = str(rng.choice(BEATS))
    return Traffic(runs=runs, **values)


def _draw_place(rng: np.random.Generator, event: str) -> int:
    if event == "watchdog":
        return int(rng.integers(0, 200))
    # The first cycles and the last ones, where something begins or ends, more often than others.
    kind = int(rng.integers(4))
    if kind == 0:
        return int(rng.integers(0, 30))
    if kind == 1:
        return int(rng.integers(960, 1020))
    return int(rng.integers(0, 1000))


def _draw_port(rng: np.random.Generator) -> Port:
    """Any port from always ready to one that hardly moves, mostly something in between."""
    chances = [0, 0, 2000, 16000, 32768, 48000, 56000]
    return Port(
        latency=int(rng.choice([1, 1, 2, 5, 20, 60, 200, 600])),
        spread=int(rng.choice([0, 0, 1, 7, 31, 127, 511])),
        busy=int(rng.choice(chances)),
        idle=int(rng.choice(chances)),
        stop=int(rng.choice([0, 0, 16, 64, 200])),
        stop_mask=int(rng.choice([3, 31, 127, 511])),
    )


def _one_of(rng: np.random.Generator, weights: Mapping[Any, float]) -> Any:
    names = list(weights)
    shares = np.array([weights[name] for name in names], dtype=float)
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]
