"""One picture of a result: slices with outlines, tags and confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass
from WeakMedSAMLib.contract.files import replacing
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, TAG_NAMES
from WeakMedSAMLib.engine.data.geometry import in_plane_spacing, slice_stack
from WeakMedSAMLib.engine.data.orientation import View, view_of
from WeakMedSAMLib.engine.data.volumes import Scan
from WeakMedSAMLib.engine.features.preprocess import Intensity, to_unit
from WeakMedSAMLib.engine.pictures.preview import preview_png

__all__ = ["Findings", "chosen_slices", "overview_picture", "preview_png"]

_BACKGROUND, _INK, _FAINT, _WRONG = "#101214", "#e8eaed", "#9aa0a6", "#ff6b5e"
_DPI = 110
_PANEL_INCHES = 2.9
_HEADER_INCHES, _CAPTION_INCHES, _GAP_INCHES = 0.62, 0.30, 0.10
_LEGEND_INCHES, _LETTER_INCHES = 0.34, 0.085
_GLYPHS = {PRESENT: "●", ABSENT: "○"}
_BODY_LEVEL = 0.08
_LEAST_CONFIDENCE = 0.5  # of a slice: with less, its masks disagree on more than half of what they draw


@dataclass(frozen=True, eq=False)
class Findings:
    """What the overview shows of one volume.

    Parameters
    ----------
    volume : Scan
        The scan.
    layers : numpy.ndarray
        Label values, layers x k x j x i; labels that share voxels are on different ones.
    classes : ClassTable
        Names, colours and values of the labels.
    axis : {"i", "j", "k"}
        Slice axis.
    intensity : Intensity
        Grey scale.
    tags : numpy.ndarray
        int8, slices x classes: PRESENT, ABSENT, UNTAGGED. None where there are none.
    confidence : sequence of float
        One value a slice, 0..1; NaN or None where there is none.
    """

    volume: Scan
    layers: np.ndarray
    classes: ClassTable
    axis: str
    intensity: Intensity
    tags: np.ndarray | None = None
    confidence: Sequence[float | None] | None = None

    @property
    def stacks(self) -> np.ndarray:
        """The labels, layers x slices x rows x columns."""
        return slice_stack(self.layers, self.axis)


def overview_picture(
    path: Path, findings: Findings, title: str = "", max_slices: int = 12, slices: Sequence[int] | None = None
) -> None:
    """Write a PNG of up to `max_slices` slices with outlines of the classes, tags and confidence, and a legend.

    Slices are shown in radiological orientation as far as quarter turns and mirroring go, with their true proportions,
    cropped to the body. Letters on the edges name the sides of the patient. A slice is framed where nothing was drawn
    of a class that is tagged present, or nothing to rely on.

    Parameters
    ----------
    path : Path
        File ending in .png.
    findings : Findings
        What to show.
    title : str
        Heading; the volume's name by default.
    max_slices : int
        How many to choose, when `slices` does not say which.
    slices : sequence of int
        The slices to show, instead of a choice.

    Raises
    ------
    UserError
        ``cannot_write``.
    """
    shown = list(slices) if slices is not None else chosen_slices(findings, max_slices)
    view = view_of(findings.volume.geometry, findings.axis)
    images = [view.shown(p) for p in _units(findings, shown)]
    masks = [np.stack([view.shown(stack[s]) for stack in findings.stacks]) for s in shown]
    box = _body_box(images, masks)
    pixel_mm = view.pixel_mm(*in_plane_spacing(findings.volume.geometry, findings.axis))
    names = _legend_names(findings)
    layout = _Layout.of(len(shown), box, pixel_mm, names)
    figure = Figure(figsize=layout.inches, dpi=_DPI, facecolor=_BACKGROUND)
    for n, (s, image, mask) in enumerate(zip(shown, images, masks, strict=True)):
        axes = figure.add_axes(layout.panel(n))
        _draw_slice(axes, image[box], mask[:, box[0], box[1]], findings.classes, pixel_mm)
        _draw_edges(axes, view)
        _caption(axes, s, findings)
        _frame(axes, _complaint(findings, s))
    _heading(figure, layout, findings, view, title)
    _legend(figure, layout, findings.classes, names)
    with replacing(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))


def chosen_slices(findings: Findings, count: int) -> list[int]:
    """Choose slices evenly over those labelled or tagged present, and one beyond each end.

    The first and last slice with a label or a present tag are always among them, when more than two are chosen.
    """
    matters = np.any(findings.stacks, axis=(0, 2, 3))
    if findings.tags is not None:
        matters |= (findings.tags == PRESENT).any(axis=1)
    where = np.flatnonzero(matters)
    first, last = (int(where[0]), int(where[-1])) if where.size else (0, len(matters) - 1)
    margin = max(1, round(0.12 * (last - first + 1)))
    low, high = max(0, first - margin), min(len(matters) - 1, last + margin)
    inner = count - (low < first) - (high > last)
    if count < 3 or high - low + 1 <= count:
        return sorted({int(s) for s in np.linspace(low, high, min(count, high - low + 1)).round()})
    return sorted({low, high, *(int(s) for s in np.linspace(first, last, inner).round())})


@dataclass(frozen=True)
class _Layout:
    """Places of panels in a figure, all in inches; `panel` gives them as fractions of the figure."""

    columns: int
    rows: int
    panel_height: float
    legend_columns: int
    legend_rows: int

    @classmethod
    def of(cls, count: int, box: tuple[slice, slice], pixel_mm: tuple[float, float], names: Sequence[str]) -> _Layout:
        height_mm, width_mm = ((s.stop - s.start) * mm for s, mm in zip(box, pixel_mm, strict=True))
        columns = min(count, 4 if height_mm < 2 * width_mm else 6)
        panel_height = float(np.clip(_PANEL_INCHES * height_mm / width_mm, 0.8, 4.5))
        longest = 0.7 + _LETTER_INCHES * max((len(name) for name in names), default=0)
        legend_columns = max(1, int(columns * (_PANEL_INCHES + _GAP_INCHES) / longest))
        return cls(
            columns, -(-count // columns), panel_height, legend_columns, max(1, -(-len(names) // legend_columns))
        )

    @property
    def inches(self) -> tuple[float, float]:
        width = self.columns * (_PANEL_INCHES + _GAP_INCHES) + _GAP_INCHES
        panels = self.rows * (self.panel_height + _CAPTION_INCHES)
        return width, _HEADER_INCHES + panels + self.legend_rows * _LEGEND_INCHES

    def panel(self, n: int) -> tuple[float, float, float, float]:
        row, column = divmod(n, self.columns)
        width, height = self.inches
        left = _GAP_INCHES + column * (_PANEL_INCHES + _GAP_INCHES)
        top = _HEADER_INCHES + row * (self.panel_height + _CAPTION_INCHES) + _CAPTION_INCHES
        return left / width, 1 - (top + self.panel_height) / height, _PANEL_INCHES / width, self.panel_height / height


def _units(findings: Findings, shown: Sequence[int]) -> list[np.ndarray]:
    stack = slice_stack(findings.volume.array, findings.axis)
    return [to_unit(stack[s], findings.intensity) for s in shown]


def _body_box(images: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> tuple[slice, slice]:
    """Rows and columns, the same for all slices, outside of which there is only darkness."""
    visible = np.any([(i > _BODY_LEVEL) | (m > 0).any(0) for i, m in zip(images, masks, strict=True)], axis=0)
    box = []
    for along in (1, 0):
        where = np.flatnonzero(visible.any(axis=along))
        n = visible.shape[1 - along]
        margin = max(1, n // 64)
        box.append(slice(max(0, where[0] - margin), min(n, where[-1] + 1 + margin)) if where.size else slice(0, n))
    return box[0], box[1]


def _draw_slice(
    axes: Axes, image: np.ndarray, mask: np.ndarray, classes: ClassTable, pixel_mm: tuple[float, float]
) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="bicubic", aspect=pixel_mm[0] / pixel_mm[1])
    axes.set_axis_off()
    regions = [(np.pad((mask == entry.label_value).any(0), 1), entry) for entry in classes]
    # The smaller one on top: neighbours share their border, and the larger still shows elsewhere.
    for region, entry in sorted(regions, key=lambda r: -np.count_nonzero(r[0])):
        if region.any():
            _outline(axes, region, entry)
    axes.set_xlim(-0.5, image.shape[1] - 0.5)
    axes.set_ylim(image.shape[0] - 0.5, -0.5)


def _outline(axes: Axes, region: np.ndarray, entry: SegmentClass) -> None:
    """Outline half-way between voxels inside and outside; a dark rim keeps it visible on bright tissue."""
    rows, columns = (np.arange(n) - 1 for n in region.shape)
    lines = axes.contour(columns, rows, region, levels=[0.5], colors=[_colour(entry)], linewidths=1.5)
    lines.set_path_effects([patheffects.withStroke(linewidth=2.6, foreground="black", alpha=0.7)])


def _colour(entry: SegmentClass) -> tuple[float, float, float]:
    red, green, blue = entry.color
    return red / 255, green / 255, blue / 255


def _draw_edges(axes: Axes, view: View) -> None:
    places = [(0.015, 0.5, "left", "center"), (0.985, 0.5, "right", "center")]
    places += [(0.5, 0.985, "center", "top"), (0.5, 0.015, "center", "bottom")]
    for letter, (x, y, horizontal, vertical) in zip(view.edges, places, strict=True):
        text = axes.text(x, y, letter, ha=horizontal, va=vertical, transform=axes.transAxes, fontsize=8, color=_INK)
        text.set_path_effects([patheffects.withStroke(linewidth=2, foreground="black")])


def _caption(axes: Axes, index: int, findings: Findings) -> None:
    """Above a slice: its number, a glyph a class for the tags (a word too, for one class), and the confidence."""
    place = 0.0
    for text, colour in [(f"slice {index}", _INK), *_tag_texts(findings, index)]:
        place = _write(axes, place, text, colour)
    value = None if findings.confidence is None else findings.confidence[index]
    if value is not None and np.isfinite(value):
        axes.text(1, 1.025, f"confidence {value:.2f}", ha="right", transform=axes.transAxes, fontsize=8.5, color=_FAINT)


def _complaint(findings: Findings, index: int) -> str:
    """What is wrong on a slice whose tag says that it shows a class: nothing was drawn, or nothing to rely on."""
    if findings.tags is None:
        return ""
    drawn = findings.stacks[:, index]
    shown = [entry for entry, tag in zip(findings.classes, findings.tags[index], strict=True) if tag == PRESENT]
    missing = [entry for entry in shown if not (drawn == entry.label_value).any()]
    if missing:
        several = f"nothing drawn of {len(missing)} classes"
        return "nothing drawn, though tagged present" if len(missing) == 1 else several
    value = None if findings.confidence is None else findings.confidence[index]
    return "probably wrong" if shown and value is not None and value < _LEAST_CONFIDENCE else ""


def _frame(axes: Axes, complaint: str) -> None:
    """Frame a slice on which something is wrong, and say what."""
    if not complaint:
        return
    place = Rectangle((0, 0), 1, 1, transform=axes.transAxes, fill=False, edgecolor=_WRONG, linewidth=3, clip_on=False)
    axes.add_patch(place)
    text = axes.text(0.5, 0.12, complaint, ha="center", transform=axes.transAxes, fontsize=8.5, color=_WRONG)
    text.set_path_effects([patheffects.withStroke(linewidth=2.5, foreground="black")])


def _write(axes: Axes, place: float, text: str, colour: object) -> float:
    """Write text above a panel from `place` (fraction of its width) and return where it ends."""
    written = axes.text(place, 1.025, text, transform=axes.transAxes, fontsize=8.5, color=colour, parse_math=False)
    canvas = FigureCanvasAgg(cast(Figure, axes.figure))
    extent = written.get_window_extent(canvas.get_renderer())
    return axes.transAxes.inverted().transform((extent.x1, extent.y0))[0] + 0.03


def _tag_texts(findings: Findings, index: int) -> list[tuple[str, object]]:
    if findings.tags is None:
        return []
    tags = [int(t) for t in findings.tags[index]]
    if len(tags) == 1:
        glyph = _GLYPHS.get(tags[0], "")
        return [(f"{glyph} {TAG_NAMES[tags[0]]}".strip(), _colour(findings.classes[0]) if glyph else _FAINT)]
    return [(_GLYPHS[tag], _colour(entry)) for tag, entry in zip(tags, findings.classes, strict=True) if tag in _GLYPHS]


def _heading(figure: Figure, layout: _Layout, findings: Findings, view: View, title: str) -> None:
    """Title, view and grey scale at the left; meaning of the glyphs, and that nobody has reviewed it, at the right."""
    width, height = layout.inches
    left, right = _GAP_INCHES / width, 1 - _GAP_INCHES / width
    upper, lower = 1 - 0.24 / height, 1 - 0.48 / height
    _figure_text(figure, left, upper, title or findings.volume.name, fontsize=13, weight="bold")
    count = findings.stacks.shape[1]
    scale = findings.intensity
    details = f"{count} {view.name} slices, grey scale {scale.low:g} to {scale.high:g}"
    _figure_text(figure, left, lower, details, fontsize=8.5, color=_FAINT)
    _figure_text(figure, right, upper, "not reviewed, research use", fontsize=8.5, color=_FAINT, ha="right")
    if findings.tags is not None:
        _figure_text(figure, right, lower, "tagged  ● present  ○ absent", fontsize=8.5, color=_FAINT, ha="right")


def _figure_text(figure: Figure, x: float, y: float, text: str, **style: Any) -> Text:
    return figure.text(x, y, text, va="center", parse_math=False, **{"color": _INK, **style})


def _legend(figure: Figure, layout: _Layout, classes: ClassTable, names: Sequence[str]) -> None:
    lines = [Line2D([], [], color=_colour(entry), linewidth=2.5) for entry in classes]
    width, height = layout.inches
    legend = figure.legend(
        lines,
        names,
        loc="center left",
        bbox_to_anchor=(_GAP_INCHES / width, 0.5 * layout.legend_rows * _LEGEND_INCHES / height),
        borderaxespad=0,
        ncols=layout.legend_columns,
        frameon=False,
        fontsize=9,
        labelcolor=_INK,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _legend_names(findings: Findings) -> list[str]:
    """Class names with the volume of their label."""
    ml = findings.volume.geometry.voxel_ml
    return [
        f"{entry.name}  {_millilitres(np.count_nonzero(findings.layers == entry.label_value) * ml)}"
        for entry in findings.classes
    ]


def _millilitres(volume: float) -> str:
    return f"{volume:,.0f} ml" if volume >= 10 else f"{volume:.1f} ml"
