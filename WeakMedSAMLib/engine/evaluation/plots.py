"""Plots of an evaluation as PNG: box plots of scores, agreement of volumes, worst and best cases."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from WeakMedSAMLib.engine.evaluation.gallery import CasePicture
from WeakMedSAMLib.engine.evaluation.rows import Row, volume_agreement

# Okabe and Ito's colours, which people who are colour-blind can tell apart.
_PREDICTED, _TRUE, _INK = "#E69F00", "#56B4E9", "#333333"
_FIGURES = (
    ("patient_dice", "Dice, per patient"),
    ("patient_jaccard", "Jaccard, per patient"),
    ("assd_mm", "ASSD in mm, per patient"),
    ("hd95_mm", "HD95 in mm, per patient"),
)
_DPI = 110


def draw_boxes(rows: Sequence[Row]) -> bytes:
    """Box plots of the four figures per patient, a box a class: median, quartiles, whiskers of 1.5 quartile ranges.

    Every score is a dot beside its box; a case without a score (nothing there and nothing drawn) has none.
    """
    names = class_names(rows)
    figure = _figure(2 + 1.2 * 4 * max(1.5, 0.6 * len(names)), 3.6)
    for axes, (attribute, title) in zip(figure.subplots(1, len(_FIGURES)), _FIGURES, strict=True):
        values = [_finite([getattr(row.score, attribute) for row in rows if row.class_name == name]) for name in names]
        # Box plots read the settings one by one, "backend" too, which would look for windows if it were left open.
        with rc_context({"backend": "agg"}):
            axes.boxplot(values, showfliers=False, widths=0.5, medianprops={"color": _INK})
        for place, own in enumerate(values, 1):
            axes.plot(_beside(place, len(own)), own, ".", color=_TRUE, markersize=4, alpha=0.8)
        axes.set_xticks(range(1, len(names) + 1), names, rotation=30 if len(names) > 1 else 0, parse_math=False)
        axes.set_title(title, fontsize=9)
        if attribute.startswith("patient_"):
            axes.set_ylim(-0.02, 1.02)
        else:
            axes.set_ylim(bottom=0)
    return _png(figure)


def draw_volumes(rows: Sequence[Row]) -> bytes:
    """Bland-Altman plots of predicted and true volume, one a class, with mean difference and limits of agreement."""
    names = class_names(rows)
    figure = _figure(4.2 * len(names), 3.8)
    for axes, name in zip(np.ravel(figure.subplots(1, len(names), squeeze=False)), names, strict=True):
        own = [row for row in rows if row.class_name == name]
        predicted = np.array([row.score.volume_ml for row in own])
        true = np.array([row.score.true_volume_ml for row in own])
        axes.plot((predicted + true) / 2, predicted - true, ".", color=_TRUE)
        agreement = volume_agreement(own)
        limits = agreement["volume_limits_ml"] or []
        for value, style in [(agreement["volume_bias_ml"], "-"), *((limit, "--") for limit in limits)]:
            axes.axhline(value, color=_INK, linestyle=style, linewidth=1)
            axes.annotate(f"{value:.1f}", (1.01, value), xycoords=("axes fraction", "data"), fontsize=8, color=_INK)
        axes.set_title(f"{name} (n = {len(own)})", fontsize=9, parse_math=False)
        axes.set_xlabel("mean of predicted and true volume, ml", fontsize=8)
        axes.set_ylabel("predicted less true volume, ml", fontsize=8)
    return _png(figure)


def draw_cases(pictures: Mapping[str, Sequence[CasePicture]]) -> bytes:
    """Slices of cases, a row a class, with the outlines of the predicted and of the true mask."""
    columns = max(map(len, pictures.values()), default=1)
    figure = _figure(3 * columns, 3.3 * max(1, len(pictures)) + 0.4)
    grid = figure.subplots(max(1, len(pictures)), columns, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    for line, own in zip(grid, pictures.values(), strict=False):
        for axes, picture in zip(line, own, strict=False):
            _draw_case(axes, picture)
    lines = [Line2D([], [], color=colour, linewidth=2) for colour in (_PREDICTED, _TRUE)]
    figure.legend(lines, ["predicted", "true"], loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return _png(figure)


def class_names(rows: Sequence[Row]) -> list[str]:
    """Names of the classes in the order in which they come."""
    return list(dict.fromkeys(row.class_name for row in rows))


def _draw_case(axes: Axes, picture: CasePicture) -> None:
    axes.imshow(picture.image, cmap="gray", vmin=0, vmax=255, aspect=picture.aspect, interpolation="nearest")
    for mask, colour in ((picture.truth, _TRUE), (picture.prediction, _PREDICTED)):
        if mask.any():
            axes.contour(mask.astype(float), levels=[0.5], colors=[colour], linewidths=1)
    title = f"{picture.case}, slice {picture.index}\n{picture.class_name}: Dice {picture.dice:.3f}"
    axes.set_title(title, fontsize=7, parse_math=False)


def _beside(place: int, count: int) -> np.ndarray:
    """Places of the dots of one box: spread evenly, so that the same scores give the same picture."""
    return place + 0.18 * np.sin(np.arange(count) * 2.4)


def _finite(values: Sequence[float]) -> np.ndarray:
    found = np.asarray(values, float)
    return found[np.isfinite(found)]


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(min(width, 24), min(height, 24)), dpi=_DPI)
    figure.set_layout_engine("constrained", h_pad=0.08)
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    # Without the version of the program in the file, the same scores give the same bytes.
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()
