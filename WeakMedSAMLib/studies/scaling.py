"""How time and memory of whole runs grow: slices, volumes, classes and image size, one at a time.

Every run is of preset ``fast`` on a cohort made by rule, with an empty cache, and in a process of its own, so that
memory is its alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.contract.stages import EMBED, FAST, MASKS
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.memory import PeakMemory, private_memory_mb
from WeakMedSAMLib.engine.base.versions import versions
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.studies.accuracy_report import machine
from WeakMedSAMLib.studies.counting import apart, built
from WeakMedSAMLib.studies.filter_backbone import NAME, FilterBackbone
from WeakMedSAMLib.studies.growth import fit_growth
from WeakMedSAMLib.studies.made_scans import Size, make_cohort

SCHEMA = "weakmedsam-scaling-1"
FIGURES = ("seconds", "encode", "learn", "masks", "peak_mb", "beyond_mb")

# Takes a run folder, a backbone and a device; returns what `measured_run` does.
Measure = Callable[[Path, str, str], dict[str, Any]]


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes
    ----------
    base : Size
        What is fixed while something else grows; itself one of the sizes of each.
    grown : dict
        Field of `Size` -> its values, increasing.
    overrides : dict
        Settings of the method in place of the preset's.
    """

    base: Size
    grown: Mapping[str, tuple[int, ...]]
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def sizes(self, name: str) -> list[Size]:
        """The cohorts that differ in one field alone."""
        return [replace(self.base, **{name: value}) for value in self.grown[name]]


# Small where nothing grows: even the smallest run trains a network for as many steps as it takes at least.
FULL = Plan(
    Size(slices=8, volumes=2, classes=1, edge=128),
    {
        "slices": (8, 16, 32, 64, 128),
        "volumes": (1, 2, 4, 8, 16),
        "classes": (1, 2, 4, 8, 16),
        "edge": (64, 128, 256, 512, 1024),
    },
)
QUICK = Plan(
    Size(slices=8, volumes=2, classes=1, edge=48),
    {"slices": (8, 16), "volumes": (2, 4), "classes": (1, 2), "edge": (48, 96)},
    {"classifier_steps": 30, "segmenter_steps": 3, "pam_slices": 3, "novelty_references": 100},
)


def measure_scaling(
    plan: Plan,
    backbone: str,
    device: str = "auto",
    tell: Callable[[str], None] = lambda _line: None,
    measure: Measure | None = None,
) -> dict[str, Any]:
    """Measure every run of a plan, each size once, and fit how the figures grow.

    Parameters
    ----------
    plan : Plan
        The runs.
    backbone : str
        A registered one, with random weights where its own are not on this computer; or ``"filters"``, see
        `FilterBackbone`.
    device : str
        Of the runs.
    tell : callable
        Gets a line after each run.
    measure : callable, optional
        Measures a run folder, in place of `measured_run` in a process of its own.

    Returns
    -------
    dict
        ``grown``: for each field of `Size`, ``runs`` with the figures and ``fits`` by figure; and what was measured on.

    Raises
    ------
    UserError
        What runs raise.
    """
    known: dict[Size, dict[str, Any]] = {}
    for size in dict.fromkeys(size for name in plan.grown for size in plan.sizes(name)):
        known[size] = found = _measured(size, plan, backbone, device, measure or _apart)
        tell(f"{_in_words(size)}: {found['seconds']:.1f} s, {found['peak_mb']:.0f} MB")
    first = known[plan.base]
    return {
        "schema": SCHEMA,
        "machine": machine(),
        "versions": versions(),
        "backbone": backbone,
        **{name: first[name] for name in ("weights", "device", "precision")},
        "preset": FAST,
        "overrides": dict(plan.overrides),
        "base": asdict(plan.base),
        "grown": {name: _grown(name, plan.sizes(name), known) for name in plan.grown},
    }


def _measured(size: Size, plan: Plan, backbone: str, device: str, measure: Measure) -> dict[str, Any]:
    """Make a cohort here, lest its making count, and measure its run."""
    with TemporaryDirectory(prefix="scaling-") as temporary:
        folder = Path(temporary)
        volumes, tags = make_cohort(size, folder)
        settings = RunSettings(preset=FAST, backbone=backbone, overrides=dict(plan.overrides))
        return measure(make_run(folder / "runs", volumes, tags, settings).path, backbone, device)


def _apart(folder: Path, backbone: str, device: str) -> dict[str, Any]:
    return apart(measured_run, folder, backbone, device)


def measured_run(folder: Path, backbone: str, device: str) -> dict[str, Any]:
    """Seconds and peak private memory of the run of a folder, with a new cache beside it; best in a fresh process.

    Returns
    -------
    dict
        ``seconds`` from the start to the last result, and of it ``encode``, ``learn`` and ``masks``; ``peak_mb``, and
        ``beyond_mb``, what that is above the private memory of the process with the backbone loaded.

    Raises
    ------
    UserError
        What `run_folder` raises.
    """
    loaded: dict[str, Any] = {}

    def build(name: str) -> Backbone:
        loaded["backbone"], loaded["weights"] = _built(name)
        loaded["mb"] = private_memory_mb()
        return cast(Backbone, loaded["backbone"])

    with PeakMemory(interval_s=0.02) as memory:
        done = run_folder(folder, device=device, cache_root=folder.parent / "features", build=build)
    return {
        "seconds": done.seconds,
        **_by_part(done.seconds_by_stage),
        "peak_mb": memory.peak_mb,
        "beyond_mb": memory.peak_mb - loaded["mb"],
        "weights": loaded["weights"],
        "device": str(loaded["backbone"].device),
        "precision": str(loaded["backbone"].dtype).removeprefix("torch."),
    }


def _built(name: str) -> tuple[Backbone, str]:
    """A backbone, and which weights it has."""
    if name == NAME:
        return cast(Backbone, FilterBackbone()), "none"
    backbone, trained = built(name)
    return backbone, "pre-trained" if trained else "random"


def _by_part(seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds of a run by part: all stages between the encoder's and that of the masks are learning."""
    encode, masks = seconds.get(EMBED, 0.0), seconds.get(MASKS, 0.0)
    return {"encode": encode, "learn": sum(seconds.values()) - encode - masks, "masks": masks}


def _grown(name: str, sizes: Sequence[Size], known: Mapping[Size, dict[str, Any]]) -> dict[str, Any]:
    values = [getattr(size, name) for size in sizes]
    fits = {}
    for figure in FIGURES:
        growth = fit_growth(values, [known[size][figure] for size in sizes])
        fits[figure] = None if growth is None else _rounded(asdict(growth))
    return {
        "runs": [
            {"n": value, **_rounded({figure: known[size][figure] for figure in FIGURES})}
            for value, size in zip(values, sizes, strict=True)
        ],
        "fits": fits,
    }


def _rounded(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: None if figure is None else round(figure, 4) for name, figure in figures.items()}


def _in_words(size: Size) -> str:
    return f"{size.volumes} x {size.slices} slices of {size.edge} x {size.edge}, {size.classes} class(es)"
