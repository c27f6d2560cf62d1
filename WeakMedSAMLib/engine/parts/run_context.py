"""What a run is given: one bundle in place of arguments that every stage would hand on to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import Stage
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.array_store import ArrayShape
from WeakMedSAMLib.engine.base.memory import release_free_memory
from WeakMedSAMLib.engine.base.reporting import Report
from WeakMedSAMLib.engine.base.state import StageStore, reuse
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.parts.model_files import TrainedModel
from WeakMedSAMLib.engine.parts.showcase import Show
from WeakMedSAMLib.engine.parts.stage_maps import Watch
from WeakMedSAMLib.engine.parts.sub_class_report import KeepSubClasses

T = TypeVar("T")


@dataclass(frozen=True)
class RunContext:
    """What a run is given beside its volumes and its settings.

    Attributes
    ----------
    classes : ClassTable
        What the columns of the tags mean.
    backbone : Backbone
        Frozen encoder and mask decoder, on its device.
    cache : FeatureCache
        Where features are kept from run to run.
    store : StageStore
        Where the outputs of stages are kept, so that a run goes on where it was cut off.
    report : callable
        Takes events; may raise to end the run.
    keep_model : callable, optional
        Gets the trained model.
    keep_sub_classes : callable, optional
        Gets what was found of sub-classes, class by class.
    show : callable, optional
        Gets one slice after every stage that says something of it.
    watch : callable, optional
        Gets what each stage would draw, of all slices; for studies.
    """

    classes: ClassTable
    backbone: Backbone
    cache: FeatureCache
    store: StageStore
    report: Report
    keep_model: Callable[[TrainedModel], None] | None = None
    keep_sub_classes: KeepSubClasses | None = None
    show: Show | None = None
    watch: Watch | None = None

    @property
    def device(self) -> torch.device:
        """Where networks compute."""
        return self.backbone.device

    def run_stage(
        self,
        name: str,
        key: str,
        compute: Callable[[], Mapping[str, Any]],
        use: Callable[[Mapping[str, Any]], T],
    ) -> T:
        """What `use` makes of a stage's output: of that kept from before where it fits, or computed and kept.

        Parameters
        ----------
        name : str
            Of the stage, for events and for the store.
        key : str
            Hash of all that its output depends on, from `stage_key`.
        compute : callable
            Gives the output: arrays and JSON values by name.
        use : callable
            Gets them as they were kept, and raises where they are not what today's program takes.

        Raises
        ------
        UserError
            ``not_finite``.
        """
        return self._run(name, key, lambda: self.store.save(name, key, compute()), use)

    def fill_stage(
        self,
        name: str,
        key: str,
        arrays: Mapping[str, ArrayShape],
        fill: Callable[[Mapping[str, np.ndarray]], None],
        use: Callable[[Mapping[str, Any]], T],
    ) -> T:
        """As `run_stage`, for an output too large for memory: arrays of whole numbers, filled where they are kept.

        Parameters
        ----------
        name, key, use
            As in `run_stage`.
        arrays : mapping
            Name -> shape and type.
        fill : callable
            Gets zero-filled arrays of these names, memory-mapped.
        """

        def save() -> Mapping[str, Any]:
            with self.store.writer(name, key, arrays) as output:
                fill(output)
            return self.store.saved(name, key)

        return self._run(name, key, save, use)

    def _run(
        self, name: str, key: str, save: Callable[[], Mapping[str, Any]], use: Callable[[Mapping[str, Any]], T]
    ) -> T:
        used = reuse(self.store, name, key, use)
        self.report(Stage(stage=name, state="started" if used is None else "reused"))
        if used is None:
            used = use(save())
            release_free_memory()
            self.report(Stage(stage=name, state="finished"))
        return used
