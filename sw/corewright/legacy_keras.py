# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Which Keras ``tensorflow.keras`` is: QKeras needs Keras 2.

With TensorFlow up to 2.15 Keras is Keras 2 and nothing is to be done. Newer ones take Keras 3, or
``tf_keras``, which is Keras 2, if the environment says ``TF_USE_LEGACY_KERAS=1``. Importing this
module imports no framework.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

_VARIABLE = "TF_USE_LEGACY_KERAS"
# Where tf_keras keeps what is to be found as `tensorflow.keras`.
_LEGACY = "tf_keras.api._v2.keras"


def prefer() -> None:
    """Make a TensorFlow that is imported later choose Keras 2, unless the user has chosen."""
    if _VARIABLE not in os.environ and _stands_beside_keras_3():
        os.environ[_VARIABLE] = "1"


def restore(tensorflow: Any) -> None:
    """Make ``tensorflow.keras`` Keras 2 if ``tensorflow`` was imported before :func:`prefer`.

    Keras 3 may be loaded, and QKeras on top of it, when a script imports them before its import of
    this package: QKeras is loaded again. Objects that were made before keep their classes.
    """
    if os.environ.get(_VARIABLE) not in ("1", "true", "True") or not _stands_beside_keras_3():
        return
    spec = importlib.util.find_spec(_LEGACY)
    if spec is None or spec.origin is None:
        return
    folder = str(Path(spec.origin).parents[1])
    if tensorflow.__path__[0] == folder:
        return
    # `import tensorflow.keras.layers` takes the path, `tensorflow.keras.layers` the attribute.
    tensorflow.__path__ = [folder, *(entry for entry in tensorflow.__path__ if entry != folder)]
    for name in [*sys.modules]:
        if name.split(".")[0] == "qkeras" or name.split(".")[:2] == ["tensorflow", "keras"]:
            del sys.modules[name]
    tensorflow.keras = importlib.import_module("tensorflow.keras")


def keras_version(value: Any) -> str | None:
    """The version of the Keras that the class of ``value`` (or of a base) comes from, or None."""
    for kind in type(value).__mro__:
        package = kind.__module__.split(".")[0]
        if package in ("keras", "tf_keras"):
            # TensorFlow 2.15 and before name it keras, too.
            return str(getattr(sys.modules.get(package), "__version__", "")) or None
    return None


def is_foreign(value: Any) -> bool:
    """Whether ``value`` is a tensor, layer or model of Keras 3."""
    version = keras_version(value)
    return version is not None and version.split(".")[0] not in ("1", "2")


def _stands_beside_keras_3() -> bool:
    if importlib.util.find_spec("tf_keras") is None:
        return False
    try:
        return importlib.metadata.version("keras").split(".")[0] not in ("1", "2")
    except importlib.metadata.PackageNotFoundError:
        return True
