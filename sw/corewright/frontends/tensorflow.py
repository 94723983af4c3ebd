# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The one place that imports TensorFlow and QKeras."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any

_HINT = "install the 'training' extra: tensorflow, tf_keras, qkeras, pyparsing<3.3"


def load() -> tuple[Any, Any]:
    """Import and return (tensorflow, qkeras) on Keras 2, which QKeras needs.

    Raises ImportError that says what to install, or that another Keras was chosen before.
    """
    # TensorFlow reads it when `tf.keras` is first used.
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    try:
        import qkeras
        import tensorflow
    except ImportError as error:
        raise ImportError(f"the QKeras front end cannot be loaded ({error}); {_HINT}") from error
    if hasattr(tensorflow.keras, "ops"):
        raise ImportError(
            "TensorFlow uses Keras 3, QKeras needs Keras 2: set TF_USE_LEGACY_KERAS=1 in the "
            "environment or import corewright before TensorFlow"
        )
    return tensorflow, qkeras


@contextlib.contextmanager
def default_float(kind: str) -> Iterator[None]:
    """Make ``kind`` ('float32', 'float64') Keras's default type, which QKeras's quantisers cast to.

    The type before is restored at the end.
    """
    backend = load()[0].keras.backend
    before = backend.floatx()
    backend.set_floatx(kind)
    try:
        yield
    finally:
        backend.set_floatx(before)


@contextlib.contextmanager
def inference() -> Iterator[None]:
    """Evaluate layers and quantisers as at inference, whatever Keras's learning phase is.

    QKeras's stochastic rounding asks that phase, which a script may have set to training.
    """
    backend = load()[0].keras.backend
    with warnings.catch_warnings():
        # Of Keras, whose layers do not need it any more; QKeras does.
        warnings.simplefilter("ignore")
        phase = backend.learning_phase_scope(0)
        phase.__enter__()
    try:
        yield
    finally:
        phase.__exit__(None, None, None)
