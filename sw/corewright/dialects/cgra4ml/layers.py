# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""CGRA4ML's descriptions of layers: what they describe is a :class:`corewright.Bundle`.

Importing this module imports no framework; a bundle does when it is called.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from corewright.frontends import tensorflow as lazy
from corewright.frontends.errors import FrontendError


class SYS_BITS(NamedTuple):  # noqa: N801 - CGRA4ML's name
    """Bits of activations, weights and biases."""

    x: int
    k: int
    b: int


def _bits(number: int, integer: int) -> str:
    """The quantiser of signed words."""
    if number == 1:
        # QKeras's single bit has no integer bits but a factor.
        return f"quantized_bits(1,0,False,True,{2.0**integer!r})"
    return f"quantized_bits({number},{integer},False,True,1)"


class XActivation:
    """The quantiser of a result.

    Args:
        sys_bits: widths; ``x`` is the result's.
        o_int_bits: integer bits.
        type: ``'relu'`` or None.
        slope: of the relu: 0 or a power of two up to 1.

    Raises:
        FrontendError: another type or slope.
    """

    def __init__(
        self, sys_bits: SYS_BITS, o_int_bits: int, type: str | None = "relu", slope: float = 1
    ) -> None:
        if type not in ("relu", None):
            raise FrontendError(f"XActivation: type is {type!r}, legal are 'relu' and None")
        if slope != 0 and not (0 < slope <= 1 and math.frexp(slope)[0] == 0.5):
            raise FrontendError(
                f"XActivation: slope is {slope!r}, legal are 0 and 1, 1/2, 1/4, ..."
            )
        self.sys_bits = SYS_BITS(*sys_bits)
        self.o_int_bits = int(o_int_bits)
        self.type = type
        self.slope = slope

    @property
    def act_str(self) -> str:
        """The quantiser's name, as a Bundle takes it."""
        bits, integer = self.sys_bits.x, self.o_int_bits
        if self.type is None or self.slope == 1:
            return _bits(bits, integer)
        return f"quantized_relu({bits},{integer},negative_slope={float(self.slope)!r})"


class XPool:
    """A pool behind a core.

    Args:
        type: ``'max'`` or ``'avg'``.
        pool_size: an int or (rows, columns).
        strides: an int or (rows, columns).
        padding: ``'same'`` or ``'valid'``.
        act: quantiser of the result.
    """

    def __init__(
        self,
        type: str,
        pool_size: int | tuple[int, int],
        strides: int | tuple[int, int],
        padding: str,
        act: XActivation,
    ) -> None:
        self.act = act
        self.description = {
            "type": type,
            "size": pool_size,
            "strides": strides,
            "padding": padding,
            "act_str": act.act_str,
        }


class _Core:
    """A layer with weights: widths from its activation's ``sys_bits``."""

    kind = ""
    # Keywords of Keras that a Bundle's core has by the same name.
    described: tuple[str, ...] = ()

    def __init__(self, k_int_bits: int, b_int_bits: int, act: XActivation, **keras: Any) -> None:
        self.act = act
        bits = act.sys_bits
        self.description: dict[str, Any] = {
            "type": self.kind,
            "kernel_quantizer": _bits(bits.k, int(k_int_bits)),
            "bias_quantizer": _bits(bits.b, int(b_int_bits)),
            "act_str": act.act_str,
            **{name: keras.pop(name) for name in self.described if name in keras},
            # As QKeras starts them; the options win.
            "options": {"bias_initializer": "zeros", **keras},
        }


class XConvBN(_Core):
    """A convolution with batch norm, which is folded.

    Args:
        k_int_bits: integer bits of the kernel.
        b_int_bits: integer bits of the bias.
        act: quantiser of the result.
        **keras: of ``QConv2DBatchnorm``: ``filters``, ``kernel_size``, ``strides``, ``padding``
            (by default ``'same'``), ``use_bias``, initialisers, ...
    """

    kind = "conv"
    described = ("filters", "kernel_size", "strides", "padding", "use_bias")


class XDense(_Core):
    """A fully connected layer; a feature map in front of it is flattened.

    Args:
        k_int_bits: integer bits of the kernel.
        b_int_bits: integer bits of the bias.
        act: quantiser of the result.
        **keras: of ``QDense``: ``units``, ``use_bias``, initialisers, ...
    """

    kind = "dense"
    described = ("units", "use_bias")


class XBundle:
    """Layers that the hardware runs in one go: core, addition, pool, flatten, softmax.

    Call it once, on a Keras tensor, and with ``add_act`` on a second one, which is added. Raises
    FrontendError as :class:`corewright.Bundle` does.
    """

    def __init__(
        self,
        core: XConvBN | XDense,
        pool: XPool | None = None,
        add_act: XActivation | None = None,
        flatten: bool = False,
        softmax: bool = False,
    ) -> None:
        self.core, self.pool, self.add_act = core, pool, add_act
        self.flatten, self.softmax = bool(flatten), bool(softmax)
        self.called = False

    def __call__(self, x: Any, x_add: Any = None) -> Any:
        """Apply the layers to Keras tensors."""
        from corewright.dialects.deepsocflow.bundle import Bundle

        if self.called:
            raise FrontendError("XBundle: is called twice, legal is once: make a bundle a use")
        self.called = True
        bundle = Bundle(
            self.core.description,
            add=None if self.add_act is None else {"act_str": self.add_act.act_str},
            pool=None if self.pool is None else self.pool.description,
            flatten=self.flatten,
            softmax=self.softmax,
        )
        return bundle(x, x_add)


class XModel:
    """Base of the user's model: has bundles, and a ``call`` that applies them.

    ``call(x)`` begins with ``x = self.input_quant_layer(x)``. Called on a Keras input, the layers
    become those of the Keras model around it: train, save and convert that one.

    Args:
        sys_bits: widths; ``x`` is the input's.
        x_int_bits: integer bits of the input.
        *args: of Keras's layers; without a meaning here.
        **kwargs: of Keras's layers; without a meaning here.
    """

    def __init__(self, sys_bits: SYS_BITS, x_int_bits: int, *args: Any, **kwargs: Any) -> None:
        self.sys_bits = SYS_BITS(*sys_bits)
        self.x_int_bits = int(x_int_bits)
        _, qkeras = lazy.load()
        self.input_quant_layer = qkeras.QActivation(_bits(self.sys_bits.x, self.x_int_bits))

    def __call__(self, x: Any) -> Any:
        """Apply :meth:`call` to a Keras tensor; FrontendError if it is one of Keras 3."""
        lazy.check_keras_2(f"{type(self).__name__}: x", x)
        return self.call(x)

    def call(self, x: Any) -> Any:
        """The user's: apply the bundles to ``x`` and return the result."""
        raise NotImplementedError(f"{type(self).__name__} has no method call(self, x)")

    def get_config(self) -> dict[str, Any]:
        """What ``keras.saving.register_keras_serializable`` wants of a class."""
        return {"sys_bits": self.sys_bits, "x_int_bits": self.x_int_bits}
