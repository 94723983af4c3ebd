# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""From a graph to programs, vectors and verified simulations."""

from corewright.flow.errors import FlowError, FlowInputError, MismatchError
from corewright.flow.inference import (
    describe,
    export_inference,
    export_model,
    predict_performance,
    simulate_exported,
    verify_inference,
)
from corewright.flow.simulate import simulate, simulate_system
from corewright.flow.system import System, find_system, systems

__all__ = [
    "FlowError",
    "FlowInputError",
    "MismatchError",
    "System",
    "describe",
    "export_inference",
    "export_model",
    "find_system",
    "predict_performance",
    "simulate",
    "simulate_exported",
    "simulate_system",
    "systems",
    "verify_inference",
]
