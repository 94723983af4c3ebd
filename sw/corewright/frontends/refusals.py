# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""What is refused, with the nearest form that is not."""

from __future__ import annotations

from typing import Any

from corewright.frontends.errors import FrontendError
from corewright.frontends.layers import kind_of

NEAREST = {
    "Conv2D": "QConv2D",
    "Conv2DTranspose": "UpSampling2D(interpolation='nearest') and a QConv2D",
    "QConv2DTranspose": "UpSampling2D(interpolation='nearest') and a QConv2D",
    "Dense": "QDense",
    "DepthwiseConv2D": "QDepthwiseConv2D",
    "SeparableConv2D": "QDepthwiseConv2D, QActivation, QConv2D with a 1x1 kernel",
    "QSeparableConv2D": "QDepthwiseConv2D, QActivation, QConv2D with a 1x1 kernel",
    "QBatchNormalization": "BatchNormalization, which is folded, or QConv2DBatchnorm",
    "QDenseBatchnorm": "QDense and a BatchNormalization behind it",
    "LeakyReLU": "QActivation('quantized_relu(bits,integer,negative_slope=0.125)')",
    "PReLU": "QActivation('quantized_relu(bits,integer,negative_slope=0.125)')",
    "Subtract": "Add, with the sign in the weights",
    "Average": "Add and a QActivation('quantized_bits(bits,integer+1,0,1,alpha=0.5)')",
    "Cropping2D": "padding='valid' in the layer before",
    "Conv1D": "QConv2D with a (1, k) kernel on feature maps of height 1",
    "QConv1D": "QConv2D with a (1, k) kernel on feature maps of height 1",
    "MaxPooling1D": "MaxPooling2D with a (1, k) window on feature maps of height 1",
    "AveragePooling1D": "AveragePooling2D with a (1, k) window on feature maps of height 1",
    **dict.fromkeys(
        ("LSTM", "GRU", "SimpleRNN", "QLSTM", "QGRU", "QSimpleRNN", "Bidirectional"),
        "convolutions over a window of time steps",
    ),
    **dict.fromkeys(
        ("MultiHeadAttention", "Attention", "Dot"), "QMatMul and QSoftmax: see docs/frontends.md"
    ),
    **dict.fromkeys(
        ("LayerNormalization", "GroupNormalization"),
        "BatchNormalization directly behind a convolution or dense layer",
    ),
    "Multiply": "QMatMul for a product of matrices, or factors in the weights",
    "Rescaling": "images that are scaled before, and a QActivation for their first quantiser",
    "Normalization": "images that are scaled before, and a QActivation for their first quantiser",
    "Embedding": "its rows as the model's input",
    "Maximum": "b + relu(a - b): a Concatenate, a QConv2D with a 1x1 kernel of 1 and -1, a "
    "quantized_relu, and an Add of b",
    "Minimum": "a - relu(a - b): a Concatenate, a QConv2D with a 1x1 kernel of 1 and -1, a "
    "quantized_relu, and the same way its difference from a",
    "PruneLowMagnitude": "tfmot.sparsity.keras.strip_pruning(model), which leaves the layer in it",
    "Permute": "data in (height, width, channels) order from the beginning",
}
SATURATING = "quantized_bits or quantized_relu, which saturate at 2**integer"
NEAREST_OF_ACTIVATIONS = {
    **dict.fromkeys(("tanh", "hard_tanh", "smooth_tanh"), "quantized_tanh(bits)"),
    **dict.fromkeys(("sigmoid", "hard_sigmoid", "smooth_sigmoid"), "quantized_sigmoid(bits)"),
}
# The same for TensorFlow functions among Keras layers.
_NEAREST_OF_FUNCTIONS = {
    "add": "Add()([a, b])",
    "concat": "Concatenate()([a, b])",
    "reshape": "Flatten()",
    "relu": "QActivation('quantized_relu(bits,integer)')",
    "softmax": "Activation('softmax')",
    "pad": "ZeroPadding2D",
    "reduce_mean": "GlobalAveragePooling2D",
    "matmul": "QMatMul",
    "getitem": "ChannelSlice",
}
_ORDINARY = (
    "one of QConv2D, QConv2DBatchnorm, QDepthwiseConv2D, QDense, QActivation, MaxPooling2D, "
    "AveragePooling2D, GlobalAveragePooling2D, UpSampling2D, Add, Concatenate, Flatten"
)


def unsupported(layer: Any) -> FrontendError:
    """For a layer that has no exact integer form."""
    kind = kind_of(layer)
    if hasattr(layer, "layers"):
        return FrontendError(
            f"layer '{layer.name}' is a model in the model, legal are layers; nearest is the same "
            "layers called one after the other in one model"
        )
    if kind in ("TFOpLambda", "SlicingOpLambda"):
        operator = str(getattr(layer, "symbol", None) or layer.name).rpartition(".")[2]
        return FrontendError(
            f"layer '{layer.name}' is the TensorFlow function '{operator}', legal are Keras "
            f"layers; nearest is {_NEAREST_OF_FUNCTIONS.get(operator, 'the layer that does it')}"
        )
    nearest = NEAREST.get(kind, _ORDINARY)
    return FrontendError(f"layer '{layer.name}' of type {kind} is not supported; use {nearest}")


def no_offset(layer: str) -> FrontendError:
    """For an activation that adds where nothing has a bias."""
    return FrontendError(
        f"layer '{layer}': quantized_sigmoid adds 1/2, which only a bias can, legal is directly "
        "behind a convolution or dense layer, or the max pools and upsampling behind one; nearest "
        "is a QDepthwiseConv2D with a 1x1 kernel of ones in front of it"
    )


def no_sign(layer: str) -> FrontendError:
    """For a sign where no bias decides that of 0."""
    return FrontendError(
        f"layer '{layer}': the one-bit quantized_bits(1,...), which is -1 or +1 and never 0, is "
        "legal behind a convolution or dense layer only (its bias decides the sign of 0); nearest "
        "is quantized_bits(2,...)"
    )
