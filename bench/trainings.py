"""Trainings for the cross-check, on all processors; each is kept in the cache under its spec."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

from app.events import Points
from app.experiments.definition import TrainingSpec
from app.machine import default_workers
from app.settings import Settings

# Of one training: {metric: {step: value}}.
Curves: TypeAlias = Mapping[str, Mapping[int, float]]


def trained(specs: Sequence[TrainingSpec]) -> list[Curves]:
    """What each of these trainings measured, in their order; what the cache has is read.

    Of one that diverged, what came before.
    """
    missing = [spec for spec in specs if not _place(spec).exists()]
    with ProcessPoolExecutor(default_workers(), mp_context=get_context("spawn")) as processes:
        list(processes.map(_train, missing))
    return [_read(spec) for spec in specs]


def _train(spec: TrainingSpec) -> None:
    import torch

    from app.training.datasets import load_mnist
    from app.training.loop import train

    torch.set_num_threads(1)
    settings = Settings()
    curves: dict[str, dict[int, float]] = {}
    for event in train(spec, load_mnist(settings.data_dir, settings.cache_dir)):
        if isinstance(event, Points):
            for metric, values in event.values.items():
                curves.setdefault(metric, {}).update(zip(event.step, values, strict=True))
    place = _place(spec)
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(curves), encoding="utf-8")
    unfinished.replace(place)


def _read(spec: TrainingSpec) -> Curves:
    kept = json.loads(_place(spec).read_text(encoding="utf-8"))
    return {
        metric: {int(step): value for step, value in curve.items()}
        for metric, curve in kept.items()
    }


def _place(spec: TrainingSpec) -> Path:
    """Another spec or another torch, another file."""
    key = hashlib.sha256(f"{spec!r} {version('torch')}".encode()).hexdigest()[:16]
    return Settings().cache_dir / "crosscheck" / f"{key}.json"
