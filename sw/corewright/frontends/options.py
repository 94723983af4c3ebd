# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Options of Keras layers that a graph does not have."""

from __future__ import annotations

from typing import Any

from corewright.frontends.constants import check_constants
from corewright.frontends.errors import FrontendError
from corewright.frontends.layers import OWN_POOLS, kind_of, pair

_NEAREST_OPTION = {
    "dilation_rate": "; nearest is a larger kernel with zeros between its elements",
    "groups": "; nearest are a QDepthwiseConv2D, or ChannelSlice, QConv2D and Concatenate",
    "data_format": "; nearest is a model of (height, width, channels) feature maps",
}


def check_options(layer: Any) -> None:
    """Refuse options of a layer, or of its call, that would change its meaning."""
    layer.check_call()
    check_constants(layer)
    legal = {"data_format": "channels_last", "dilation_rate": (1, 1), "groups": 1}
    for option, value in legal.items():
        actual = getattr(layer, option, value)
        actual = pair(actual) if option == "dilation_rate" else actual
        if actual != value:
            raise FrontendError(
                f"layer '{layer.name}': {option} is {actual!r}, legal is {value!r}"
                f"{_NEAREST_OPTION.get(option, '')}"
            )
    padding = getattr(layer, "padding", "valid")
    if kind_of(layer) not in ("ZeroPadding2D", *OWN_POOLS) and padding not in ("valid", "same"):
        raise FrontendError(
            f"layer '{layer.name}': padding is {layer.padding!r}, legal is 'valid' or 'same'"
        )
    if getattr(layer, "depth_multiplier", 1) != 1:
        raise FrontendError(
            f"layer '{layer.name}': depth_multiplier is {layer.depth_multiplier}, legal is 1; "
            "nearest is a QConv2D with a 1x1 kernel behind it"
        )
    if getattr(layer, "average_quantizer_internal", None) is not None:
        raise FrontendError(
            f"layer '{layer.name}': average_quantizer multiplies by a rounded 1/n, legal is None: "
            "the hardware divides"
        )
