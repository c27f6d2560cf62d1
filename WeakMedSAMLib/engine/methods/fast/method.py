"""The default method, on a frozen backbone, behind the protocol that all methods have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from WeakMedSAMLib.contract import stages
from WeakMedSAMLib.engine.methods.fast.settings import FAST, NAME, READ_WHEN_APPLIED, FastSettings
from WeakMedSAMLib.engine.methods.method import Method

if TYPE_CHECKING:
    import torch

    from WeakMedSAMLib.engine.methods.fast.model import FastModel
    from WeakMedSAMLib.engine.parts.assembly import Results
    from WeakMedSAMLib.engine.parts.run_context import RunContext
    from WeakMedSAMLib.engine.supervision.cohort import CohortVolume


class FastMethod:
    """See `method.Method`; PyTorch is loaded when something is run or read."""

    name = NAME
    presets: Mapping[str, FastSettings] = {stages.FAST: FAST}
    read_when_applied = READ_WHEN_APPLIED

    def run(
        self, cohort: Sequence[CohortVolume], settings: FastSettings, context: RunContext, start: FastModel | None
    ) -> Results:
        """Learn from the tags, and segment; see `pipeline`."""
        from WeakMedSAMLib.engine.methods.fast.pipeline import train_and_segment

        return train_and_segment(cohort, settings, context, start)

    def apply(
        self, cohort: Sequence[CohortVolume], settings: FastSettings, context: RunContext, model: FastModel
    ) -> Results:
        """Segment by a model as it is; see `pipeline`."""
        from WeakMedSAMLib.engine.methods.fast.pipeline import apply_model

        return apply_model(cohort, settings, context, model)

    def update(
        self, cohort: Sequence[CohortVolume], settings: FastSettings, context: RunContext, model: FastModel
    ) -> Results:
        """Let corrections move a model, and segment by it; see `update`."""
        from WeakMedSAMLib.engine.methods.fast.update import update_and_segment

        return update_and_segment(cohort, settings, context, model)

    def load(self, about: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> FastModel:
        """Read a model; see `FastModel.build`."""
        from WeakMedSAMLib.engine.methods.fast.model import FastModel

        return FastModel.build(about, tensors)


METHOD: Method[FastSettings, FastModel] = FastMethod()
