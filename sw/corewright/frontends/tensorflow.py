# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The one place that imports TensorFlow and QKeras."""

from __future__ import annotations

import contextlib
import importlib
import warnings
from collections.abc import Iterator
from typing import Any

from corewright import legacy_keras
from corewright.frontends.errors import FrontendError

_HINT = "install the 'training' extra: tensorflow, tf_keras, qkeras, pyparsing<3.3"


def load() -> tuple[Any, Any]:
    """Import and return (tensorflow, qkeras) on Keras 2, which QKeras needs.

    If Keras 3 was imported before, ``tensorflow.keras`` is Keras 2 from now on. Raises ImportError
    that says what to install, or that the user's environment chooses Keras 3.
    """
    legacy_keras.prefer()
    try:
        import tensorflow

        legacy_keras.restore(tensorflow)
        import qkeras

        # QKeras's layers come from the package, while what it imports may have made the attribute
        # another Keras 2: a tf_keras beside TensorFlow 2.15.
        tensorflow.keras = importlib.import_module("tensorflow.keras")
    except ImportError as error:
        raise ImportError(f"the QKeras front end cannot be loaded ({error}); {_HINT}") from error
    if hasattr(tensorflow.keras, "ops"):
        raise ImportError(
            "TensorFlow uses Keras 3, QKeras needs Keras 2: leave TF_USE_LEGACY_KERAS out of the "
            f"environment or set it to 1; {_HINT}"
        )
    return tensorflow, qkeras


def check_keras_2(what: str, value: Any) -> None:
    """Raise FrontendError that says what to do if ``value`` was made by Keras 3."""
    if legacy_keras.is_foreign(value):
        version = legacy_keras.keras_version(value)
        raise FrontendError(
            f"{what} is of Keras {version}, QKeras needs Keras 2: import corewright (or, with *, "
            "its dialect) before anything is made of Keras, take keras, Input and Model from "
            "tensorflow.keras after that, or set TF_USE_LEGACY_KERAS=1 in the environment"
        )


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
