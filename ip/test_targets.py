# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What every IP core has, and that its benches run by plain ``fusesoc run``."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from corewright.testing.fusesoc import run_target

CORES = sorted(Path(__file__).parent.glob("*/*.core"))


def contents(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8").removeprefix("CAPI=2:"))


# Those with a module; the others generate one.
BLOCKS = [path for path in CORES if "rtl" in contents(path)["filesets"]]
# `./cw test` asks for no simulator but Verilator.
SIMULATORS = {"sim": [], "icarus": [pytest.mark.nightly]}
SIMULATIONS = [
    pytest.param(contents(path)["name"], target, marks=SIMULATORS[target.split("_")[0]])
    for path in CORES
    for target in contents(path)["targets"]
    if target.split("_")[0] in SIMULATORS
]


@pytest.mark.parametrize(("core", "target"), SIMULATIONS)
def test_it_simulates_by_plain_fusesoc(core: str, target: str, tmp_path: Path):
    status, output = run_target(core, target, tmp_path)
    assert status == 0, output
    assert " FAIL=0 " in output


@pytest.mark.parametrize("path", BLOCKS, ids=lambda path: path.stem)
def test_it_has_what_an_ip_has(path: Path):
    core = contents(path)
    assert (path.parent / "README.md").is_file()
    vendor, _, _, version = core["name"].split(":")
    assert vendor == "corewright"
    assert version.count(".") == 2
    assert {"default", "lint", "sim", "formal"} <= set(core["targets"])


@pytest.mark.parametrize("path", CORES, ids=lambda path: path.stem)
def test_it_depends_on_ips_only(path: Path):
    filesets = contents(path)["filesets"].values()
    depends = [name for fileset in filesets for name in fileset.get("depend", [])]
    assert [name for name in depends if name.split(":")[1] not in ("ip", "prim")] == []
