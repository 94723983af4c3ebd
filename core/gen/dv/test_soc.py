# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Several configurations in one design: FuseSoC puts them together, and slang elaborates them.

``examples/test_two_accelerators.py`` lints such a design in Verilator and has it compute.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from corewright.environment import repository_root
from corewright.gen import configuration_name
from corewright.hardware import Hardware
from corewright.testing.fusesoc import run_target

sys.path.insert(0, str(Path(__file__).parent))
from soc import EXAMPLE, TOP, accelerator_core, example_text, write_soc

WIDE = Hardware((2, 4), bits_input=8, bits_weights=8, bits_sum=32, axi_width=64)
NARROW = Hardware((4, 2), bits_input=4, bits_weights=4, bits_sum=24, axi_width=32)
# Names that differ in punctuation only, two sections in a core, a name that somebody chose.
FIRST, SECOND = (configuration_name(f"corewright:test:{core}-one:0") for core in ("a-b", "a_b"))
CHOSEN = "cw_chosen"
# By prefix of the ports. `chosen` has the same configuration as `first`, and `again` is its module.
INSTANCES = {"first": FIRST, "second": SECOND, "chosen": CHOSEN, "again": FIRST}


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


def lint(folder: Path, *options: str) -> tuple[int, str]:
    return run_target("corewright:test:soc", "lint", folder, options=options)


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Design:
    """The design, put together by FuseSoC."""
    folder = tmp_path_factory.mktemp("soc")
    wide, narrow = ({"hardware": hw.to_dict()} for hw in (WIDE, NARROW))
    cores = [
        accelerator_core("corewright:test:a-b:0", {"one": wide}),
        accelerator_core("corewright:test:a_b:0", {"one": narrow, "two": {**wide, "name": CHOSEN}}),
    ]
    write_soc(folder, cores, INSTANCES)
    status, log = lint(folder, "--setup")
    assert status == 0, log
    (description,) = folder.glob("build/*/*/*.eda.yml")
    return Design(description.parent, yaml.safe_load(description.read_text(encoding="utf-8")))


def test_it_elaborates(design: Design):
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


def test_the_examples_top_is_up_to_date():
    assert EXAMPLE.read_text(encoding="utf-8") == example_text(), "run python core/gen/dv/soc.py"


def test_one_name_for_two_configurations_is_an_error(tmp_path: Path):
    cores = [
        accelerator_core(f"corewright:test:{core}:0", {"one": {"name": CHOSEN, **parameters}})
        for core, parameters in (("a", {"hardware": WIDE.to_dict()}), ("b", {}))
    ]
    write_soc(tmp_path, cores, {"a": CHOSEN})
    status, log = lint(tmp_path)
    assert status != 0
    assert f"{CHOSEN}_config_pkg" in log
