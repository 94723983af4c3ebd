# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Puts cores, boards and models into the package, as ``corewright/library``; see pyproject.toml.

They lie where FuseSoC and their readers look for them, not below a Python package, which is all
that setuptools copies by itself.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
FOLDERS = ("boards", "core", "ip", "models", "regressions/suites", "sw/hal", "sw/runtime")
# What estimates are fitted to.
FILES = ("regressions/silicon.json", "regressions/silicon.toml")
SUFFIXES = frozenset(
    {".S", ".c", ".core", ".cpp", ".cwgraph", ".gtkw", ".h", ".json", ".md", ".mdd", ".mk"}
    | {".npz", ".py", ".rdl", ".sby", ".sv", ".svh", ".tcl", ".toml", ".v", ".vh", ".vlt"}
    | {".xdc", ".yaml"}
)
# Results of builds, and what only a clone can run.
LEFT_OUT = frozenset({"__pycache__", "build", "obj_dir", "runs", "sim_build", "tests"})


def library_files(root: Path) -> list[Path]:
    """Return the files of the library, relative to the clone."""
    found = [Path(name) for name in FILES]
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            relative = path.relative_to(root)
            if path.suffix not in SUFFIXES or not path.is_file():
                continue
            if not LEFT_OUT.intersection(relative.parts) and not path.name.startswith("test_"):
                found.append(relative)
    return found


class BuildWithLibrary(build_py):
    """Copies the library beside the package's modules."""

    def run(self) -> None:
        """Copy modules and, unless they stay where they are, the library."""
        # What an older build left would be in the wheel, too.
        shutil.rmtree(Path(self.build_lib) / "corewright", ignore_errors=True)
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "corewright" / "library"
        for relative in library_files(ROOT):
            (target / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / relative, target / relative)


if __name__ == "__main__":
    setup(cmdclass={"build_py": BuildWithLibrary})
