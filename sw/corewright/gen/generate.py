# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A generator subclass for FuseSoC; ``core/gen/gen.core`` documents its parameters."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from fusesoc.capi2.generator import Generator

from corewright.flow.errors import FlowInputError
from corewright.flow.system import (
    PARAMETERS,
    count_of,
    graph_of,
    hardware_of,
    reference_of,
)
from corewright.flow.vectors import FILES, IntArray, prepare, random_images
from corewright.hardware import Hardware, configuration_package, configuration_tcl

# Images of a model that brings none.
_RANDOM_SEED = 1
_HEADERS = ("config_hw.svh", "config_fw.h")


class SystemGenerator(Generator):
    """Writes into the current directory: FuseSoC's for this generator call.

    The same parameters and files give the same bytes.
    """

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        # The base class keeps them in class attributes, which two instances would share.
        self.filesets: dict[str, Any] = {}
        self.parameters: dict[str, Any] = {}
        self.targets: dict[str, Any] = {}
        self.config: dict[str, Any] | None = None
        super().__init__(data)
        self.values: dict[str, Any] = self.config or {}
        self.base = Path(self.files_root)

    def run(self) -> None:
        """Write all files and list them.

        Raises:
            FlowInputError: a parameter is unknown or wrong.
            CompileError: the model does not run on this hardware.
        """
        unknown = sorted(set(self.values) - set(PARAMETERS))
        if unknown:
            raise FlowInputError(
                f"unknown parameter {', '.join(unknown)}, legal are {', '.join(PARAMETERS)}"
            )
        hw = hardware_of(self.values.get("hardware", {}), self.base)
        if "model" in self.values:
            self._run_model(hw)
        else:
            Path("config_hw.svh").write_text(configuration_package(hw), encoding="utf-8")
            Path("config_hw.tcl").write_text(configuration_tcl(hw), encoding="utf-8")
            hw.export_json("hardware.json")
        self._list()

    def _run_model(self, hw: Hardware) -> None:
        graph = graph_of(self.values["model"], self.base)
        batch = count_of("batch", self.values.get("batch", 1))
        count = count_of("images", self.values.get("images", batch))
        name = self.values.get("reference")
        images: IntArray
        layers = None
        if name is None:
            images = random_images(graph, count, _RANDOM_SEED)
        else:
            reference = reference_of(self.base / str(name))
            if count > len(reference.images):
                raise FlowInputError(f"images is {count}, {name} has {len(reference.images)}")
            images, layers = reference.images[:count], reference.layers
        vectors = prepare(graph, hw, images, batch, layers=layers)
        for file in FILES:
            shutil.copyfile(vectors.folder / file, file)

    def _list(self) -> None:
        present = [name for name in FILES if Path(name).is_file()]
        include = {"is_include_file": True, "include_path": "."}
        self.add_files([{"config_hw.svh": include}], fileset="rtl", file_type="systemVerilogSource")
        if "config_fw.h" in present:
            self.add_files([{"config_fw.h": include}], fileset="firmware", file_type="cSource")
        data = [name for name in present if name not in _HEADERS]
        # In the work root, where a bench or a script can name them.
        copies = [{name: {"copyto": f"vectors/{name}"}} for name in data]
        self.add_files(copies, fileset="vectors", file_type="user")


def main() -> int:
    """Run as FuseSoC does, with the path of a YAML file; returns the exit status."""
    try:
        generator = SystemGenerator()
        generator.run()
    except ValueError as error:
        sys.stderr.write(f"corewright.gen: {error}\n")
        return 1
    generator.write()
    return 0
