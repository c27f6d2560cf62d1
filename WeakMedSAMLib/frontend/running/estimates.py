"""What may be expected of a run before it: how long it takes, and how good its masks will be, in honest words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract import stages
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.checks import FEW_ABSENT, FEW_PRESENT, FEW_VOLUMES
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.presence import PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

PREPARE, START = "prepare", "start"
_FIRST, _SECOND = stages.segmenter_round(1), stages.segmenter_round(2)


def stagesOf(preset: str, overrides: Mapping[str, Any] | None = None, update: bool = False) -> tuple[str, ...]:
    """Return the stages of a run of a preset, or of an update of its masks, in order.

    The first two are ours: writing the run folder, and loading the worker's libraries.
    """
    return (PREPARE, START, *stages.stages_of(preset, overrides, train=not update, update=update))


STAGES = stagesOf(stages.FAST)

# By preset and kind of device. Version 0.1 kept them under "secondsByStage", those of stand-in runs among them.
_SETTINGS_KEY = "WeakMedSAM/secondsOfStages/{preset}/{kind}"
# Seconds for each unit of a stage's work (see `_units`). CPU: measured on two cores of a server (README, "Figures").
# GPU: a cautious guess until a run on that GPU has been measured.
_CPU_RATES = {
    PREPARE: 0.005,
    START: 9.0,
    stages.EMBED: 0.42,
    stages.HANDING: 0.045,
    stages.PROJECTION: 0.004,
    stages.NOVELTY: 0.006,
    stages.CLASSIFIER: 4.0,
    stages.OBJECTS: 0.3,
    stages.PSEUDO_MASKS: 0.05,
    _FIRST: 0.3,
    _SECOND: 0.3,
    stages.UPDATE: 0.1,
    stages.MASKS: 0.035,
}
_GPU_FACTORS = {
    stages.EMBED: 0.1,
    stages.OBJECTS: 0.3,
    stages.PSEUDO_MASKS: 0.3,
    _FIRST: 0.15,
    _SECOND: 0.15,
    stages.UPDATE: 0.15,
    stages.MASKS: 0.3,
}
# Stages whose work is the same in every preset. Of the others of paper and reference nothing is known before a run of
# theirs was measured here.
_OF_ALL = (PREPARE, START, stages.EMBED)
# How much a new measurement counts against what was known.
_NEW_SHARE = 0.5
# Further rounds and the result hand masks on once more; that takes about as long as at first.
_STEPS_A_HANDED_MASK = 0.15
# A stage that was this quick says nothing of the computer: it found its output made, or had next to nothing to do.
_SHORTEST_S, _QUICKEST = 0.5, 0.02


@dataclass(frozen=True)
class RunSize:
    """How much work a run is.

    Attributes
    ----------
    volumes, slices : int
        Of the whole run, along the slice axis of each volume.
    presentSlices : int
        Slices on which at least one class is present.
    cachedSlices : int
        Slices whose features were kept from an earlier run.
    handedMasks : int
        Masks that boxes, points and drawn masks are handed on to: a class on a slice.
    """

    volumes: int = 1
    slices: int = 0
    presentSlices: int = 0
    cachedSlices: int = 0
    handedMasks: int = 0


def runSize(volumes: Iterable[VolumeLabels], cachedHashes: Iterable[str] = ()) -> RunSize:
    """Return how much work these volumes are; `cachedHashes` are those of volumes that were run before."""
    entries, cached = list(volumes), set(cachedHashes)
    slices = [entry.n_slices or 0 for entry in entries]
    return RunSize(
        volumes=len(entries),
        slices=sum(slices),
        presentSlices=sum(_presentSlices(entry) for entry in entries),
        cachedSlices=sum(count for entry, count in zip(entries, slices, strict=True) if entry.sha256 in cached),
        handedMasks=sum(_handedMasks(entry) for entry in entries),
    )


def expectedStages(
    size: RunSize,
    device: str = "cpu",
    preset: str = stages.FAST,
    overrides: Mapping[str, Any] | None = None,
    update: bool = False,
) -> dict[str, float]:
    """Return the stages of a run with the seconds that each will take on a device, by what was measured there.

    Before a run of a published preset was measured here, nothing is known of its times, and all are 0.
    """
    rates = _rates(device, preset)
    # Further rounds of the network are as the second.
    order = stagesOf(preset, overrides, update)
    rounds = dict.fromkeys(filter(stages.round_of, order), rates.get(_SECOND, 0.0))
    rates = {**rounds, **rates}
    return {stage: rates.get(stage, 0.0) * _units(stage, size, preset) for stage in order}


def expectedSeconds(size: RunSize, device: str = "cpu", preset: str = stages.FAST) -> float:
    """Return the seconds that a run will take on a device; 0 if nothing is known."""
    return sum(expectedStages(size, device, preset).values())


def isMeasured(device: str, preset: str = stages.FAST) -> bool:
    """Say whether a run of a preset on this kind of device was measured on this computer."""
    return bool(_learned(device, preset))


def learn(size: RunSize, device: str, secondsByStage: Mapping[str, float], preset: str = stages.FAST) -> None:
    """Remember how long the stages of a finished run took, for the next estimate on this computer.

    Nothing is learned of stages that found their output made, nor from a run of another preset.
    """
    others = {stage for other in stages.PRESETS for stage in stagesOf(other)} - set(stagesOf(preset))
    if others & set(secondsByStage):
        return
    known, general = _learned(device, preset), _rates(device, preset)
    for stage, seconds in secondsByStage.items():
        units = _units(stage, size, preset) if stage in stagesOf(preset) else 0
        if units <= 0 or seconds < _SHORTEST_S or seconds / units < _QUICKEST * general.get(stage, 0.0):
            continue
        rate = seconds / units
        known[stage] = rate if stage not in known else (1 - _NEW_SHARE) * known[stage] + _NEW_SHARE * rate
    slicer.app.userSettings().setValue(_key(device, preset), json.dumps(known))


def timeInWords(seconds: float) -> str:
    """Say a time as a person would: rounded, and never more exact than an estimate can be."""
    if seconds < 8:
        return _("a few seconds")
    if seconds < 55:
        return _("about {count} seconds").format(count=10 * max(1, round(seconds / 10)))
    minutes = max(1, round(seconds / 60))
    if minutes == 1:
        return _("about a minute")
    if minutes < 60:
        return _("about {count} minutes").format(count=minutes if minutes < 20 else 5 * round(minutes / 5))
    hours, minutes = divmod(10 * round(seconds / 600), 60)
    text = _("about {hours} h {minutes} min") if minutes else _("about {hours} h")
    return text.format(hours=hours, minutes=minutes)


def expectedTimeInWords(size: RunSize, device: str, preset: str = stages.FAST, place: str = "") -> str:
    """Return a short sentence on how long a run will take on a device, which may be called `place` there."""
    seconds = expectedSeconds(size, device, preset)
    if not seconds:
        return _("Time not measured; it trains networks: plan for a GPU.")
    text = _("Takes {time} on {device}.") if isMeasured(device, preset) else _("Takes {time} on {device} (a guess).")
    return text.format(time=timeInWords(seconds), device=place or device)


def sureOfTimeInWords(size: RunSize, device: str, preset: str = stages.FAST) -> str:
    """Return a sentence on where the time of `expectedTimeInWords` is from."""
    if not expectedSeconds(size, device, preset):
        return _("Its time is known once a run with this preset has been measured on this computer.")
    if isMeasured(device, preset):
        return _("The time is from earlier runs on this computer.")
    if _isGpu(device):
        return _("The time is a guess: no run on this GPU has been measured yet.")
    return _("The time is that of another computer; the first run here is measured.")


def expectedQuality(cohort: CohortLabels) -> str:
    """Return an honest sentence on how good the masks will be, from the number of tagged volumes and slices.

    The figures are those of the README: brain FLAIR, patient Dice, one and forty tagged volumes. What lies between
    them was not measured, and nothing is made up for it.
    """
    tagged = [volume for volume in cohort.volumes if _isTagged(volume)]
    if not tagged:
        return _("No slice is tagged yet, so there is nothing to learn from.")
    parts = [_volumesInWords(len(tagged)), *_slicesInWords(cohort)]
    return " ".join([*parts, _("Masks always need a look by a person.")])


def _volumesInWords(count: int) -> str:
    if count == 1:
        return _(
            "With one tagged volume, expect a first draft: on brain tumours we measured a Dice of 0.75 on average "
            "(1 would be as drawn by hand), with large differences between scans. More tagged volumes help most."
        )
    if count < FEW_VOLUMES:
        return _(
            "With {count} tagged volumes, expect better than from one alone (Dice 0.75 on brain tumours), and less "
            "than from 40 (0.84). {enough} or more volumes are a good aim."
        ).format(count=count, enough=FEW_VOLUMES)
    if count < 30:
        return _("{count} tagged volumes are a good basis; with 40, brain tumours reached a Dice of 0.84.").format(
            count=count
        )
    return _("{count} tagged volumes: with 40, brain tumours reached a Dice of 0.84.").format(count=count)


def _slicesInWords(cohort: CohortLabels) -> list[str]:
    few = []
    for name in cohort.classes.names:
        counts = [volume.presence_counts(name) for volume in cohort.volumes]
        present, absent = sum(each.present for each in counts), sum(each.absent for each in counts)
        if 0 < present < FEW_PRESENT:
            few.append(_("Few slices show {name}: {count}.").format(name=name, count=present))
        if present and absent < FEW_ABSENT:
            few.append(_("Few slices are tagged as not showing {name}: {count}.").format(name=name, count=absent))
    return few


def _units(stage: str, size: RunSize, preset: str = stages.FAST) -> float:
    isPublished, number = stages.is_published(preset), stages.round_of(stage)
    masked = size.presentSlices if isPublished else min(size.presentSlices, stages.MASKED_SLICES)
    if number is not None:
        steps = stages.round_steps(stages.steps_of_round(number), masked)
        return steps + (_STEPS_A_HANDED_MASK * size.handedMasks if number > 1 else 0)
    if stage == START:
        return 1.0
    if stage == stages.EMBED:
        return max(0, size.slices - size.cachedSlices)
    if stage == stages.HANDING:
        return size.handedMasks
    if stage == stages.UPDATE:
        return stages.UPDATE_STEPS
    if stage == stages.MASKS and not isPublished:
        return size.slices + size.handedMasks
    if stage == stages.CLASSIFIER:
        return 1.0 + size.slices / 2000
    return float(masked if stage in (stages.OBJECTS, stages.PSEUDO_MASKS, stages.SUB_CLASSES) else size.slices)


def _rates(device: str, preset: str) -> dict[str, float]:
    """Seconds for each unit of work of the stages of a preset; nothing where too little is known of them."""
    general = {**_CPU_RATES, **{name: _CPU_RATES[name] * factor for name, factor in _factors(device).items()}}
    if not stages.is_published(preset):
        return {**general, **_learned(device, preset)}
    known = _learned(device, preset)
    if not {stages.ADAPTERS, stages.PSEUDO_MASKS, stages.NETWORK} <= set(known):
        return {}
    shared = {**general, **_learned(device, stages.FAST)}
    return {**{stage: shared[stage] for stage in _OF_ALL}, **known}


def _factors(device: str) -> dict[str, float]:
    return _GPU_FACTORS if _isGpu(device) else {}


def _isGpu(device: str) -> bool:
    return _kind(device) in ("cuda", "mps")


def _kind(device: str) -> str:
    return device.partition(":")[0]


def _key(device: str, preset: str) -> str:
    return _SETTINGS_KEY.format(preset=preset, kind=_kind(device))


def _learned(device: str, preset: str) -> dict[str, float]:
    """What was measured here, or nothing if the setting is missing or was spoilt by hand."""
    try:
        found: Any = json.loads(str(slicer.app.userSettings().value(_key(device, preset)) or "{}"))
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: float(value) for name, value in found.items() if name in stagesOf(preset) and _isRate(value)}


def _isRate(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and value > 0


def _presentSlices(volume: VolumeLabels) -> int:
    present = [volume.presence(name) == PRESENT for name in volume.class_names()]
    return int(np.count_nonzero(np.logical_or.reduce(present))) if present else 0


def _handedMasks(volume: VolumeLabels) -> int:
    named = {name for kind in (BOXES, POINTS, PAINTED) for name in kind.class_names(volume)}
    return sum(int(np.count_nonzero(volume.presence(name) == PRESENT)) for name in named)


def _isTagged(volume: VolumeLabels) -> bool:
    return any((volume.presence(name) != UNTAGGED).any() for name in volume.class_names())
