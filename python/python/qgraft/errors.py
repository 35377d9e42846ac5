"""Exceptions with the text of the library's own errors, and the warning of noise models."""


class QgraftError(ValueError):
    """Everything that qgraft refuses."""


class CircuitError(QgraftError):
    """A circuit or observable that cannot be built."""


class QasmError(CircuitError):
    """A text that is not OpenQASM: `line` and `column` from 1, `hint`, and `report` with the source line."""

    line: int = 0
    column: int = 0
    hint: str | None = None
    report: str = ""


class FileError(QgraftError, OSError):
    """A file that cannot be opened."""


class DeviceError(QgraftError):
    """A device that cannot be read."""


class TranspileError(QgraftError):
    """A circuit that cannot be rewritten for its device."""


class NoiseError(QgraftError):
    """A noise model or channel that cannot be made or applied."""


class ConditionError(QgraftError):
    """A value that no condition has."""


class SimError(QgraftError):
    """Angles or a program that an engine refuses."""


class TooLargeError(SimError, MemoryError):
    """More memory than there is."""


class UnsupportedError(SimError, NotImplementedError):
    """A step that an engine cannot do, or that has no derivative."""


class StudyError(QgraftError):
    """A training or a study that cannot be run."""


class InterruptedRun(StudyError):
    """A run that was stopped; it can be resumed."""


class NoiseNotice(UserWarning):
    """What a noise model repaired or could not use."""
