# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The one file that describes a process to the ASIC flows; ``docs/asic.md`` documents it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo

# Names go into Tcl, where braces and spaces would mean something.
Name = Annotated[str, Field(pattern=r"^[\w*?]+$")]
Microns = Annotated[float, Field(gt=0)]


def _existing(path: Path, info: ValidationInfo) -> Path:
    folder: Path = (info.context or {}).get("folder", Path())
    found = (folder / path).absolute()
    if not found.is_file():
        raise ValueError(f"there is no file {found}")
    if any(character in str(found) for character in '{}[]"$\\ ;'):
        raise ValueError(f"Tcl does not take the path {found} as it is")
    return found


File = Annotated[Path, AfterValidator(_existing)]
Files = Annotated[list[File], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Corner(_Strict):
    """Conditions for which timing has to hold."""

    name: Annotated[str, Field(pattern=r"^\w+$")]
    use: Literal["setup", "hold", "both"]
    liberty: Files
    qrc: File | None = None
    temperature: float = 25.0


class Supply(_Strict):
    """A net of the power supply, and the pins of cells that it goes to."""

    net: Name
    pins: Annotated[list[Name], Field(min_length=1)]


class Tie(_Strict):
    """Cells for constants."""

    high: Name
    low: Name


class Taps(_Strict):
    """Well taps, every so many microns."""

    cell: Name
    interval: Microns


class Routing(_Strict):
    """The lowest and the highest layer for signals."""

    bottom: Name
    top: Name


class Ring(_Strict):
    """Power ring around the core: layers of the horizontal and vertical sides."""

    horizontal: Name
    vertical: Name
    width: Microns
    spacing: Microns
    offset: Microns


class Stripes(_Strict):
    """One layer of power stripes."""

    layer: Name
    direction: Literal["horizontal", "vertical"]
    width: Microns
    spacing: Microns
    pitch: Microns


class PowerPlan(_Strict):
    """Ring and stripes; rails along the rows follow the cells' pins."""

    ring: Ring
    stripes: Annotated[list[Stripes], Field(min_length=1)]


class Memory(_Strict):
    """Compiled macros; their liberty, LEF and GDS stand in the lists of all cells."""

    sources: Files
    halo: Microns


class Clock(_Strict):
    """Cells for the clock tree; left out: the tool chooses."""

    buffers: list[Name] = []
    inverters: list[Name] = []


class Pdk(_Strict):
    """A process, its cells, and how a block is made of them."""

    name: Name
    node_nm: Annotated[int, Field(gt=0)]
    corners: Annotated[list[Corner], Field(min_length=1)]
    lef: Files
    site: Name
    power: Supply
    ground: Supply
    routing: Routing
    power_plan: PowerPlan
    tie: Tie
    gds: list[File] = []
    gds_map: File | None = None
    fillers: list[Name] = []
    taps: Taps | None = None
    dont_use: list[Name] = []
    clock: Clock = Clock()
    memory: Memory | None = None
    input_transition_ns: Annotated[float, Field(gt=0)] | None = None
    output_load_pf: Annotated[float, Field(gt=0)] | None = None

    def corners_for(self, use: Literal["setup", "hold"]) -> list[Corner]:
        """Return the corners in which setup, or hold, is looked at."""
        return [corner for corner in self.corners if corner.use in (use, "both")]


def read_pdk(path: Path) -> Pdk:
    """Read a PDK file; paths in it are relative to its folder.

    Raises:
        RuntimeError: it does not exist, is no YAML or has a mistake; each is named with its field.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RuntimeError(f"PDK file {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise RuntimeError(f"PDK file {path} is no YAML: {error}") from error
    try:
        pdk = Pdk.model_validate(data, context={"folder": path.parent})
    except ValidationError as error:
        found = [
            f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}" for each in error.errors()
        ]
        raise RuntimeError(f"PDK file {path}: {'; '.join(found)}") from error
    names = [corner.name for corner in pdk.corners]
    if len(set(names)) != len(names):
        raise RuntimeError(f"PDK file {path}: corners: two have one name: {', '.join(names)}")
    for use in ("setup", "hold"):
        if not pdk.corners_for(use):
            raise RuntimeError(f"PDK file {path}: corners: none is for {use}")
    return pdk
