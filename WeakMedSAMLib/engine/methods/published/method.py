"""The published method, with its defects fixed or as published, behind the protocol that all methods have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from WeakMedSAMLib.contract import stages
from WeakMedSAMLib.engine.methods.method import Method, no_update
from WeakMedSAMLib.engine.methods.published.settings import NAME, PAPER, REFERENCE, PublishedSettings

if TYPE_CHECKING:
    import torch

    from WeakMedSAMLib.engine.methods.published.model import PublishedModel
    from WeakMedSAMLib.engine.parts.assembly import Results
    from WeakMedSAMLib.engine.parts.run_context import RunContext
    from WeakMedSAMLib.engine.supervision.cohort import CohortVolume


class PublishedMethod:
    """See `method.Method`; PyTorch is loaded when something is run or read."""

    name = NAME
    presets: Mapping[str, PublishedSettings] = {stages.PAPER: PAPER, stages.REFERENCE: REFERENCE}
    read_when_applied: tuple[str, ...] = ()

    def run(
        self,
        cohort: Sequence[CohortVolume],
        settings: PublishedSettings,
        context: RunContext,
        start: PublishedModel | None,
    ) -> Results:
        """Learn from the tags, and segment; see `pipeline`."""
        from WeakMedSAMLib.engine.methods.published.pipeline import train_and_segment

        return train_and_segment(cohort, settings, context, start)

    def apply(
        self, cohort: Sequence[CohortVolume], settings: PublishedSettings, context: RunContext, model: PublishedModel
    ) -> Results:
        """Segment by a model as it is; see `pipeline`."""
        from WeakMedSAMLib.engine.methods.published.pipeline import apply_model

        return apply_model(cohort, settings, context, model)

    def update(
        self, cohort: Sequence[CohortVolume], settings: PublishedSettings, context: RunContext, model: PublishedModel
    ) -> Results:
        """Refused: the published method learns from slice tags alone."""
        raise no_update()

    def load(self, about: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> PublishedModel:
        """Read a model; see `PublishedModel.build`."""
        from WeakMedSAMLib.engine.methods.published.model import PublishedModel

        return PublishedModel.build(about, tensors)


METHOD: Method[PublishedSettings, PublishedModel] = PublishedMethod()
