"""Novelty of every volume of a cohort: against what certainly lacks the class in it, and in the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from WeakMedSAMLib.contract.events import Progress, Stage
from WeakMedSAMLib.contract.labels.presence import ABSENT
from WeakMedSAMLib.contract.stages import NOVELTY as STAGE
from WeakMedSAMLib.engine.base.memory import release_free_memory
from WeakMedSAMLib.engine.base.state import StageStore, reuse_or_make, stage_key
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.novelty import CellDescriptors, novelty, reference_cells
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.supervision.known_pixels import NOT_SHOWN

# Raised whenever the same input gives another output, by `novelty` or here: part of the keys of this stage and of those
# after it.
VERSION = 2

_EVEN_OTHERS = 2.0  # other volumes from which their absent slices count half as much as the own ones


def cohort_novelty(
    volumes: Sequence[VolumeSlices],
    cells: Sequence[CellDescriptors],
    settings: FastSettings,
    context: RunContext,
    key: str,
    known: Sequence[np.ndarray | None],
) -> list[list[np.ndarray | None]]:
    """By volume and class: novelty P x m x m of the present slices, None where there is nothing to compare with.

    It is memory-mapped: a large cohort takes no more memory than one volume.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
        The cohort.
    cells : sequence of CellDescriptors
        Of every volume.
    settings : FastSettings
        The ``novelty_*`` choices and the seed.
    context : RunContext
        Its store keeps the outcome, volume by volume.
    key : str
        Hash of what the cells depend on.
    known : sequence
        Of every volume S x C x m x m, uint8: cells of which it is known whether they show a class; or None.
    """
    work = _Novelty(volumes, cells, settings, context.store, key, known)
    context.report(Stage(stage=STAGE, state="started"))
    found = []
    for number, volume in enumerate(volumes):
        found.append([work.of(number, column) for column in range(volume.tags.shape[1])])
        release_free_memory()
        context.report(Progress(STAGE, len(found), len(volumes)))
    context.report(Stage(stage=STAGE, state="finished"))
    return found


class _Novelty:
    """Novelty of one volume and class at a time, kept or computed."""

    def __init__(
        self,
        volumes: Sequence[VolumeSlices],
        cells: Sequence[CellDescriptors],
        settings: FastSettings,
        store: StageStore,
        key: str,
        known: Sequence[np.ndarray | None],
    ) -> None:
        self._volumes, self._cells, self._settings, self._store, self._key = volumes, cells, settings, store, key
        self._known = known
        self._drawn: dict[tuple[int, int, int], torch.Tensor] = {}
        self._lending: dict[int, list[int]] = {}

    def of(self, number: int, column: int) -> np.ndarray | None:
        """Novelty against the volume's own absent slices, and against those of the other volumes.

        The own ones look most alike; the others know anatomy that this patient shows on present slices only. They
        count the more the more of them there are.
        """
        volume, lenders = self._volumes[number], self._lenders(column)
        if not len(volume.present(column)) or not lenders:
            return None
        tags = [self._volumes[i].tags[:, column] for i in [number, *lenders]]
        known = [None if (one := self._known[i]) is None else one[:, column] for i in [number, *lenders]]
        chosen = self._settings
        reads = (chosen.novelty_references, chosen.novelty_neighbours, chosen.novelty_brightness)
        own = stage_key(VERSION, self._key, volume.features.key, *tags, *known, lenders, *reads)
        name = f"{STAGE}-{volume.id}-{column}"
        check = partial(self._check, number, column)
        return reuse_or_make(self._store, name, own, check, lambda: {"novelty": self._compute(number, column, lenders)})

    def _check(self, number: int, column: int, kept: Mapping[str, Any]) -> np.ndarray:
        """What was kept, memory-mapped; ValueError unless it is of the slices and cells of today."""
        found = np.asarray(kept["novelty"])
        if found.shape != (len(self._volumes[number].present(column)), *self._cells[number].body.shape[1:]):
            raise ValueError(f"novelty of the shape {found.shape}")
        return found

    def _compute(self, number: int, column: int, lenders: Sequence[int]) -> np.ndarray:
        present, others = self._volumes[number].present(column), [i for i in lenders if i != number]
        count = self._settings.novelty_references
        found = np.zeros((len(present), *self._cells[number].body.shape[1:]), np.float32)
        if number in lenders:
            found += self._compare(number, present, self._references(number, column, count))
        if others:
            weight = len(others) / (len(others) + _EVEN_OTHERS) if number in lenders else 1.0
            each = max(1, 2 * count // len(others))
            lent = torch.cat([self._lend(i, column, each) for i in others])
            found += weight * self._compare(number, present, lent)
        return found

    def _lenders(self, column: int) -> list[int]:
        """Volumes with cells of the body that certainly do not show the class: absent slices may be air alone."""
        if column not in self._lending:
            self._lending[column] = [
                number for number, cells in enumerate(self._cells) if (cells.body & self._lacking(number, column)).any()
            ]
        return self._lending[column]

    def _lacking(self, number: int, column: int) -> np.ndarray:
        """Which cells of a volume certainly do not show the class: S x m x m, or S x 1 x 1."""
        absent = self._volumes[number].tags[:, column] == ABSENT
        return np.asarray(absent[:, None, None] | self._known_to_lack(number, column))

    def _known_to_lack(self, number: int, column: int) -> np.ndarray | bool:
        known = self._known[number]
        return False if known is None else known[:, column] == NOT_SHOWN

    def _compare(self, number: int, present: np.ndarray, references: torch.Tensor) -> np.ndarray:
        """Novelty of the present slices of a volume against some cells."""
        settings = self._settings
        return novelty(
            self._cells[number], present, references, settings.novelty_neighbours, settings.novelty_brightness
        )

    def _lend(self, lender: int, column: int, count: int) -> torch.Tensor:
        """The cells that a volume lends to every other one; drawn once."""
        wanted = (lender, column, count)
        if wanted not in self._drawn:
            self._drawn[wanted] = self._references(*wanted)
        return self._drawn[wanted]

    def _references(self, lender: int, column: int, count: int) -> torch.Tensor:
        """About `count` cells of the absent slices of a volume."""
        settings, lacking = self._settings, self._lacking(lender, column)
        return reference_cells(self._cells[lender], lacking, count, settings.novelty_brightness, settings.seed)
