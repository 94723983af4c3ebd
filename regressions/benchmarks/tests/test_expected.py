# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""``expected.json`` of every model: it belongs to the present system, and is what RTL takes."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from corewright.cli import main
from corewright.flow import FlowInputError, System, find_system, simulate_system, systems
from corewright.graph import Conv, Dense, Depthwise
from corewright.testing.damage import damaged_json, other_files

SCRIPT = Path(__file__).resolve().parents[1] / "zoo.py"
NAMES = tuple(systems())
# Seconds each, on benches that other tests compile as well.
QUICK = ("autoencoder", "jet", "lenet5", "lenet5_w4a4", "mlp", "transformer", "unet")
# Benches that no other test compiles, or minutes of simulation; `./cw test -m nightly`.
NIGHTLY = tuple(sorted(set(NAMES) - set(QUICK)))
# Their graphs alone take a while to write.
LARGE = ("alexnet", "vgg16")
ROOT = SCRIPT.parents[2]


def repeat(name: str) -> str:
    """What makes a model's entry of expected.json anew."""
    return f"measure and accept with: ./cw bench zoo {name} --write"


def expected_of(name: str, zoo: Any) -> dict[str, Any]:
    """A model's entry of expected.json."""
    entry = zoo.read_expected(find_system(name))
    assert entry is not None, f"models/*/expected.json have no {name}: {repeat(name)}"
    return dict(entry)


@pytest.fixture
def zoo() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("benchmark_zoo_under_test", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def nightly(names: tuple[str, ...]) -> list[Any]:
    return [pytest.param(name, marks=[pytest.mark.nightly] * (name in names)) for name in NAMES]


@pytest.mark.parametrize("name", nightly(LARGE))
def test_expected_belongs_to_the_present_graph_and_hardware(name: str, zoo: Any):
    system = find_system(name)
    entry = expected_of(name, zoo)
    origin = zoo.origin(system.graph, system.hardware)
    assert {key: entry[key] for key in origin} == origin, repeat(name)
    assert (entry["images"], entry["batch"]) == (system.images, system.batch), repeat(name)


@pytest.mark.parametrize("name", NAMES)
def test_expected_adds_up(name: str, zoo: Any):
    system = find_system(name)
    entry = expected_of(name, zoo)
    assert set(json.loads(zoo.expected_file(system).read_text())) == {
        other.name
        for other in systems().values()
        if other.core_file.parent == system.core_file.parent
    }
    assert entry["measured"] == zoo.METHOD
    assert sum(entry["cycles_by_cause"].values()) == entry["cycles"]
    assert sum(entry["layers"].values()) == entry["cycles"]
    runs = -(-entry["images"] // entry["batch"])
    assert entry["cycles_per_image"] == round(entry["cycles"] / (runs * entry["batch"]), 1)
    assert 0 < entry["utilisation"] < 1


def table_rows(path: Path) -> list[list[str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]


def wrong_rows(told: Mapping[str, Any], true: Mapping[str, Any]) -> list[str]:
    """What is wrong with a table of models, a line a model."""
    return [
        f"{name}: {told.get(name, 'has no row')}, right is {true.get(name, 'no row')}"
        for name in sorted({*told, *true})
        if told.get(name) != true.get(name)
    ]


def model_rows() -> dict[str, list[str]]:
    return {
        link[1]: row
        for row in table_rows(ROOT / "models" / "README.md")
        if (link := re.match(r"\[`(\w+)`\]", row[0]))
    }


def test_readme_of_the_models_tells_the_expected_cycles(zoo: Any):
    rows = model_rows().items()
    told = {name: (int(row[5]), float(row[6].replace(",", ""))) for name, row in rows}
    entries = {name: expected_of(name, zoo) for name in NAMES}
    true = {name: (e["batch"], e["cycles_per_image"]) for name, e in entries.items()}
    assert wrong_rows(told, true) == [], "models/README.md, batch and cycles an image"


def test_readme_of_the_models_counts_the_weights():
    units = {"": 1, "k": 1_000, "M": 1_000_000}
    told, true = {}, {}
    for name in QUICK:
        number, _, unit = model_rows()[name][3].partition(" ")
        told[name] = number
        places = len(number.partition(".")[2])
        nodes = find_system(name).graph.compute_nodes
        weights = sum(n.weights.size for n in nodes if isinstance(n, Conv | Depthwise | Dense))
        true[name] = f"{weights / units[unit]:.{places}f}"
    assert wrong_rows(told, true) == [], "models/README.md, weights"


def test_readme_names_every_model():
    listed = {
        name for row in table_rows(ROOT / "README.md") for name in re.findall(r"`(\w+)`", row[0])
    }
    missing = [name for name in NAMES if name not in listed]
    assert missing == [], "the table of README.md has no row of these"


def test_a_wrong_row_is_named():
    told, true = {"jet": 1, "mlp": 2, "dog": 3}, {"jet": 1, "mlp": 4, "cat": 5}
    assert wrong_rows(told, true) == [
        "cat: has no row, right is 5",
        "dog: 3, right is no row",
        "mlp: 2, right is 4",
    ]


def test_a_model_without_an_entry_is_named_with_what_makes_it(
    zoo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(zoo, "expected_file", lambda _: tmp_path / zoo.FILE)
    with pytest.raises(AssertionError, match=r"have no jet: .*: \./cw bench zoo jet --write"):
        expected_of("jet", zoo)


def test_readme_of_mobilenet_tells_the_expected_cycles(zoo: Any):
    system = find_system("mobilenet")
    layers = zoo.read_expected(system)["layers"]
    rows = [row for row in table_rows(system.core_file.parent / "README.md") if row[0].isdigit()]
    assert len(rows) == sum(name.startswith("depthwise") for name in layers) == 13
    for row in rows:
        cycles = [int(cell.replace(",", "")) for cell in row[2:]]
        assert cycles[2] == layers[f"depthwise{row[0]}"] >= max(cycles[:2])
        assert cycles[5] == layers[f"pointwise{row[0]}"] >= max(cycles[3:5])


@pytest.mark.parametrize("name", nightly(NIGHTLY))
def test_rtl_takes_exactly_the_expected_cycles(name: str, zoo: Any):
    system = find_system(name)
    result = simulate_system(system)
    assert result["passed"], f"./cw sim {name}"
    found = zoo.differences(zoo.measured(system, result), zoo.read_expected(system))
    assert not found, "\n".join([*found, repeat(name)])


def test_differences_name_the_layer_and_the_cause(zoo: Any):
    old = {"cycles": 10, "layers": {"a": 4, "b": 6}, "cycles_by_cause": {"compute": 10}}
    new = {"cycles": 11, "layers": {"a": 4, "c": 7}, "cycles_by_cause": {"compute": 10}}
    assert zoo.differences(new, old) == [
        "cycles: 11, expected 10",
        "layers, c: 7, expected None",
        "layers, b: None, expected 6",
    ]
    assert zoo.differences(old, old) == []
    assert zoo.differences(new, None) == ["nothing is expected yet"]


def test_a_change_of_hardware_that_programs_do_not_see_is_a_difference(zoo: Any):
    system = find_system("jet")
    wider = dataclasses.replace(system.hardware, axi_width=128)
    assert wider.hash == system.hardware.hash
    old, new = zoo.origin(system.graph, system.hardware), zoo.origin(system.graph, wider)
    assert zoo.differences(new, old) == ["hardware, axi_width: 128, expected 64"]


def test_slow_or_wrong_runs_fail_until_they_are_accepted(
    zoo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    system = find_system("jet")
    entry = zoo.read_expected(system)
    monkeypatch.setattr(zoo, "expected_file", lambda _: tmp_path / zoo.FILE)
    cycles, passed = entry["cycles"], True

    def simulated(_: System) -> dict[str, Any]:
        layers = [{"name": name, "cycles": count} for name, count in entry["layers"].items()]
        return {**entry, "cycles": cycles, "layers": layers, "passed": passed}

    monkeypatch.setattr(zoo, "simulate_system", simulated)
    assert zoo.main(models=["jet"]) == 1
    passed = False
    assert zoo.main(models=["jet"], write=True) == 1
    assert not zoo.expected_file(system).exists()
    passed = True
    zoo.write_expected(dataclasses.replace(system, name="other"), {"cycles": 1})
    assert f"wrote {zoo.expected_file(system)}" not in capsys.readouterr().out
    assert zoo.main(models=["jet"], write=True) == 0
    assert f"wrote {zoo.expected_file(system)}" in capsys.readouterr().out
    assert zoo.main(models=["jet"]) == 0
    assert zoo.read_expected(dataclasses.replace(system, name="other")) == {"cycles": 1}
    cycles += 1
    assert zoo.main(tmp_path / "out.json", ["jet"]) == 1
    written = json.loads((tmp_path / "out.json").read_text())["jet"]
    assert written["differences"] == [f"cycles: {cycles}, expected {cycles - 1}"]


@pytest.mark.parametrize("text", ["{", "[]", '{"jet": 3}'])
def test_a_damaged_file_is_named(
    text: str, zoo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    system = find_system("jet")
    monkeypatch.setattr(zoo, "expected_file", lambda _: tmp_path / zoo.FILE)
    (tmp_path / zoo.FILE).write_text(text)
    with pytest.raises(FlowInputError, match=r"expected\.json"):
        zoo.read_expected(system)


def test_command_line_measures_the_models_that_it_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["bench", "zoo", "jet", "--json", str(tmp_path / "out.json")]) == 0
    assert "wrong or not as expected: none" in capsys.readouterr().out
    assert list(json.loads((tmp_path / "out.json").read_text())) == ["jet"]
    assert main(["bench", "zoo", "nothing"]) == 2
    assert main(["bench", "convolutions", "jet", "--write"]) == 2
    assert "'convolutions' has no option models, write" in capsys.readouterr().err


def test_damaged_expectation_is_an_input_error(
    zoo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    system = find_system("jet")
    good = {"jet": {"cycles_per_image": 123.5, "layers": {"a": 1}}}
    path = tmp_path / zoo.FILE
    monkeypatch.setattr(zoo, "expected_file", lambda _: path)
    refused = 0
    for data in (*damaged_json(good, 15, 200), *other_files(json.dumps(good).encode())):
        path.write_bytes(data)
        try:
            zoo.read_expected(system)
        except FlowInputError as error:
            refused += 1
            assert str(path) in str(error) and "\n" not in str(error)
    assert refused > 50
