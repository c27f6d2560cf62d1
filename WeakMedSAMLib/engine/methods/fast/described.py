"""Stage: the cells of a cohort, each as principal components of its features and its grey value."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from WeakMedSAMLib.contract.events import Progress
from WeakMedSAMLib.contract.stages import PROJECTION
from WeakMedSAMLib.engine.base.state import reuse_or_make, stage_key
from WeakMedSAMLib.engine.features.levels import CAM
from WeakMedSAMLib.engine.features.slices import VolumeSlices, foreground
from WeakMedSAMLib.engine.methods.fast import projection
from WeakMedSAMLib.engine.methods.fast.model import FastModel
from WeakMedSAMLib.engine.methods.fast.novelty import CellDescriptors
from WeakMedSAMLib.engine.methods.fast.projection import Projection, fit_projection
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.stage_outputs import check_cells, check_projection, start_key
from WeakMedSAMLib.engine.parts.run_context import RunContext


class Described(NamedTuple):
    """A cohort by its cells; labels have no part in it.

    Attributes
    ----------
    by : Projection
    cells : list of CellDescriptors
        Of every volume, memory-mapped.
    key : str
        Hash of what they depend on.
    """

    by: Projection
    cells: list[CellDescriptors]
    key: str


def describe_cohort(
    volumes: Sequence[VolumeSlices], settings: FastSettings, context: RunContext, start: FastModel | None = None
) -> Described:
    """Project the features of a cohort, by what `start` has if training goes on from there.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
    settings : FastSettings
        ``projection_dim``, ``seed``.
    context : RunContext
        Its store keeps the outcome.
    start : FastModel, optional
    """
    dim, seed = settings.projection_dim, settings.seed
    features = stage_key([volume.features.key for volume in volumes], start_key(start))
    key = stage_key(projection.VERSION, features, dim, seed)

    def fit() -> dict[str, np.ndarray]:
        begun = None if start is None else start.projection
        fitted = begun or fit_projection(volumes, dim, seed)
        return {name: tensor.numpy() for name, tensor in vars(fitted).items()}

    channels = volumes[0].features.levels[CAM].shape[1]
    by = context.run_stage(PROJECTION, key, fit, partial(check_projection, channels=channels))
    described: list[CellDescriptors] = []
    for volume in volumes:
        level = volume.features.levels[CAM]
        name, own = f"projected-{volume.id}", stage_key(key, volume.features.key)
        shape = (level.shape[0], by.components.shape[1], *level.shape[2:])
        make = partial(_cells_of, volume, by)
        described.append(reuse_or_make(context.store, name, own, partial(check_cells, shape=shape), make))
        context.report(Progress(PROJECTION, len(described), len(volumes)))
    return Described(by, described, key)


def _cells_of(volume: VolumeSlices, by: Projection) -> dict[str, np.ndarray]:
    """Projected features of a volume, grey values of its cells, and which of them are of the body."""
    level = volume.features.levels[CAM]
    projected = np.concatenate([part.half().numpy() for part in by.parts(level)])
    grey = volume.brightness(level.shape[-1])
    return {"projected": projected, "brightness": grey, "body": foreground(grey, volume.frame)}
