# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""CGRA4ML's scripts: change their import to ``from corewright.dialects.cgra4ml import *``.

An ``XBundle`` is a :class:`corewright.Bundle`, so models are flat QKeras models: they train, save
(``save_model``), load (``qkeras.utils.load_qmodel``) and convert as any other. Set
``TF_USE_LEGACY_KERAS=1`` in the environment of a script that imports TensorFlow first: QKeras needs
Keras 2. Differences to CGRA4ML: an ``XModel`` is no Keras layer, it puts its layers into the model
of the tensor that it is called on; no state is global, so that any number of models may be made;
averages round to their input's fraction first, then to their activation's.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from corewright.dialects.cgra4ml.hardware import Hardware
from corewright.dialects.cgra4ml.inference import (
    export_inference,
    predict_model_performance,
    verify_inference,
)
from corewright.dialects.cgra4ml.layers import (
    SYS_BITS,
    XActivation,
    XBundle,
    XConvBN,
    XDense,
    XModel,
    XPool,
)

if TYPE_CHECKING:
    from corewright.dialects.cgra4ml.names import (
        Adam,
        Input,
        Model,
        keras,
        load_qmodel,
        save_model,
        to_categorical,
    )

__all__ = [
    "SYS_BITS",
    "Adam",
    "Hardware",
    "Input",
    "Model",
    "XActivation",
    "XBundle",
    "XConvBN",
    "XDense",
    "XModel",
    "XPool",
    "export_inference",
    "keras",
    "load_qmodel",
    "predict_model_performance",
    "save_model",
    "to_categorical",
    "verify_inference",
]

_OF_KERAS = {"Adam", "Input", "Model", "keras", "load_qmodel", "save_model", "to_categorical"}


def __getattr__(name: str) -> Any:
    # Only a script that asks for these, as a star import does, needs TensorFlow.
    if name not in _OF_KERAS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.names"), name)
