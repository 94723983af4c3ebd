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

__all__ = [
    "SYS_BITS",
    "Hardware",
    "XActivation",
    "XBundle",
    "XConvBN",
    "XDense",
    "XModel",
    "XPool",
    "export_inference",
    "predict_model_performance",
    "verify_inference",
]
