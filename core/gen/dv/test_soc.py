# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Several configurations in one design: FuseSoC, two elaborators, all at work in a simulation."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from corewright.environment import repository_root
from corewright.flow.vectors import prepare, random_images
from corewright.gen import configuration_name
from corewright.graph import Dense, Graph, Requant, Tensor
from corewright.hardware import Hardware
from corewright.testing.cocotb_runner import run_cocotb
from corewright.testing.fusesoc import run_target

sys.path.insert(0, str(Path(__file__).parent))
from soc import TOP, accelerator_core, write_soc

WIDE = Hardware((2, 4), bits_input=8, bits_weights=8, bits_sum=32, axi_width=64)
NARROW = Hardware((4, 2), bits_input=4, bits_weights=4, bits_sum=24, axi_width=32)
# Names that differ in punctuation only, two sections in a core, a name that somebody chose.
FIRST, SECOND = (configuration_name(f"corewright:test:{core}-one:0") for core in ("a-b", "a_b"))
CHOSEN = "cw_chosen"
# By prefix of the ports. `chosen` has the same configuration as `first`, and `again` is its module.
INSTANCES = {"first": FIRST, "second": SECOND, "chosen": CHOSEN, "again": FIRST}
HARDWARE = {"first": WIDE, "second": NARROW, "chosen": WIDE, "again": WIDE}


@dataclass(frozen=True)
class Design:
    """What FuseSoC made of the design: the work root and the contents of its .eda.yml."""

    folder: Path
    eda: Mapping[str, Any]

    @property
    def sources(self) -> list[Path]:
        """The SystemVerilog files, in the order of compilation."""
        return [
            (self.folder / file["name"]).resolve()
            for file in self.eda["files"]
            if file.get("file_type", "").startswith("systemVerilogSource")
        ]


def lint(folder: Path) -> tuple[int, str]:
    return run_target("corewright:test:soc", "lint", folder)


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Design:
    """The design, which Verilator has found to be clean."""
    folder = tmp_path_factory.mktemp("soc")
    wide, narrow = ({"hardware": hw.to_dict()} for hw in (WIDE, NARROW))
    cores = [
        accelerator_core("corewright:test:a-b:0", {"one": wide}),
        accelerator_core("corewright:test:a_b:0", {"one": narrow, "two": {**wide, "name": CHOSEN}}),
    ]
    write_soc(folder, cores, INSTANCES)
    status, log = lint(folder)
    assert status == 0, log
    (description,) = folder.glob("build/*/*/*.eda.yml")
    return Design(description.parent, yaml.safe_load(description.read_text(encoding="utf-8")))


def test_slang_agrees(design: Design):
    script = repository_root() / "flows" / "lint" / "slang_elaborate.py"
    # Without -Wextra: that a cast is of no use depends on the configuration.
    command = [sys.executable, script, "-Werror", "--top", TOP, *design.sources]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_two_generated_files_share_a_name(design: Design):
    names = [path.name for path in design.sources]
    assert sorted(set(names)) == sorted(names)
    assert {f"{name}.sv" for name in INSTANCES.values()} < set(names)
    assert [file for file in design.eda["files"] if file.get("is_include_file")] == []
    for name, hw in ((FIRST, WIDE), (SECOND, NARROW), (CHOSEN, WIDE)):
        copied = Hardware.from_json(design.folder / "vectors" / name / "hardware.json")
        assert copied.hash == hw.hash


def one_layer(hw: Hardware) -> Graph:
    rng = np.random.default_rng(13)
    bits, half = hw.bits_input, 1 << (hw.bits_weights - 1)
    weights = rng.integers(-half, half, (12, 10))
    limits = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    output = Tensor("y", 1, 1, 10, bits, 0)
    requant = Requant(0, hw.bits_weights, hw.bits_weights, *limits)
    dense = Dense("dense", "x", output, weights, None, requant, hw.bits_weights, 0)
    return Graph("one_layer", Tensor("x", 1, 1, 12, bits, 0), (dense,))


def test_each_accelerator_runs_its_own_program(design: Design):
    accelerators = {}
    for seed, (prefix, hw) in enumerate(HARDWARE.items()):
        graph = one_layer(hw)
        # As many images as lanes: every bit of the output is one of a pixel.
        vectors = prepare(graph, hw, random_images(graph, hw.rows, seed), hw.rows)
        folder = str(vectors.folder)
        accelerators[prefix] = {"hash": hw.hash, "vectors": folder, "info": vectors.info}
    assert WIDE.hash != NARROW.hash
    options = {"accelerators": accelerators}
    run_cocotb(TOP, "tb_soc", design.sources, seed=1, bench_options=options)


def test_one_name_for_two_configurations_is_an_error(tmp_path: Path):
    cores = [
        accelerator_core(f"corewright:test:{core}:0", {"one": {"name": CHOSEN, **parameters}})
        for core, parameters in (("a", {"hardware": WIDE.to_dict()}), ("b", {}))
    ]
    write_soc(tmp_path, cores, {"a": CHOSEN})
    status, log = lint(tmp_path)
    assert status != 0
    assert f"{CHOSEN}_config_pkg" in log
