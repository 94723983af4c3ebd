# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""An ordinary QKeras model, which knows nothing of hardware: trained, converted, verified."""

# First, because it makes TensorFlow choose Keras 2, which QKeras needs.
from corewright import Hardware, convert  # isort: skip
from corewright.flow import export_inference, predict_performance, verify_inference  # isort: skip

import numpy as np
from qkeras import QActivation, QConv2D, QDense, QDepthwiseConv2D, quantized_bits
from tensorflow.keras import Input, Model
from tensorflow.keras import layers as keras

hw = Hardware(
    processing_elements=(3, 4),
    bits_input=8,
    bits_weights=8,
    bits_sum=32,
    axi_width=32,
    drain_width=2,
    max_kernel_size=32,
    valid_prob=0.7,
    ready_prob=0.7,
)
weights = quantized_bits(8, 0, alpha=1)
signed, positive = "quantized_bits(8,1,alpha=1)", "quantized_relu(7,1)"
options = {"kernel_quantizer": weights, "bias_quantizer": "quantized_bits(16,1,alpha=1)"}

inputs = Input((12, 12, 3))
x = QActivation("quantized_bits(8,0,alpha=1)")(inputs)
x = keras.ZeroPadding2D(1)(x)
x = QConv2D(6, 3, strides=2, activation="relu", **options)(x)
x = keras.MaxPooling2D(2, 1, "same")(x)
x = skip = QActivation(positive)(x)
x = QDepthwiseConv2D(
    3, padding="same", depthwise_quantizer=weights, bias_quantizer="quantized_bits(16,1,alpha=1)"
)(x)
x = keras.BatchNormalization()(x)
x = QActivation(signed)(x)
x = keras.Add()([x, skip])
x = keras.ReLU()(x)
x = QActivation(positive)(x)
x = keras.Concatenate()([x, QConv2D(2, 1, activation=positive, **options)(x)])
x = keras.Dropout(0.2)(x)
x = keras.AveragePooling2D(2)(x)
x = QActivation(signed)(x)
x = keras.Flatten()(x)
x = QDense(4, **options)(x)
x = QActivation("quantized_bits(8,2,alpha=1)")(x)
model = Model(inputs, keras.Activation("softmax")(x))

rng = np.random.default_rng(3)
images = rng.uniform(-1, 1, (16, 12, 12, 3))
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(images, rng.integers(0, 4, 16), verbose=0)

graph = convert(model, hw)
seconds, traffic = predict_performance(graph, hw, batch_size=4)
export_inference(graph, hw, images, model=model, batch=4)
report = verify_inference(graph, hw)
