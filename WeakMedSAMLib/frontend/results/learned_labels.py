"""Which corrections no masks were drawn by yet: what is painted now beside what was painted then."""

from __future__ import annotations

import hashlib
from functools import lru_cache, partial
from pathlib import Path

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import PaintedSlice
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.runs import RunFolder
from WeakMedSAMLib.frontend.base.steps import Steps, inThread
from WeakMedSAMLib.frontend.labels.tag_volumes import keyOf
from WeakMedSAMLib.frontend.scene.module_state import ModuleState

# Class -> slice, as text -> digest.
Learned = dict[str, dict[str, str]]
_BYTES = 4


def noteLearned(state: ModuleState, labels: VolumeLabels) -> None:
    """Note in the scene that masks of a volume were drawn by these labels."""
    learned, now = state.learnedLabels, _digestsOf(labels)
    if learned.get(keyOf(labels), {}) != now:
        state.learnedLabels = {**learned, keyOf(labels): now}


def noteLearnedSteps(state: ModuleState, folder: Path, keys: list[str]) -> Steps[None]:
    """Note what a run was told of volumes, by their keys; nothing where its folder cannot be read."""
    try:
        # In another thread: the file of pixels is as large as all classes of a volume.
        cohort = yield from inThread(partial(read_label_file, RunFolder(folder).tags))
    except UserError:
        return
    for labels in cohort.volumes:
        if keyOf(labels) in keys:
            noteLearned(state, labels)


def renameLearned(state: ModuleState, old: str, new: str) -> None:
    """Note what was noted of a class under its new name."""
    learned = state.learnedLabels
    state.learnedLabels = {
        key: {new if name == old else name: each for name, each in classes.items()} for key, classes in learned.items()
    }


def pendingSlices(state: ModuleState, labels: VolumeLabels | None) -> set[tuple[str, int]]:
    """Return class and slice of corrections that were made, changed or taken back since masks were drawn by them."""
    if labels is None:
        return set()
    learned, now = state.learnedLabels.get(keyOf(labels), {}), _digestsOf(labels)
    found = set()
    for name in {*learned, *now}:
        then, this = learned.get(name, {}), now.get(name, {})
        found |= {(name, int(at)) for at in {*then, *this} if then.get(at) != this.get(at) and at.isdigit()}
    return found


def _digestsOf(labels: VolumeLabels) -> Learned:
    """Return digests of what was drawn or is known in part; that a mask is fine corrects nothing."""
    found = {}
    for name in PAINTED.class_names(labels):
        slices = PAINTED.slices(labels, name)
        digests = {str(at): _digestOf(painted) for at, painted in slices.items() if painted.state != "fine"}
        if digests:
            found[name] = digests
    return found


@lru_cache(4096)  # asked after every edit, of all slices
def _digestOf(painted: PaintedSlice) -> str:
    head = painted.state.encode("ascii")
    return hashlib.blake2b(head + painted.pixels.tobytes(), digest_size=_BYTES).hexdigest()
