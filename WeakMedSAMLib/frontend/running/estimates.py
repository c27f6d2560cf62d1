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

from WeakMedSAMLib.contract.tag_checks import FEW_ABSENT, FEW_PRESENT, FEW_VOLUMES
from WeakMedSAMLib.contract.tags import PRESENT, CohortTags, VolumeTags

PREPARE, START = "prepare", "start"
# Stages in order. The first two are ours: writing the run folder, and loading the worker's libraries.
STAGES = (
    PREPARE,
    START,
    "embed",
    "projection",
    "novelty",
    "classifier",
    "pseudo-masks",
    "segmenter-1",
    "segmenter-2",
    "masks",
)
# Those of the presets paper and reference, of which nothing was measured.
PUBLISHED_STAGES = (PREPARE, START, "embed", "sub-classes", "adapters", "pseudo-masks", "network", "masks")

_SETTINGS_KEY = "WeakMedSAM/secondsByStage/"
# Seconds for each unit of a stage's work (see `_units`). CPU: measured on two cores of a server (README, "Figures").
# GPU: a cautious guess until a run on that GPU has been measured.
_CPU_RATES = {
    PREPARE: 0.005,
    START: 9.0,
    "embed": 0.42,
    "projection": 0.004,
    "novelty": 0.006,
    "classifier": 4.0,
    "pseudo-masks": 0.05,
    "segmenter-1": 0.3,
    "segmenter-2": 0.3,
    "masks": 0.035,
}
_GPU_FACTORS = {"embed": 0.1, "pseudo-masks": 0.3, "segmenter-1": 0.15, "segmenter-2": 0.15, "masks": 0.3}
# As in the engine: training steps of the network in each round, and fewer where there are few masks.
_SEGMENTER_STEPS = {"segmenter-1": 300, "segmenter-2": 180}
_LEAST_STEPS, _STEPS_A_MASK, _MOST_MASKED = 80, 2, 1000
# How much a new measurement counts against what was known.
_NEW_SHARE = 0.5


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
    """

    volumes: int = 1
    slices: int = 0
    presentSlices: int = 0
    cachedSlices: int = 0


def runSize(volumes: Iterable[VolumeTags], cachedHashes: Iterable[str] = ()) -> RunSize:
    """Return how much work these volumes are; `cachedHashes` are those of volumes that were run before."""
    entries, cached = list(volumes), set(cachedHashes)
    slices = [entry.n_slices or 0 for entry in entries]
    return RunSize(
        volumes=len(entries),
        slices=sum(slices),
        presentSlices=sum(_presentSlices(entry) for entry in entries),
        cachedSlices=sum(count for entry, count in zip(entries, slices, strict=True) if entry.sha256 in cached),
    )


def expectedStages(size: RunSize, device: str = "cpu") -> dict[str, float]:
    """Return the seconds that each stage will take on a device, by what was measured there, or in general."""
    known = _learned(device)
    rates = {**_CPU_RATES, **{name: _CPU_RATES[name] * factor for name, factor in _factors(device).items()}, **known}
    return {stage: rates[stage] * _units(stage, size) for stage in STAGES}


def expectedSeconds(size: RunSize, device: str = "cpu") -> float:
    """Return the seconds that a run will take on a device."""
    return sum(expectedStages(size, device).values())


def isMeasured(device: str) -> bool:
    """Say whether a run on this kind of device was measured on this computer."""
    return bool(_learned(device))


def learn(size: RunSize, device: str, secondsByStage: Mapping[str, float]) -> None:
    """Remember how long the stages of a finished run took, for the next estimate on this computer."""
    if "network" in secondsByStage:
        return  # of another preset, whose stages of the same names take other times
    known = _learned(device)
    for stage, seconds in secondsByStage.items():
        units = _units(stage, size) if stage in STAGES else 0
        if units <= 0 or seconds <= 0:
            continue
        rate = seconds / units
        known[stage] = rate if stage not in known else (1 - _NEW_SHARE) * known[stage] + _NEW_SHARE * rate
    slicer.app.userSettings().setValue(_SETTINGS_KEY + _kind(device), json.dumps(known))


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


def expectedTimeInWords(size: RunSize, device: str) -> str:
    """Return a sentence on how long a run will take, and how sure that is."""
    time = timeInWords(expectedSeconds(size, device))
    if isMeasured(device):
        return _("Expected time: {time} (from earlier runs on this computer).").format(time=time)
    if _isGpu(device):
        return _("Expected time: {time} (a guess: no run on this GPU has been measured yet).").format(time=time)
    return _("Expected time: {time} (from another computer; measured here after the first run).").format(time=time)


def expectedQuality(cohort: CohortTags) -> str:
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


def _slicesInWords(cohort: CohortTags) -> list[str]:
    few = []
    for name in cohort.classes.names:
        present, absent, _untagged = cohort.counts(name)
        if 0 < present < FEW_PRESENT:
            few.append(_("Few slices show {name}: {count}.").format(name=name, count=present))
        if present and absent < FEW_ABSENT:
            few.append(_("Few slices are tagged as not showing {name}: {count}.").format(name=name, count=absent))
    return few


def _units(stage: str, size: RunSize) -> float:
    masked = min(size.presentSlices, _MOST_MASKED)
    if stage in _SEGMENTER_STEPS:
        return min(_SEGMENTER_STEPS[stage], max(_LEAST_STEPS, _STEPS_A_MASK * masked))
    if stage == START:
        return 1.0
    if stage == "embed":
        return max(0, size.slices - size.cachedSlices)
    if stage == "classifier":
        return 1.0 + size.slices / 2000
    return float(masked if stage == "pseudo-masks" else size.slices)


def _factors(device: str) -> dict[str, float]:
    return _GPU_FACTORS if _isGpu(device) else {}


def _isGpu(device: str) -> bool:
    return _kind(device) in ("cuda", "mps")


def _kind(device: str) -> str:
    return device.partition(":")[0]


def _learned(device: str) -> dict[str, float]:
    """What was measured here, or nothing if the setting is missing or was spoilt by hand."""
    try:
        found: Any = json.loads(str(slicer.app.userSettings().value(_SETTINGS_KEY + _kind(device)) or "{}"))
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: float(value) for name, value in found.items() if name in STAGES and _isRate(value)}


def _isRate(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and value > 0


def _presentSlices(volume: VolumeTags) -> int:
    states = [state == PRESENT for state in volume.states.values()]
    return int(np.count_nonzero(np.logical_or.reduce(states))) if states else 0


def _isTagged(volume: VolumeTags) -> bool:
    return any((state >= 0).any() for state in volume.states.values())
