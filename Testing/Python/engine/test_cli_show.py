"""What a person sees of a run on a terminal and in a pipe."""

from __future__ import annotations

import io

import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Progress, Stage, Warning_
from WeakMedSAMLib.engine.cli.show import TerminalListener, notes_by_kind, spoken


def test_a_pipe_gets_a_line_a_quarter_with_the_time_left_and_no_control_characters():
    stream = io.StringIO()
    listener = TerminalListener(stream)
    listener(Stage(stage="embed", number=1, total=4))
    for done in range(1, 101):
        listener(Progress(stage="embed", done=done, total=100, eta_s=float(100 - done)))
    listener(Stage(stage="embed", state="finished", seconds=80.2))
    lines = stream.getvalue().splitlines()
    assert lines == [
        "1/4 embed ...",
        "embed 25/100, 1 min 15 s left",
        "embed 50/100, 50 s left",
        "embed 75/100, 25 s left",
        "embed done  1 min 20 s",
    ]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_bar_with_the_time_left():
    stream = Terminal()
    listener = TerminalListener(stream)
    listener(Stage(stage="embed"))
    for done in (0, 25, 100):
        listener(Progress(stage="embed", done=done, total=100, eta_s=float(100 - done)))
    listener(Stage(stage="embed", state="finished", seconds=3.0))
    shown = stream.getvalue()
    assert "25/100" in shown
    assert "1 min 15 s left" in shown
    assert shown.endswith("embed done  3 s\n")


def test_warnings_go_to_stderr_with_their_way_out(capsys):
    TerminalListener()(Warning_(code="few_volumes", message="Only 2 volumes.", hint="Tag more."))
    out, err = capsys.readouterr()
    assert out == ""
    assert "Only 2 volumes. Tag more." in err


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_seconds_are_spoken(seconds, words):
    assert spoken(seconds) == words


def noticed(name, code="dicom_inverted"):
    values = {"file": name, "slices": 3}
    return Warning_(code=code, message=f"{name}: it is inverted.", hint="Nothing is to be done.", values=values)


@pytest.mark.parametrize(("files", "lines"), [(1, 1), (3, 3), (4, 1), (30, 1)])
def test_a_note_that_many_files_have_takes_one_line(capsys, files, lines):
    with notes_by_kind() as show:
        for number in range(files):
            show(noticed(f"scan {number}"))
            show(noticed(f"scan {number}"))
        show(noticed("scan 0", "another"))
    told = capsys.readouterr().err.splitlines()
    assert len(told) == lines + 1
    assert "scan 0: it is inverted." in told[0]
    assert ("'scan 3'" in told[0]) is (files > 3)
    assert (f"{files - 1} more are like it" in told[0]) is (files > 3)


@pytest.mark.parametrize("values", [{}, {"count": 1}, {"said": "12 bytes"}, {"spacing_mm": [1.0, 2.0]}])
def test_files_that_have_the_same_note_are_named(capsys, values):
    with notes_by_kind() as show:
        for number in range(5):
            own = {name: "7 bytes" if isinstance(it, str) and number else it for name, it in values.items()}
            message = f"scan {number}.nii.gz: {number * 1000} voxels are padding."
            show(Warning_(code="some", message=message, values={"file": f"scan {number}.nii.gz", **own}))
    (line,) = capsys.readouterr().err.splitlines()
    assert "'scan 4.nii.gz'" in line


def test_notes_of_one_kind_that_say_different_things_are_all_said(capsys):
    with notes_by_kind() as show:
        for number, word in enumerate(["red", "blue", "green", "grey", "white"]):
            values = {"file": f"scan {number}", "said": word}
            show(Warning_(code="reader_warned", message=f"scan {number}: it says: {word}", values=values))
    assert len(capsys.readouterr().err.splitlines()) == 5


def test_notes_are_said_though_a_later_file_cannot_be_read(capsys):
    def read():
        with notes_by_kind() as show:
            show(noticed("scan"))
            raise UserError("volume_truncated", "scan 2 is not complete.")

    with pytest.raises(UserError):
        read()
    assert "scan: it is inverted." in capsys.readouterr().err
