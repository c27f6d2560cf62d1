"""What a method is to the rest of the program: settings by preset, learning, segmenting, and reading its models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.base.setting_checks import override

if TYPE_CHECKING:
    # PyTorch is loaded by what runs a method, and not by what only reads its settings.
    import torch

    from WeakMedSAMLib.engine.parts.assembly import Results
    from WeakMedSAMLib.engine.parts.model_files import TrainedModel
    from WeakMedSAMLib.engine.parts.run_context import RunContext
    from WeakMedSAMLib.engine.supervision.cohort import CohortVolume

S = TypeVar("S")
M = TypeVar("M", bound="TrainedModel")


class Method(Protocol[S, M]):
    """A way from slice tags to masks.

    Its settings (S) are a frozen dataclass that checks its values and has a ``seed``, its models (M) `TrainedModel`.
    The stages that a run of a preset goes through are listed in `contract.stages`, for whoever shows them before an
    engine runs.

    Attributes
    ----------
    name : str
        As descriptions of its models have it.
    presets : mapping
        Name -> settings.
    read_when_applied : tuple of str
        Settings that drawing masks reads and training does not.
    """

    @property
    def name(self) -> str:
        """As descriptions of its models have it."""

    @property
    def presets(self) -> Mapping[str, S]:
        """Settings by the names of presets."""

    @property
    def read_when_applied(self) -> tuple[str, ...]:
        """Settings that drawing masks reads and training does not."""

    def run(self, cohort: Sequence[CohortVolume], settings: S, context: RunContext, start: M | None) -> Results:
        """Learn from the tags of a cohort, hand the model to ``context.keep_model``, and segment the cohort.

        Parameters
        ----------
        cohort : sequence of CohortVolume
            Volumes with their tags; some may have none.
        settings : S
            Choices of the method.
        context : RunContext
            What the run is given.
        start : M or None
            A model that training starts from.

        Yields
        ------
        CohortVolume, VolumeResult
            Volume by volume, in the order of the cohort.

        Raises
        ------
        UserError
            What the stages say.
        """

    def apply(self, cohort: Sequence[CohortVolume], settings: S, context: RunContext, model: M) -> Results:
        """Segment a cohort by a model as it is; yields and raises as `run`."""

    def update(self, cohort: Sequence[CohortVolume], settings: S, context: RunContext, model: M) -> Results:
        """Let what readers corrected in a cohort move a copy of a model, hand it on, and segment the cohort by it.

        Yields and raises as `run`.

        Raises
        ------
        UserError
            ``no_update`` by a method that cannot.
        """

    def load(self, about: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> M:
        """The model whose `describe` and `tensors` these are; raises where they do not fit together."""


def no_update() -> UserError:
    """The error of a method whose models are not moved by corrections."""
    message = "A model of the published method is not moved by corrections."
    return UserError("no_update", message, "Generate masks by the preset 'fast', then correct and update these.")


def settings_when_applied(method: Method[S, M], trained: S, overrides: Mapping[str, Any]) -> tuple[S, list[str]]:
    """Settings by which a model is applied, and the names of the overrides that come too late.

    They are those that it was trained with; only what training does not read may still be chosen.

    Raises
    ------
    UserError
        ``unknown_setting``, ``bad_setting``.
    """
    before: Any = trained
    wanted = override(before, overrides)
    changed = [one.name for one in fields(before) if getattr(wanted, one.name) != getattr(before, one.name)]
    chosen = {name: getattr(wanted, name) for name in changed if name in method.read_when_applied}
    return replace(before, **chosen), [name for name in changed if name not in method.read_when_applied]
