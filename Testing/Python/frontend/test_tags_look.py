"""How tagging looks: notes above masks, a section that fits a narrow dock, signs and colours that are told apart."""

from __future__ import annotations

import numpy as np
import pytest
import qt
import vtk

from WeakMedSAMLib.frontend.base.panel_parts import contrast, elided, inkOn, markPressed, rgb, setEnabled, setTip
from WeakMedSAMLib.frontend.base.signs import signIcon
from WeakMedSAMLib.frontend.labels.slice_tags import slice_notes
from WeakMedSAMLib.frontend.labels.slice_tags.strip_geometry import MOST_ROWS
from WeakMedSAMLib.frontend.labels.slice_tags.tags_panel import TagsPanel
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.scene import slice_annotations

WIDTH, HEIGHT = 420 - 20, 400  # pixels of a section in a dock of 420, and its share of 700 with room for other kinds
NAMES = [f"A_class_with_a_name_of_forty_letters_{number:04}" for number in range(4)]
VOLUME = "BRATS_Case_0123456789_t1ce_skullstripped"
MASK = (255, 0, 0)


@pytest.fixture
def panel(scene, host, make_volume):
    logic = WeakMedSAMLogic()
    made = TagsPanel(logic.labels, logic.views)
    made.logic = logic
    made.area = qt.QScrollArea()
    made.area.setWidgetResizable(True)
    made.area.setWidget(made.widget)
    made.area.resize(WIDTH, HEIGHT)
    made.area.show()
    made.setScene(scene)
    made.enter()
    logic.state.currentVolume = make_volume(VOLUME, (40, 24, 32), show=True)
    host.waitUntil(logic.currentKey)
    host.settle()
    yield made
    made.cleanup()
    logic.cleanup()
    made.area.hide()
    made.area.deleteLater()
    host.settle()


def name_classes(panel, names):
    session = panel.logic.session
    session.renameClass(session.classes.names[0], names[0])
    for name in names[1:]:
        session.addClass(name)


def all_masked(node, make_segmentation, host):
    """A mask over a whole volume, as dense as can be."""
    shape = host.slicer.util.arrayFromVolume(node).shape
    segmentation = make_segmentation(node, {"Mask": np.ones(shape, bool)})
    segment = segmentation.GetSegmentation().GetNthSegment(0)
    segment.SetColor(*(part / 255 for part in MASK))
    segmentation.GetDisplayNode().SetOpacity2DFill(1.0)
    segmentation.GetDisplayNode().SetAllSegmentsOpacity2DFill(1.0)
    return segmentation


def letters(picture):
    """Where a picture has the colour of notes."""
    red, green, blue = (picture[..., number].astype(int) for number in range(3))
    return (red > 200) & (green > 200) & (blue < 190)


def test_masks_of_later_runs_do_not_cover_the_notes(panel, host, make_segmentation):
    red = host.app.layoutManager().sliceWidget("Red")
    red.resize(320, 340)
    panel._navigator.jump(7)
    # So near that the mask reaches into every corner.
    red.mrmlSliceNode().SetFieldOfView(10, 10, 1)
    before = letters(host.sliceImage())
    assert before.sum() > 100
    all_masked(panel.logic.state.currentVolume, make_segmentation, host)
    host.settle(0.1)
    picture = host.sliceImage()
    assert all(tuple(picture[row, column].tolist()) == MASK for row in (-2, 170) for column in (2, 160, -2))
    assert (letters(picture) & before).sum() > 0.9 * before.sum()
    # In a corner, and no higher than three lines.
    rows, columns = np.nonzero(letters(picture))
    assert rows.max() < picture.shape[0] / 5
    assert columns.min() < picture.shape[1] / 20


def test_a_note_keeps_out_of_corners_in_which_slicer_writes(panel, host):
    view = host.app.layoutManager().sliceWidget("Red").sliceView()
    notes, corner = slice_annotations.SliceAnnotations(), view.cornerAnnotation()
    places = []
    for number, text in enumerate(((), (2,), (2, 3))):
        corner.ClearAllTexts()
        for taken in text:
            corner.SetText(taken, "Patient")
        notes.show("Red", f"note {number}")
        places.append(tuple(part > 0.5 for part in notes._actors["Red"][0].GetPosition()))
    corner.ClearAllTexts()
    notes.clear()
    assert places == [(False, True), (True, True), (True, False)]


def test_notes_are_readable_on_white():
    behind = tuple(round(255 * (1 - slice_annotations._SHADE)) for _part in range(3))
    assert contrast(tuple(round(255 * part) for part in slice_notes._COLOR), behind) >= 4.5


def test_a_note_follows_the_volumes_of_the_run(panel, make_volume):
    other = make_volume("other", (9, 24, 32))
    panel.logic.views.showVolume(other, "Yellow")
    said = []
    for isIn in (False, True, False):
        panel.logic.state.setInCohort(other, isIn)
        said.append("not part of the run" in panel._notes.annotations._actors["Yellow"][0].GetInput())
    assert said == [True, False, True]


def test_notes_leave_no_renderer_behind_and_take_no_mouse(panel, host):
    window = host.app.layoutManager().sliceWidget("Red").sliceView().renderWindow()
    layers = window.GetNumberOfLayers()
    panel.exit()
    before = window.GetRenderers().GetNumberOfItems()
    for _time in range(3):
        panel.enter()
        last = window.GetRenderers().GetItemAsObject(before)
        assert window.GetRenderers().GetNumberOfItems() == before + 1
        assert not last.GetInteractive()
        panel.exit()
    assert window.GetRenderers().GetNumberOfItems() == before
    assert window.GetNumberOfLayers() == layers


def test_actors_of_one_renderer_are_drawn_in_the_order_in_which_they_came():
    """Why notes have a renderer of their own: a number of a layer does not lift an actor above later ones."""
    window, renderer = vtk.vtkRenderWindow(), vtk.vtkRenderer()
    window.SetOffScreenRendering(1)
    window.SetSize(8, 8)
    window.AddRenderer(renderer)
    for layer, color in ((5, (1, 0, 0)), (0, (0, 1, 0))):
        plane, mapper, actor = vtk.vtkPlaneSource(), vtk.vtkPolyDataMapper2D(), vtk.vtkActor2D()
        plane.SetPoint1(8, 0, 0)
        plane.SetPoint2(0, 8, 0)
        plane.SetOrigin(0, 0, 0)
        mapper.SetInputConnection(plane.GetOutputPort())
        actor.SetMapper(mapper)
        actor.SetLayerNumber(layer)
        actor.GetProperty().SetColor(*color)
        renderer.AddViewProp(actor)
    window.Render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.Update()
    assert [grab.GetOutput().GetScalarComponentAsDouble(4, 4, 0, part) for part in range(3)] == [0, 255, 0]


def test_long_names_need_no_more_room(panel, host):
    name_classes(panel, NAMES)
    panel.actions.tagRange(NAMES[0], 3, 8)
    host.settle()
    assert panel.widget.minimumSizeHint.width() <= WIDTH
    assert panel.widget.layout().totalHeightForWidth(WIDTH) <= HEIGHT
    assert panel.area.horizontalScrollBar().maximum == 0
    for name in ("startButton", "endButton", "restCheckBox", "presentButton", "absentButton", "moreButton"):
        button = getattr(panel.ui, name)
        assert button.width >= button.sizeHint.width(), name
    panel.logic.views.showVolume(host.slicer.util.getNode(VOLUME), "Yellow")
    host.slicer.util.setSliceViewerLayers(background=None)
    host.settle()
    assert panel.ui.problemLabel.visible
    assert panel.widget.layout().totalHeightForWidth(WIDTH) <= HEIGHT


def test_many_classes_are_scrolled_to(panel, host, user):
    name_classes(panel, [f"Class {number}" for number in range(9)])
    strip, names = panel.strip, panel.logic.session.classes.names
    assert list(strip.stripGeometry().seen) == list(range(MOST_ROWS))
    assert strip.height == strip.stripGeometry().height
    panel.actions.chooseClass(names[8])
    assert list(strip.stripGeometry().seen) == [3, 4, 5, 6, 7, 8]
    user.scroll(strip, 2)
    geometry = strip.stripGeometry()
    assert geometry.seen[0] == 1
    user.click(strip, 4, geometry.rowTop(2) + 3)
    assert panel.actions.currentClass == names[2]
    for name in names[5:]:
        panel.logic.session.removeClass(name)
    assert list(strip.stripGeometry().seen) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("count", [MOST_ROWS, MOST_ROWS + 1])
def test_a_scroll_where_all_rows_are_seen_is_left_to_the_panel(panel, count):
    name_classes(panel, [f"Class {number}" for number in range(count)])
    place, none = qt.QPointF(5, 5), qt.QPoint()
    event = qt.QWheelEvent(
        place, place, none, qt.QPoint(0, -120), qt.Qt.NoButton, qt.Qt.NoModifier, qt.Qt.NoScrollPhase, False
    )
    qt.QCoreApplication.sendEvent(panel.strip, event)
    assert event.isAccepted() == (count > MOST_ROWS)


def test_what_was_done_is_said_once(panel, host):
    said = []
    host.slicer.util.showStatusMessage, before = (
        lambda text, _time=0: said.append(text),
        (host.slicer.util.showStatusMessage),
    )
    try:
        panel._navigator.jump(5)
        panel.actions.present()
        assert panel.ui.messageLabel.text == "Slice 5: 'Lesion' present."
        assert said == []
        panel.area.hide()
        panel.actions.absent()
        assert said == ["Slice 5: 'Lesion' absent."]
    finally:
        host.slicer.util.showStatusMessage = before


@pytest.mark.parametrize("highlight", [(48, 140, 198), (103, 141, 178), (119, 119, 119), (255, 255, 255), (0, 0, 90)])
def test_a_button_that_is_down_is_readable_and_looks_different(host, highlight):
    frame = qt.QWidget()
    button = qt.QPushButton("Present (P)", frame)
    button.checkable = True
    palette = qt.QPalette(frame.palette)
    palette.setColor(qt.QPalette.Highlight, qt.QColor(*highlight))
    markPressed(palette, button, signs=("plus",))
    button.resize(button.sizeHint)
    up = host.grab(button).astype(int)
    width = button.sizeHint.width()
    button.checked = True
    down = host.grab(button).astype(int)
    assert contrast(inkOn(highlight), highlight) >= 4.5
    assert abs(down - highlight).max(axis=2).min() <= 2
    assert (abs(down - up).max(axis=2) > 8).mean() > 0.5 or highlight == (255, 255, 255)
    # Told by more than colours: a frame and another sign.
    assert (abs(down[1, 6:-6] - inkOn(highlight)).max(axis=1) <= 8).all()
    assert button.sizeHint.width() == width
    frame.deleteLater()


def test_signs_differ():
    black = (0, 0, 0)
    pictures = [
        signIcon(16, sign, black).pixmap(16, 16).toImage() for sign in ("check", "plus", "minus", "start", "end")
    ]
    inked = [
        frozenset((x, y) for x in range(16) for y in range(16) if image.pixelColor(x, y).alpha() > 99)
        for image in pictures
    ]
    assert all(inked)
    assert len(set(inked)) == len(inked)


def test_the_style_of_buttons_follows_the_theme(panel, host):
    dark = qt.QPalette(panel.widget.palette)
    dark.setColor(qt.QPalette.Highlight, qt.QColor(10, 20, 30))
    panel.widget.setPalette(dark)
    host.settle()
    assert "rgb(10, 20, 30)" in panel.ui.presentButton.styleSheet
    assert rgb(panel.strip.palette.color(qt.QPalette.Highlight)) == (10, 20, 30)


def test_a_tip_is_set_once_though_slicer_rewrites_it(host):
    from host import tool_tips

    button = qt.QPushButton()
    with tool_tips.wrapped() as wrapper:
        for _time in range(3):
            setTip(button, "Go there")
            setEnabled(button, "", "Go there")
        assert (button.toolTip, wrapper.rewritten) == ("<p>Go there</p>", 1)
        setEnabled(button, "There is nothing.", "Go there")
        assert (button.toolTip, wrapper.rewritten) == ("<p>There is nothing.</p>", 2)
        setTip(button, "")
        assert button.toolTip == ""


def test_names_are_shortened_in_their_middle():
    assert elided("short", 5) == "short"
    assert elided("BRATS_Case_0042_t1ce", 11) == "BRATS…_t1ce"
    assert all(len(elided(VOLUME, most)) == most for most in (9, 10, 28))
