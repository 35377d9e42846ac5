"""Training, prediction and whole studies, with any labels and with settings as Python values."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ._native import HeadConfig, Outcome, TrainedHead, Trainer, run_system


def fit(
    features: Any,
    labels: Any,
    head: HeadConfig | str = "quantum",
    *,
    trainer: Trainer | None = None,
    validation: tuple[Any, Any] | None = None,
    condition: Any = None,
) -> TrainedHead:
    """Trains a head on features (rows, width) and labels (rows,) of any kind; the classes are the sorted labels.

    `condition` is what the circuit runs under while it is trained: a `Condition`, a device, or None."""
    classes, indices = np.unique(np.asarray(labels), return_inverse=True)
    names = _names(classes)
    if validation is not None:
        validation = (validation[0], _indices(validation[1], names))
    head = HeadConfig(head) if isinstance(head, str) else head
    trainer = trainer if trainer is not None else Trainer()
    return trainer.fit(head, features, indices.reshape(-1), classes=names, validation=validation, condition=condition)


def predict(head: TrainedHead, features: Any) -> tuple[list[str], np.ndarray]:
    """Names of the most probable classes, and class probabilities (rows, classes), of features (rows, width)."""
    probabilities = head.predict(features)
    classes = head.classes
    return [classes[k] for k in probabilities.argmax(axis=1)], probabilities


def evaluate(head: TrainedHead, features: Any, labels: Any) -> dict[str, float]:
    """Every metric of `qgraft.metrics()` on features (rows, width) and labels (rows,), which are names of the head's classes."""
    return head.evaluate(features, _indices(labels, head.classes))


def _names(labels: np.ndarray) -> list[str]:
    """Labels as texts. A number is the same in every precision that holds it."""
    return [str(label) for label in labels.reshape(-1)]


def _indices(labels: Any, classes: list[str]) -> np.ndarray:
    index = {name: k for k, name in enumerate(classes)}
    names = _names(np.asarray(labels))
    unknown = next((name for name in names if name not in index), None)
    if unknown is not None:
        from .errors import StudyError

        raise StudyError(f"label {unknown!r} is none of the classes {', '.join(classes)}")
    return np.array([index[name] for name in names], dtype=np.float64)


def run(
    system: str,
    out: str | os.PathLike[str] | None = None,
    *,
    preset: str | Iterable[str] = (),
    spec: str | None = None,
    flags: Mapping[str, Any] | None = None,
    set: Mapping[str, Any] | None = None,
    vary: Mapping[str, Iterable[Any]] | None = None,
    seeds: int | Iterable[int] | None = None,
    only: Iterable[str] = (),
    jobs: int | None = None,
    resume: bool = False,
    cache: str | os.PathLike[str] | None = None,
    progress: Callable[[str, str, float], None] | None = None,
) -> Outcome:
    """Runs a system of `qgraft.systems()` as `qgraft run` does, and returns its results.

    `out` is the run folder, a new temporary one if there is none. `spec` is a settings file as TOML text, `set` fields of the
    settings (`{"train.epochs": 5}`), `vary` fields with their values, `flags` the system's options (`{"devices": "manila"}`).
    `progress(event, text, number)` hears "planned", "begins", "ends", "failed" and "note". Ctrl-C stops the run; `resume=True`
    continues it."""
    folder = os.fspath(out) if out is not None else tempfile.mkdtemp(prefix="qgraft-")
    switch = {True: ""}
    given = [(name, switch.get(value, _text(value)) if isinstance(value, bool) else _text(value))
             for name, value in (flags or {}).items() if value is not False]  # fmt: skip
    return run_system(
        system,
        folder,
        presets=[preset] if isinstance(preset, str) else list(preset),
        spec=spec,
        flags=given,
        set=[(field, _text(value)) for field, value in (set or {}).items()],
        vary=[(field, _text(list(values))) for field, values in (vary or {}).items()],
        seeds=None if seeds is None else _text(seeds if isinstance(seeds, int) else list(seeds)),
        only=list(only),
        jobs=jobs,
        resume=resume,
        cache=cache,
        progress=progress,
    )


def _text(value: Any) -> str:
    """A value as the command line writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(_text(entry) for entry in value)
    return str(value)
