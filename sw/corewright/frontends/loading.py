# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""What may be given as a model: a Keras model, or the path of a saved one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from corewright.frontends import tensorflow as lazy
from corewright.frontends.errors import FrontendError, first_line

_LEGAL = "legal is a Sequential or functional QKeras model, or the path of a saved one"


def as_model(model: Any) -> Any:
    """``model`` itself, or the model that it is the path of: .h5 or a SavedModel folder.

    Raises:
        FrontendError: it is neither, or of Keras 3, or no model that knows its layers.
    """
    lazy.check_keras_2("model", model)
    if isinstance(model, (str, os.PathLike)):
        model = _loaded(Path(model))
    tf, _ = lazy.load()
    keras = tf.keras
    if isinstance(model, type):
        raise FrontendError(f"model is the class {model.__name__}, {_LEGAL}: make an object of it")
    if not isinstance(model, keras.Model):
        kind = f"{type(model).__module__}.{type(model).__qualname__}"
        what = "None" if model is None else f"of type {kind}"
        raise FrontendError(f"model is {what}, {_LEGAL}{_advice(model, keras)}")
    if not getattr(model, "inputs", None):
        if isinstance(model, keras.Sequential) and not model.built:
            raise FrontendError(
                f"model '{model.name}' has no inputs yet; build it, or give its first layer a shape"
            )
        raise FrontendError(
            f"model '{model.name}' of class {type(model).__name__} is a subclassed model, whose "
            "layers Keras does not know, legal are Sequential and functional models; nearest is "
            "x = keras.Input(shape); keras.Model(x, model.call(x))"
        )
    return model


def _advice(model: Any, keras: Any) -> str:
    """What to do with something else, where that is known."""
    from corewright.graph import Graph

    if isinstance(model, Graph):
        return "; an integer graph needs no conversion"
    if isinstance(model, keras.layers.Layer):
        return "; nearest is keras.Sequential of the layer and its input's shape"
    return ""


def _loaded(path: Path) -> Any:
    tf, qkeras = lazy.load()
    # Defines the layers of this package, so that Keras finds them.
    from corewright.frontends import exact, operators  # noqa: F401

    if not path.exists():
        raise FrontendError(f"no model '{path}', {_LEGAL}")
    if path.suffix == ".cwgraph":
        raise FrontendError(f"'{path}' is an integer graph, {_LEGAL}; read it with Graph.load")
    # Files call the class of a script's model by its name; it is an ordinary one, see deepsocflow.
    known: dict[str, Any] = {
        "QModel": tf.keras.Model,
        "quantized_hswish": qkeras.quantized_hswish,
    }
    try:
        return qkeras.utils.load_qmodel(str(path), known, compile=False)
    # Keras has no error of its own for what it cannot read, and a damaged file can raise any.
    except Exception as error:
        raise FrontendError(f"'{path}' is {_complaint(path, error)}") from error


def _complaint(path: Path, error: Exception) -> str:
    """What is wrong with a file that Keras does not load."""
    text = first_line(error)
    if path.suffix == ".keras":
        return f"not loaded: .keras files lose QKeras's quantisers; save the model as .h5 ({text})"
    if "No model config" in text:
        return "a file of weights, which has no layers: make the model, load_weights, convert that"
    if "Unknown layer" in text or "Unknown object" in text:
        return (
            f"a model with layers that neither Keras nor QKeras knows: {text.partition('. ')[0]}; "
            "load it with your custom_objects and convert that"
        )
    return f"not a saved Keras model (.h5 or a SavedModel folder) or damaged: {text}"
