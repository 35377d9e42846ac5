"""Slots for expressions of parameters: from values of the parameters to angles, and gradients back."""

from __future__ import annotations

import numpy as np
from qiskit.circuit import Parameter, ParameterExpression


class SlotOf(int):
    """A slot by number, as opposed to an angle."""


class Slots:
    """Distinct expressions of parameters. Those that are affine become a matrix; the others are bound row by row."""

    def __init__(self, parameters: list[Parameter]):
        self.parameters = parameters
        self.expressions: list[ParameterExpression] = []
        self._known: dict[ParameterExpression, int] = {}
        self._matrix: tuple[np.ndarray, np.ndarray, list[int]] | None = None

    def of(self, expression: ParameterExpression) -> SlotOf:
        """The slot of an expression, a new one if there is none yet."""
        place = self._known.get(expression)
        if place is None:
            place = self._known[expression] = len(self.expressions)
            self.expressions.append(expression)
            # A loop or a definition may bring parameters that were bound, but no new ones.
            self._matrix = None
        return SlotOf(place)

    def key(self) -> tuple:
        """Equal where angles follow equally from the parameters."""
        return (*self.parameters, None, *self.expressions)

    def names(self) -> list[str]:
        """Names of the slots: the expressions as texts."""
        return [str(expression) for expression in self.expressions]

    def affine(self) -> tuple[np.ndarray, np.ndarray, list[int]]:
        """Matrix (slots, parameters), constants (slots,), and the slots that are not affine."""
        if self._matrix is None:
            index = {parameter: k for k, parameter in enumerate(self.parameters)}
            matrix = np.zeros((len(self.expressions), len(self.parameters)))
            constants = np.zeros(len(self.expressions))
            curved = []
            for slot, expression in enumerate(self.expressions):
                if isinstance(expression, Parameter):
                    matrix[slot, index[expression]] = 1.0
                    continue
                slopes = {parameter: expression.gradient(parameter) for parameter in expression.parameters}
                if any(isinstance(slope, ParameterExpression) and slope.parameters for slope in slopes.values()):
                    curved.append(slot)
                    continue
                for parameter, slope in slopes.items():
                    matrix[slot, index[parameter]] = _real(slope)
                constants[slot] = _real(expression.bind({parameter: 0.0 for parameter in expression.parameters}))
            self._matrix = (matrix, constants, curved)
        return self._matrix

    def angles(self, values: np.ndarray) -> np.ndarray:
        """Angles (rows, slots) for values (rows, parameters)."""
        matrix, constants, curved = self.affine()
        angles = values @ matrix.T + constants
        for slot in curved:
            expression = self.expressions[slot]
            used = [(k, parameter) for k, parameter in enumerate(self.parameters) if parameter in expression.parameters]
            for row, numbers in enumerate(values):
                angles[row, slot] = _real(expression.bind({parameter: float(numbers[k]) for k, parameter in used}))
        return angles

    def pull(self, gradient: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Gradients (rows, ..., parameters) by the parameters from those (rows, ..., slots) by the angles."""
        matrix, _, curved = self.affine()
        out = gradient @ matrix
        for slot in curved:
            expression = self.expressions[slot]
            used = [(k, parameter) for k, parameter in enumerate(self.parameters) if parameter in expression.parameters]
            for k, parameter in used:
                slope = expression.gradient(parameter)
                for row, numbers in enumerate(values):
                    factor = slope
                    if isinstance(slope, ParameterExpression):
                        factor = slope.bind({p: float(numbers[j]) for j, p in used if p in slope.parameters})
                    out[row, ..., k] += gradient[row, ..., slot] * _real(factor)
        return out


def _real(value) -> float:
    number = complex(value.numeric() if hasattr(value, "numeric") else value)
    return float(number.real)
