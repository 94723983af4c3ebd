# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Suites in files, and the traffic that they draw; nothing here is simulated."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corewright.environment import repository_root
from corewright.flow import FlowInputError
from corewright.flow.system_core import processing_elements
from corewright.regress import CaseId, all_suites, find_suite
from corewright.regress.case import Observation
from corewright.regress.coverage import (
    Excuse,
    count_bins,
    excused_bins,
    fraction_hit,
    read_excuses,
)
from corewright.regress.drawn import Drawn
from corewright.regress.kinds.system import SystemSuite
from corewright.regress.plan import SIMULATOR_VARIABLE, SystemPlan, read_plan, simulator_of
from corewright.regress.random_graphs import LAYER_NAMES, WIDTHS
from corewright.regress.suites import resolve, suites_folder
from corewright.regress.traffic import (
    EVENTS,
    PORT_STALLS,
    PORTS,
    TRAFFIC_BINS,
    Port,
    Traffic,
    TrafficWeights,
    draw_traffic,
)

SYSTEM = 'kind = "system"\ndescription = "mine"\ncases = 30\n'


def suite_in(folder: Path, text: str, name: str = "mine.toml") -> SystemSuite:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    suite = find_suite(str(path))
    assert isinstance(suite, SystemSuite)
    return suite


def traffic_of(drawn: Drawn) -> Traffic:
    return Traffic.from_dict(drawn.options["traffic"])


# ------------------------------------------------------------------------------------ files


def test_every_provider_of_the_array_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = (repository_root() / "core" / "pe").rglob("*.core")
    names = [path.stem for path in cores]
    assert sorted(processing_elements()) == sorted(names) and "pe_integer" in names
    plan = read_plan(suites_folder() / "nightly.toml")
    assert isinstance(plan, SystemPlan) and simulator_of(plan) == "verilator"
    monkeypatch.setenv(SIMULATOR_VARIABLE, "xsim")
    assert simulator_of(plan) == "xsim"
    monkeypatch.setenv(SIMULATOR_VARIABLE, "vcs")
    with pytest.raises(FlowInputError, match="'vcs' is no simulator, legal are verilator, xsim"):
        simulator_of(plan)


def test_every_value_is_in_some_hardware_of_a_night() -> None:
    suite = all_suites()["nightly"]
    assert isinstance(suite, SystemSuite)
    drawn = [suite.hardware(11, group) for group in range(2, 47)]
    assert {hw.bits_input for hw in drawn} == {hw.bits_weights for hw in drawn} == set(WIDTHS)
    assert {hw.axi_width for hw in drawn} == {32, 64, 128, 256, 512}
    assert {1, 3, 8, 16} == {hw.max_outstanding for hw in drawn}
    assert all(hw.rows * hw.columns <= suite.plan.hardware.units for hw in drawn)


def test_excuses_name_bins_and_have_a_reason(tmp_path: Path) -> None:
    bins = all_suites()["nightly"].bins
    excuses = read_excuses()
    for excuse in excuses:
        assert excused_bins(bins, [excuse]), excuse.bins
    counts = count_bins(bins, [])
    assert fraction_hit(counts, excused_bins(bins, excuses)) == 0
    # What is excused does not count, unless it was hit.
    legal = {"a": ("x", "y")}
    some = [Excuse("a:y", "never")]
    assert fraction_hit(count_bins(legal, [("a:x",)]), excused_bins(legal, some)) == 1
    assert fraction_hit(count_bins(legal, [("a:y",)]), excused_bins(legal, some)) == 0.5
    for text, told in (
        ("[[excused]]\nbins = 'a'", "entry 1: legal are bins and reason"),
        ("[[excused]]\nbins = 'a'\nreason = ' '", "entry 1: legal are"),
        ("[[excuse]]", "has 'excuse', legal is"),
        ("excused", "cannot be read"),
    ):
        (tmp_path / "excused.toml").write_text(text)
        with pytest.raises(FlowInputError, match=re.escape(told)):
            read_excuses(tmp_path / "excused.toml")


def test_what_is_slow_about_a_port_has_a_bin() -> None:
    assert Port().stalls() == Port().stalls(writes=True) == ("none",)
    assert Port(latency=200).stalls() == ("latency",)
    assert Port(latency=200).stalls(writes=True) == ("late response",)
    assert Port(idle=20000, busy=20000, stop=1).stalls() == ("idle", "busy", "stops")
    assert Traffic(stalls="heavy").port_stalls("output") == ("late response", "busy", "stops")
    mixed = Traffic(output=Port(busy=30000))
    assert [mixed.port_stalls(port) for port in PORTS] == [("none",)] * 3 + [("busy",)]
    assert all(set(stalls) >= {"none", "busy", "stops"} for stalls in PORT_STALLS.values())


def test_every_suite_is_legal_and_found_by_its_reference() -> None:
    assert {"graphs", "system", "smoke", "nightly", "soak", "events", "abort"} <= set(all_suites())
    for path in suites_folder().glob("*.toml"):
        suite = all_suites()[path.stem]
        assert suite.name == path.stem and suite.default_cases > 0
        assert resolve(suite.reference) is suite
        # Names of suites are names of cases.
        assert CaseId.parse(f"{suite.name}-1-2").suite == suite.name


def test_arrays_that_people_use_are_in_every_night() -> None:
    for name, eights, twenties in (("nightly", 20, 5), ("system", 20, 5), ("soak", 50, 10)):
        suite = all_suites()[name]
        assert isinstance(suite, SystemSuite)
        arrays: list[tuple[int, int]] = []
        drawn = set()
        for index in range(1000):
            group = suite.group(index)
            assert group is not None
            if 1 << 30 <= group < 1 << 31:
                arrays.append(suite.hardware(7, group).processing_elements)
            elif not suite.directed(index):
                drawn.add(group)
        assert arrays.count((8, 24)) >= eights and arrays.count((21, 32)) >= twenties
        if name != "soak":
            assert len(drawn) >= 40


def test_a_users_own_suite_names_its_file(tmp_path: Path) -> None:
    suite = suite_in(tmp_path, SYSTEM)
    assert suite.name == "mine" and suite.default_cases == 30
    again = resolve(suite.reference)
    assert again == suite
    command = CaseId(suite.name, 1, 2, suite.file).command
    assert command == f"./cw regress {tmp_path}/mine.toml --replay mine-1-2"
    assert CaseId("mine", 1, 2) == CaseId("mine", 1, 2, suite.file)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind = 'sytem'", "kind is 'sytem' (did you mean system?), legal are graphs, system"),
        ("", "kind is None, legal are graphs, system"),
        ("kind = ", "cannot be read"),
        ('kind = "system"', "description is missing"),
        (SYSTEM + "case = 1", "unknown field case (did you mean cases?), legal are kind, desc"),
        (SYSTEM.replace("30", "0"), "cases is 0, legal is at least 1, nearest is 1"),
        (SYSTEM.replace("30", '"many"'), "cases is 'many', legal is an integer"),
        (SYSTEM + "[hardware]\nunits = 99999", "hardware.units is 99999, legal is at most 16384"),
        (SYSTEM + "[hardware]\nunit = 9", "field hardware.unit (did you mean units?)"),
        (SYSTEM + "[hardware.choices]\naxi_width = [64, 65]", "axi_width is 65, legal are 32"),
        (SYSTEM + "[hardware.choices]\naxi_widths = [64]", "axi_widths"),
        (
            SYSTEM + "[traffic.event]\nabbort = 1",
            "traffic.event: 'abbort' is unknown (did you mean abort?), legal are none, abort",
        ),
        (SYSTEM + "[traffic.event]\nabort = 0", "all weights are 0"),
        (SYSTEM + "[traffic.event]\nabort = -1", "traffic.event.abort is -1, legal is at least 0"),
        (SYSTEM + "[traffic.runs]\n17 = 1", "'17' is unknown"),
        (SYSTEM + "[network.operators]\nconvolution = 1", "'convolution' is unknown"),
        (
            SYSTEM + '[[hardware.fixed]]\nevery = 5\nreason = "r"',
            "hardware.fixed[0]: legal is one of model and file",
        ),
        (
            SYSTEM + '[[hardware.fixed]]\nmodel = "lenet"\nevery = 5\nreason = "r"',
            "hardware.fixed[0]: there is no model 'lenet' (did you mean lenet5?)",
        ),
        (SYSTEM + '[[directed]]\nname = "n"', "directed[0].reason is missing"),
        (
            SYSTEM + '[[directed]]\nname = "n"\nreason = "r"\ntraffic = {event = "abort"}',
            "directed[0].traffic: runs is 1, legal with an event is 2..16",
        ),
        (
            SYSTEM + '[[directed]]\nname = "n"\nreason = "r"\nhardware = {bits_input = 9}',
            "directed[0].hardware: bits_input is 9",
        ),
        (
            SYSTEM + '[[directed]]\nname = "n"\nreason = "r"\nfixed = "lenet5"',
            "directed[0].fixed is 'lenet5', legal without a hardware of its own is one of",
        ),
        (
            SYSTEM + '[hardware]\nprocessing_element = "pe_integers"',
            "'pe_integers' is no processing element (did you mean pe_integer?), legal are pe_int",
        ),
        (
            SYSTEM + 'simulator = "verilater"',
            "simulator: 'verilater' is no simulator (did you mean verilator?), legal are veril",
        ),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FlowInputError) as error:
        read_plan(path)
    assert str(path) in str(error.value) and told in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_names_of_files_are_names_of_suites(tmp_path: Path) -> None:
    for name in ("My.toml", "a-b.toml", "x2.toml", "missing.toml"):
        with pytest.raises(FlowInputError, match=name):
            find_suite(str(tmp_path / name))


# ------------------------------------------------------------------------------------ what is drawn


def test_a_case_is_one_everywhere_and_directed_ones_come_first(tmp_path: Path) -> None:
    text = (
        SYSTEM + "[network]\nlayers = 2\nsize = 5\n"
        "[hardware]\ncases = 5\nchoices = {axi_width = [512]}\n"
        '[[directed]]\nname = "late"\nreason = "r"\ncases = 2\n'
        'traffic = {runs = 2, event = "reset", event_at = 7}\n'
        '[[directed]]\nname = "wide"\nreason = "r"\nhardware = {processing_elements = [2, 2]}\n'
    )
    suite = suite_in(tmp_path, text)
    first = [suite.draw(9, index, Observation()) for index in range(7)]
    again = [suite.draw(9, index, Observation()) for index in (6, 5, 4, 3, 2, 1, 0)][::-1]
    for one, other in zip(first, again, strict=True):
        assert (one.hardware, one.options, one.batch) == (
            other.hardware,
            other.options,
            other.batch,
        )
        assert np.array_equal(one.images, other.images)
    assert [traffic_of(case).event for case in first[:2]] == ["reset", "reset"]
    assert traffic_of(first[0]).event_at == 7
    assert first[2].hardware.processing_elements == (2, 2)
    # Two, three and four share the hardware of the directed ones; five has the next.
    assert first[0].hardware == first[3].hardware != first[5].hardware
    assert all(case.hardware.axi_width == 512 for case in first if case is not first[2])
    seen = Observation()
    suite.draw(9, 0, seen)
    assert seen.summary["directed"] == "late"
    assert json.loads(json.dumps(seen.summary)) == seen.summary
    assert Traffic.from_dict(seen.summary["traffic"]) == traffic_of(first[0])
    assert suite.draw(10, 3, Observation()).options != first[3].options


def test_networks_have_the_layers_that_are_asked_for(tmp_path: Path) -> None:
    suite = suite_in(
        tmp_path,
        SYSTEM + "[network]\nlayers = 3\n[network.operators]\npool = 1\n"
        "[hardware.choices]\nbits_input = [8]\npixel_buffer_depth = [4096]\n",
    )
    kinds = {
        type(node).__name__
        for index in range(6)
        for node in suite.draw(1, index, Observation()).graph.compute_nodes
    }
    assert "Pool" in kinds and not kinds & {"Dense", "Add", "MatMul", "Depthwise", "Concat"}
    assert {"conv", "add", "attention"} <= set(LAYER_NAMES)


def test_every_kind_of_traffic_is_drawn() -> None:
    plan = read_plan(suites_folder() / "nightly.toml")
    assert isinstance(plan, SystemPlan)
    rng = np.random.default_rng(5)
    drawn = [draw_traffic(rng, plan.traffic.weights) for _ in range(600)]
    assert {traffic.event for traffic in drawn} == set(EVENTS)
    covered = {name for traffic in drawn for name in traffic.bins}
    declared = {f"{group}:{name}" for group, names in TRAFFIC_BINS.items() for name in names}
    assert covered <= declared
    assert {name for name in declared if not name.startswith("event:")} == covered
    # A share of the corner where something begins, and of late events.
    places = [traffic.event_at for traffic in drawn if traffic.event == "abort"]
    assert min(places) < 30 and max(places) > 960
    for traffic in drawn:
        assert Traffic.from_dict(json.loads(json.dumps(traffic.to_dict()))) == traffic
    weights = TrafficWeights(stalls={"none": 1}, runs={3: 1})
    assert draw_traffic(rng, weights).runs == 3


# ------------------------------------------------------------------------------------ traffic


def test_a_calm_traffic_needs_no_plusargs() -> None:
    assert Traffic().plusargs() == () and Traffic().to_dict() == {}
    traffic = Traffic(
        pixels=Port(latency=5, idle=100),
        wake_chance=3,
        runs=2,
        event="axi_error",
        event_port="output",
        response="DECERR",
    )
    assert traffic.plusargs() == (
        "pixels_traffic=5,0,0,100,0,0",
        "wake_chance=3",
        "event=axi_error",
        "event_run=1",
        "event_at=500",
        f"event_bound={traffic.bound}",
        "event_port=output",
        "error_response=DECERR",
        "error_beats=all",
    )
    # Slower memory may take longer to end what is on its way.
    assert replace(traffic, output=Port(latency=4000, busy=60000)).bound > traffic.bound


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"seed": 0}, "seed is 0, legal is an integer 1..2147483647"),
        ({"stalls": "some"}, "stalls is 'some', legal are none, light, heavy"),
        ({"runs": 2, "event": "abort", "event_run": 2}, "event_run is 2, legal is an integer 1..1"),
        ({"runs": 2, "event": "abort", "event_at": 2001}, "event_at is 2001"),
        ({"event_port": "input"}, f"event_port is 'input', legal are {', '.join(PORTS)}"),
        ({"output": {"latency": 0}}, "latency is 0, legal is an integer 1..4095"),
        ({"output": {"busy": 65001}}, "busy is 65001, legal is an integer 0..65000"),
        ({"output": {"buzy": 1}}, "a field of output is 'buzy'"),
        ({"latency": 1}, "a field of traffic is 'latency'"),
    ],
)
def test_traffic_refuses_what_the_bench_would(values: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match="legal") as error:
        Traffic.from_dict(values)
    assert told in str(error.value)
