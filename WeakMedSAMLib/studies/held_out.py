"""Train on some patients, apply the model to others: test patients are in no way part of the training run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings, load_run
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, class_table
from WeakMedSAMLib.engine.evaluation.gallery import Gallery
from WeakMedSAMLib.engine.evaluation.rows import Row
from WeakMedSAMLib.studies.cases import Case, tags_of
from WeakMedSAMLib.studies.cohorts import CohortOutcome, Runner, run_of, scored, sub_class_counts
from WeakMedSAMLib.studies.splits import Split, require_other_scans

_TEST = "test: "


def run_split(
    cases: Sequence[Case],
    split: Split,
    classes: Sequence[MaskClass],
    settings: RunSettings,
    work: Path,
    runner: Runner,
    gallery: Gallery | None = None,
) -> CohortOutcome:
    """Train on the training cases, then apply the model to the test cases, in a run of their own without any tag.

    Neither the scans nor the tags of test cases are in the folder of the training run, so nothing in it (clustering of
    sub-classes, choice of K, standardisation of features, pseudo-masks, early stop) can see them.

    Parameters
    ----------
    cases : sequence of Case
        The dataset.
    split : Split
        Who trains and who is tested; other cases take no part.
    classes : sequence of MaskClass
        What to look for.
    settings : RunSettings
        Of the training run.
    work : Path
        For the run folders and volumes with slices left out.
    runner : callable
        Runs a run folder.
    gallery : Gallery, optional
        Is offered the test cases.

    Raises
    ------
    UserError
        ``bad_split`` if the same scan is on both sides; what runs raise.
    """
    train, test = ([case for case in cases if case.name in names] for names in (split.train, split.test))
    trained = run_of(train, tags_of(train, set(), classes), settings, work / "training")
    applying = replace(settings, model=str(trained.model.resolve()), train=False)
    tested = run_of(test, CohortLabels(class_table(classes)), applying, work / "test")
    require_other_scans(_hashes(trained), _hashes(tested))
    learning, applied = runner(trained.path), runner(tested.path)
    rows = _rows(train, trained, classes, tagged=True) + _rows(test, tested, classes, tagged=False, gallery=gallery)
    stages = {**learning.seconds_by_stage, **{_TEST + name: s for name, s in applied.seconds_by_stage.items()}}
    seconds, size = learning.seconds + applied.seconds, len(train) + len(test)
    return CohortOutcome(rows, seconds, stages, size, trained, sub_classes=sub_class_counts(trained))


def _hashes(places: RunFolder) -> dict[str, str | None]:
    return {volume.name: volume.sha256 for volume in load_run(places.path).volumes}


def _rows(
    cases: Sequence[Case],
    places: RunFolder,
    classes: Sequence[MaskClass],
    tagged: bool,
    gallery: Gallery | None = None,
) -> list[Row]:
    ids = {volume.name: volume.id for volume in load_run(places.path).volumes}
    return [row for case in cases for row in scored(case, places.results(ids[case.name]), classes, tagged, gallery)]
