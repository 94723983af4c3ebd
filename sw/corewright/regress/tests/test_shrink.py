# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Failing cases made small: what is left still fails alike, and its file repeats it."""

from __future__ import annotations

import functools
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from corewright import golden
from corewright.flow import FlowInputError
from corewright.flow.cache import build_folder
from corewright.graph import Add
from corewright.hardware import Hardware
from corewright.regress import CaseId, CaseResult, all_suites, execute, reduce
from corewright.regress.case import Observation
from corewright.regress.drawn import Drawn, explicit, from_json, load, to_json, to_text
from corewright.regress.kinds.system import failing_cycles
from corewright.regress.shrink import Limits, shrink, size_of
from corewright.regress.tests import faults
from corewright.regress.trial import Trials, judge_drawn

GRAPHS, SYSTEM = explicit(all_suites()["graphs"]), explicit(all_suites()["system"])
SYSTEM_SEED = 48
PASSES: tuple[Callable[[Drawn], Iterator[Drawn]], ...] = (
    reduce.fewer_layers,
    reduce.smaller_tensors,
    reduce.simpler_layers,
    reduce.simpler_values,
    reduce.fewer_images,
    reduce.narrower_words,
    reduce.simpler_hardware,
)


class Here:
    """Runs cases in this process."""

    def __init__(self, suite: Any) -> None:
        self.suite, self.ran = suite, list[Drawn]()

    def draw(self, case: CaseId) -> Drawn:
        return self.suite.draw(case.seed, case.index, Observation())

    def run(self, drawn: Drawn, *, keep: bool, more_seconds: float = 0.0) -> CaseResult:
        self.ran.append(drawn)
        return judge_drawn(self.suite, drawn, keep=keep)


def draw(index: int, seed: int = 7) -> Drawn:
    return GRAPHS.draw(seed, index, Observation())


# ------------------------------------------------------------------------------------ drawing


def test_a_case_is_what_it_draws_and_checks() -> None:
    for index in range(3):
        whole = execute(GRAPHS, 7, index)
        parts = judge_drawn(GRAPHS, from_json(to_json(draw(index), "graphs"), GRAPHS))
        assert parts.verdict == whole.verdict == "passed"
        assert parts.bins == whole.bins and parts.id == whole.id
        assert parts.summary == {k: v for k, v in whole.summary.items() if k != "refusals"}


def test_a_file_holds_all_of_a_case(tmp_path: Path) -> None:
    drawn = draw(2)
    path = tmp_path / "case.json"
    path.write_text(to_text(to_json(drawn, "graphs", "mismatch")))
    again = load(path, GRAPHS)
    assert again.graph.digest() == drawn.graph.digest()
    assert np.array_equal(again.images, drawn.images)
    for name in ("origin", "hardware", "batch", "options"):
        assert getattr(again, name) == getattr(drawn, name)
    assert json.loads(path.read_text())["network"][0].startswith("input x ")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "x"}, "no case, legal is"),
        ({"version": 2}, "version is 2, legal is 1"),
        ({"suite": "system"}, "is a case of suite 'system', legal is 'graphs'"),
        ({"extra": 1}, "parts extra missing or unknown"),
        ({"batch": 0}, "batch is 0, legal is an integer 1.."),
        ({"batch": True}, "batch is True, legal"),
        ({"options": {"keep_tensors": 1, "poison_seed": 0}}, "'keep_tensors' is 1, legal is true"),
        ({"options": {"keep_tensors": True, "poison_seed": -1}}, "legal is an integer 0..65535"),
        ({"options": {"keep_tensors": True}}, "'poison_seed' is None"),
        ({"options": {"keep_tensors": True, "poison_seed": 0, "a": 1}}, "'a' is unknown, legal"),
        ({"options": []}, "options is no object"),
        ({"origin": 3}, "origin is no text"),
        ({"hardware": {"bits_input": 99}}, "hardware: bits_input is 99, legal are"),
        ({"hardware": []}, "hardware is no object"),
        ({"images": [[1]]}, "images have shape"),
        ({"images": [[1], [1, 2]]}, "images have no shape"),
        ({"images": []}, "images have shape"),
        ({"graph": "?"}, "graph: no base64"),
        ({"graph": "AAAA"}, "graph: not a graph file or damaged"),
        ({"graph": 5}, "graph: no base64"),
    ],
)
def test_a_damaged_file_is_one_line_that_names_it(
    changes: Mapping[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "case.json"
    path.write_text(json.dumps({**to_json(draw(1), "graphs"), **changes}))
    with pytest.raises(FlowInputError) as raised:
        load(path, GRAPHS)
    text = str(raised.value)
    assert text.startswith(f"{path}: ") and message in text and "\n" not in text


def test_images_beyond_the_words_are_refused() -> None:
    values = to_json(draw(1), "graphs")
    high = draw(1).graph.input_limits[1]
    values["images"] = (np.array(values["images"]) * 0 + high + 1).tolist()
    with pytest.raises(FlowInputError, match="images span"):
        from_json(values, GRAPHS)


def test_a_suite_that_draws_nothing_cannot_be_shrunk() -> None:
    with pytest.raises(FlowInputError, match="'misbehaving' cannot be taken apart"):
        explicit(faults.MISBEHAVING)


# ------------------------------------------------------------------------------------ candidates


@pytest.mark.parametrize("index", [1, 2])
def test_candidates_are_legal_cases_that_differ(index: int) -> None:
    drawn = draw(index)
    count = 0
    for make in PASSES:
        for candidate in make(drawn):
            count += 1
            assert candidate.images.shape[1:] == candidate.graph.input.shape
            low, high = candidate.graph.input_limits
            assert low <= candidate.images.min() and candidate.images.max() <= high
            # A program belongs to one graph, hardware and batch.
            assert candidate.program is None or len(candidate.images) < len(drawn.images)
            assert 1 <= candidate.batch <= drawn.batch
            assert len(candidate.images) <= len(drawn.images)
            assert candidate.hardware.rows <= drawn.hardware.rows
            assert candidate.hardware.columns <= drawn.hardware.columns
            differs = [
                candidate.graph.digest() != drawn.graph.digest(),
                candidate.hardware != drawn.hardware,
                candidate.batch != drawn.batch,
                not np.array_equal(candidate.images, drawn.images),
            ]
            assert any(differs)
    assert count > 20


def test_a_layer_alone_computes_what_it_did_in_the_network() -> None:
    drawn = draw(4)
    values = golden.run(drawn.graph, drawn.images)
    compared = 0
    for candidate in reduce.fewer_layers(drawn):
        nodes = candidate.graph.compute_nodes
        if len(nodes) == 1 and len(drawn.graph.node(nodes[0].name).inputs) == 1:
            output = nodes[0].output.name
            made = golden.run(candidate.graph, candidate.images)[output]
            assert np.array_equal(made, values[output])
            compared += 1
    assert compared >= len(drawn.graph.compute_nodes) // 2


def test_options_become_simpler_member_by_member() -> None:
    value = {"stalls": "heavy", "events": [3, 4], "latency": {"reads": 21, "seed": 1}}
    simplest = {"stalls": "none", "events": [], "latency": {"reads": 1, "seed": 1}}
    found = list(reduce.simpler_value(value, simplest))
    assert {**value, "stalls": "none"} in found and {**value, "events": [4]} in found
    assert {**value, "latency": {"reads": 11, "seed": 1}} in found
    assert {**value, "latency": simplest["latency"]} in found
    assert not list(reduce.simpler_value(simplest, simplest))
    # What the simplest form does not have: as if it were empty or 0 there.
    traffic = {"traffic": {"irq_latency": 8, "pixels": {"busy": 6}}}
    assert list(reduce.simpler_value(traffic, {"traffic": {}})) == [
        {"traffic": {}},
        {"traffic": {"pixels": {"busy": 6}}},
        {"traffic": {"irq_latency": 4, "pixels": {"busy": 6}}},
        {"traffic": {"irq_latency": 8}},
        {"traffic": {"irq_latency": 8, "pixels": {}}},
        {"traffic": {"irq_latency": 8, "pixels": {"busy": 3}}},
    ]
    assert reduce.steps(9) == [1, 5, 8] and reduce.steps(1) == []


def test_words_become_narrower_and_values_with_them() -> None:
    drawn = next(d for d in map(draw, range(40)) if d.hardware.bits_input == 16)
    narrow = list(reduce.narrower_words(drawn))
    bits = [max(t.bits for t in each.graph.tensors.values()) for each in narrow]
    assert bits[:3] == [2, 9, 15] and all(each.hardware == drawn.hardware for each in narrow)
    assert narrow[0].images.min() >= -2 and narrow[0].images.max() <= 1
    for name, values in golden.run(narrow[0].graph, narrow[0].images).items():
        assert np.asarray(values).min() >= -2 and np.asarray(values).max() <= 1, name
    # Then the hardware's words may be as narrow.
    widths = {each.hardware.bits_input for each in reduce.simpler_hardware(narrow[0])}
    assert 2 in widths and max(widths) == 16


def test_no_number_of_the_hardware_is_raised_and_each_is_reduced() -> None:
    drawn = next(
        d for d in map(draw, range(40)) if min(d.hardware.bits_input, d.hardware.bits_weights) > 3
    )
    names = [
        *("bits_input", "bits_weights", "bits_sum", "axi_width", "ram_weights_depth"),
        *("pixel_buffer_depth", "bias_buffer_depth", "max_outstanding", "max_burst_beats"),
    ]
    hw = replace(
        drawn.hardware, axi_width=256, ram_weights_depth=512, max_outstanding=4, max_burst_beats=8
    )
    reduced = set()
    layer = next(reduce.narrower_words(next(reduce.fewer_layers(replace(drawn, hardware=hw)))))
    # All tensors have two bits now; the next that become narrower are the weights.
    layer = next(reduce.narrower_words(layer))
    for candidate in reduce.simpler_hardware(layer):
        for name in names:
            before, after = getattr(hw, name), getattr(candidate.hardware, name)
            assert after <= before, name
            reduced |= {name} if after < before else set()
    assert reduced == set(names)


# ------------------------------------------------------------------------------------ shrinking


@functools.cache
def failing(suite: Any, signature: str = "") -> CaseId:
    """The first case that fails, with a signature if that matters, of several layers."""
    for index in range(200):
        result = execute(suite, 7, index)
        if result.verdict != "passed" and signature in result.signature:
            return result.id
    raise AssertionError("no case fails")


def test_what_is_left_fails_alike_and_nothing_smaller_does() -> None:
    case = failing(faults.PICKY, "additions")
    runner = Here(faults.PICKY)
    found = shrink(faults.PICKY, case, runner)
    assert found.ended_by == "nothing smaller fails"
    assert (found.result.verdict, found.result.signature) == ("failed", "additions")
    assert size_of(found.before)["layers"] > 2
    # An addition of two tensors needs a second layer, three pixels, two columns; no more is left.
    assert len(found.after.graph.compute_nodes) == 2
    (addition,) = (n for n in found.after.graph.compute_nodes if isinstance(n, Add))
    assert addition.output.height * addition.output.width == 3
    assert addition.output.channels == 1 and addition.own_shift != addition.other_shift
    assert found.after.hardware.processing_elements == (1, 2)
    assert (found.after.batch, len(found.after.images)) == (1, 1)
    assert dict(found.after.options) == GRAPHS.simplest
    # The original, and no candidate twice.
    assert len(runner.ran) == found.candidates + 1 and 0 < found.accepted < found.candidates
    assert judge_drawn(faults.PICKY, found.after).signature == "additions"
    assert judge_drawn(GRAPHS, found.after).verdict == "passed"


def test_a_wrong_emulator_is_shown_by_one_small_layer(tmp_path: Path) -> None:
    with Trials(faults.WRONG_EMULATOR, 60) as trials:
        found = shrink(faults.WRONG_EMULATOR, CaseId("graphs", 7, 4), trials)
        assert size_of(found.before)["layers"] > 10
        assert size_of(found.after)["layers"] == 1 and size_of(found.after)["elements"] <= 4
        path = tmp_path / "small.json"
        path.write_text(to_text(to_json(found.after, "graphs")))
        again = trials.run(load(path, faults.WRONG_EMULATOR))
    assert (again.verdict, again.signature) == ("failed", found.result.signature)


def test_faults_of_the_compiler_are_shrunk_though_drawing_compiles() -> None:
    case = failing(faults.BAD_COMPILER)
    found = shrink(faults.BAD_COMPILER, case, Here(faults.BAD_COMPILER))
    assert found.result.signature == "ZeroDivisionError"
    assert [type(node) for node in found.after.graph.compute_nodes] == [Add]


def test_a_case_that_ends_its_process_is_shrunk() -> None:
    with Trials(faults.CRASHING, 60) as trials:
        drawn = replace(draw(1), batch=1)
        found = shrink(faults.CRASHING, drawn, trials, Limits(candidates=2))
    assert found.result.signature == "crash: SIGSEGV"
    assert "Segmentation fault" in found.result.detail
    assert found.accepted == 2 and found.ended_by == "limit of 2 candidates"
    assert len(found.after.graph.compute_nodes) < len(drawn.graph.compute_nodes)


def test_a_case_that_never_ends_is_killed_in_time() -> None:
    with Trials(faults.CRASHING, 0.2) as trials:
        result = trials.run(replace(draw(1), batch=2))
    assert (result.verdict, result.signature) == ("error", "timeout")
    assert result.id == CaseId("graphs", 7, 1)


def test_a_case_that_passes_is_left_alone() -> None:
    runner = Here(GRAPHS)
    found = shrink(GRAPHS, CaseId("graphs", 7, 1), runner)
    assert found.ended_by == "the case passes" and len(runner.ran) == 1 and not found.candidates


def test_a_failure_of_drawing_says_so() -> None:
    result = CaseResult("graphs", 7, 1, "failed", "advice that does not help")
    runner = SimpleNamespace(draw=lambda _: result)
    with pytest.raises(FlowInputError, match="fails while it is drawn: advice that"):
        shrink(GRAPHS, CaseId("graphs", 7, 1), runner)


def test_seconds_and_interrupts_end_the_search_with_what_there_is() -> None:
    case = failing(faults.PICKY, "additions")
    found = shrink(faults.PICKY, case, Here(faults.PICKY), Limits(seconds=0))
    assert found.ended_by == "limit of 0 s" and not found.candidates

    class Interrupted(Here):
        def run(self, drawn: Drawn, *, keep: bool, more_seconds: float = 0.0) -> CaseResult:
            if len(self.ran) == 9:
                raise KeyboardInterrupt
            return super().run(drawn, keep=keep)

    found = shrink(faults.PICKY, case, Interrupted(faults.PICKY))
    assert found.ended_by == "interrupted" and found.candidates >= 8
    assert found.result.signature == "additions"


# ------------------------------------------------------------------------------------ simulations


def test_a_simulation_is_shrunk_on_its_own_bench_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A folder of its own for what candidates leave, but not for compiled benches.
    benches = build_folder() / "benches"
    benches.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("COREWRIGHT_BUILD", str(tmp_path))
    (tmp_path / "benches").symlink_to(benches)
    with Trials(faults.DAMAGED_SYSTEM, 60) as trials:
        case = CaseId("system", SYSTEM_SEED, 1)
        found = shrink(faults.DAMAGED_SYSTEM, case, trials, Limits(builds=0))
    assert found.result.signature.startswith("mismatch in ")
    assert size_of(found.before)["layers"] > 2 and size_of(found.after)["layers"] == 1
    assert found.after.hardware == found.before.hardware and found.builds == 0
    assert dict(found.after.options) == SYSTEM.simplest
    # Candidates leave no files.
    assert list((tmp_path / "regress").iterdir()) == []


def test_new_hardware_is_compiled_so_often_and_no_more() -> None:
    def run(drawn: Drawn, *, keep: bool, more_seconds: float = 0.0) -> CaseResult:
        asked.append((drawn.hardware, more_seconds))
        return CaseResult("system", 1, 0, "failed", "wrong")

    asked: list[tuple[Hardware, float]] = []
    runner = SimpleNamespace(draw=lambda _: SYSTEM.draw(SYSTEM_SEED, 0, Observation()), run=run)
    found = shrink(SYSTEM, CaseId("system", SYSTEM_SEED, 0), runner, Limits(builds=1))
    assert found.builds == 1 and found.after.hardware.processing_elements == (1, 1)
    hardware = [hw for hw, _ in asked]
    assert len(dict.fromkeys(hardware)) == 2
    # The small array comes last, and has time to be compiled.
    assert hardware[-1] != hardware[0] and hardware.index(hardware[-1]) > 5
    assert asked[hardware.index(hardware[-1])][1] > 0 and asked[1][1] == 0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # Passed: all of it. An end that should not be: the last cycles.
        ({"passed": True}, (0, 90000)),
        ({"status": "HANG"}, (85000, 90000)),
        # The second layer of the second run: 20000 + 300, 500 long, 60 of the firmware.
        ({}, (20200, 20960)),
        # No counters for the layer: from there to the end of the run.
        ({"rows": [[300, 300], [0, 0]]}, (19900, 21660)),
        # Two stages: all of the run.
        ({"stages": 2}, (19900, 21660)),
    ],
)
def test_waves_show_the_layer_that_is_wrong(
    changes: dict[str, Any], expected: tuple[int, int]
) -> None:
    rows = changes.get("rows", [[300, 300], [500, 500], [700, 700]])
    run = {
        "status": "OK",
        "mismatches": 0,
        "first_cycle": 100,
        "last_cycle": 15000,
        "cycles": 14940,
    }
    wrong = {
        "status": "OK",
        "mismatches": 3,
        "first_cycle": 20000,
        "last_cycle": 21560,
        "cycles": 1500,
    }
    more = {"status": "OK", "layer_cycles": rows, "stages": [{}] * changes.get("stages", 1)}
    result = {
        "simulated_cycles": 90000,
        "passed": changes.get("passed", False),
        "status": changes.get("status", "OK"),
        "runs": [{**run, **more}, {**wrong, **more}],
    }
    layers = [{"node": name} for name in ("first", "second", "third")]
    vectors: Any = SimpleNamespace(info={"batch": 2}, layers=layers)
    mismatches = [{"layer": "second", "image": 3}]
    assert failing_cycles(result, vectors, mismatches) == expected


@pytest.mark.nightly
def test_a_bug_in_the_rtl_is_shrunk_and_its_waves_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults.break_rtl(tmp_path / "pe")
    monkeypatch.setenv(faults.OVERLAY, str(tmp_path / "pe"))
    waves = tmp_path / "waves.fst"
    with Trials(faults.BROKEN_RTL, 60) as trials:
        case = CaseId("system", SYSTEM_SEED, 1)
        found = shrink(faults.BROKEN_RTL, case, trials, Limits(seconds=1200, builds=2))
        assert found.result.signature == "mismatch in max Pool"
        assert len(found.after.graph.compute_nodes) <= 2
        assert found.after.hardware.rows * found.after.hardware.columns < 72
        # Of the case as it was drawn, which has more than what is wrong.
        again = trials.run(found.before, waves=waves, more_seconds=600)
    assert again.signature == "mismatch in max Pool"
    begin, end = map(int, again.summary["waves_cycles"].split(".."))
    cycles = again.summary["simulated_cycles"]
    assert 0 < begin < end <= cycles and end - begin < cycles / 2
    # First and last time in the file's header; a cycle is 10 of its units.
    first, last = struct.unpack(">QQ", waves.read_bytes()[9:25])
    assert abs(first - 10 * begin) <= 10 and abs(last - 10 * end) <= 10
    assert execute(SYSTEM, SYSTEM_SEED, 1).verdict == "passed"
