# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Quantised neural networks to SystemVerilog accelerators, with their firmware and proofs.

Names are loaded when they are first used: importing this package imports no training framework.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from corewright import legacy_keras

if TYPE_CHECKING:
    from corewright.dialects.deepsocflow.bundle import Bundle, QInput, QModel
    from corewright.dialects.deepsocflow.hardware import Hardware
    from corewright.frontends import convert, layer_outputs, load_weights, to_keras
    from corewright.frontends.operators import ChannelSlice, QMatMul, QSoftmax

__all__ = [
    "Bundle",
    "ChannelSlice",
    "Hardware",
    "QInput",
    "QMatMul",
    "QModel",
    "QSoftmax",
    "convert",
    "layer_outputs",
    "load_weights",
    "to_keras",
]

__version__ = "0.1.0"

_HOMES = {
    "Bundle": ("corewright.dialects.deepsocflow.bundle", "Bundle"),
    "ChannelSlice": ("corewright.frontends.operators", "ChannelSlice"),
    "Hardware": ("corewright.dialects.deepsocflow.hardware", "Hardware"),
    "QInput": ("corewright.dialects.deepsocflow.bundle", "QInput"),
    "QMatMul": ("corewright.frontends.operators", "QMatMul"),
    "QModel": ("corewright.dialects.deepsocflow.bundle", "QModel"),
    "QSoftmax": ("corewright.frontends.operators", "QSoftmax"),
    "convert": ("corewright.frontends", "convert"),
    "layer_outputs": ("corewright.frontends", "layer_outputs"),
    "load_weights": ("corewright.frontends", "load_weights"),
    "to_keras": ("corewright.frontends", "to_keras"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# TensorFlow looks when it is imported: a script that imports this package before it need not know.
legacy_keras.prefer()
