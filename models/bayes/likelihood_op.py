"""A likelihood with a gradient of its own as a node of a PyMC model: one call in place of a graph of hundreds of nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_funcify

__all__ = ["CompiledLikelihood"]


class CompiledLikelihood(Op):
    """A log likelihood that numba has compiled together with its derivatives.

    Parameters
    ----------
    function : callable
        A numba function of parameters and data, in this order; it returns the log likelihood and its derivatives by
        each parameter, with the parameter's shape.
    n_parameters : int
        How many of its arguments are parameters.
    """

    __props__ = ("function", "n_parameters")

    def __init__(self, function: Callable[..., tuple[Any, ...]], n_parameters: int) -> None:
        self.function = function
        self.n_parameters = n_parameters

    def make_node(self, *inputs: Any) -> Any:
        """Return the node: a scalar, and a derivative for each parameter."""
        variables = [pt.as_tensor_variable(value) for value in inputs]
        derivatives = [variable.type() for variable in variables[: self.n_parameters]]
        return Apply(self, variables, [pt.dscalar(), *derivatives])

    def perform(self, node: Any, inputs: Sequence[Any], output_storage: Sequence[Any]) -> None:  # noqa: ARG002
        """Compute the values outside numba."""
        for storage, value in zip(output_storage, self.function(*inputs), strict=True):
            storage[0] = np.asarray(value)

    def connection_pattern(self, node: Any) -> list[list[bool]]:
        """Tell that only the log likelihood has a gradient, and only by the parameters."""
        outputs = len(node.outputs)
        return [[place < self.n_parameters, *[False] * (outputs - 1)] for place, _ in enumerate(node.inputs)]

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Return the gradient: the derivatives, times that of the log likelihood."""
        derivatives = [cotangents[0] * value for value in outputs[1:]]
        return derivatives + [DisconnectedType()() for _ in inputs[self.n_parameters :]]

    L_op = pullback  # type: ignore[assignment] # sequences of variables, which PyTensor does not tell apart
    """The name in the older generation."""


@numba_funcify.register(CompiledLikelihood)
def _compiled(op: CompiledLikelihood, **_: Any) -> Any:
    return op.function
