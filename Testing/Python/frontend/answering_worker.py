"""A resident worker for tests: answers as its first argument says, each box by a mask that fills it.

usage: answering_worker.py BEHAVIOUR LOG resident FOLDER ...

Every request that it gets is a line of LOG.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np

from WeakMedSAMLib.contract import resident as words
from WeakMedSAMLib.contract import resident_lines

BEHAVIOUR, LOG, FOLDER = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[4])
_ROWS_COLUMNS = {"k": (1, 0), "j": (2, 0), "i": (2, 1)}
shapes = {}
encoding = []


def tell(answer):
    print(resident_lines.encode_answer(answer), flush=True)


def note(line):
    with LOG.open("a", encoding="ascii") as stream:
        stream.write(line + "\n")


def is_first():
    """Whether no worker before this one said so."""
    mark = LOG.with_suffix(".once")
    first = not mark.exists()
    mark.touch()
    return first


def opened(request):
    header = (FOLDER / request.file).read_bytes()[:4096].split(b"\n\n")[0].decode("ascii")
    sizes = next(line for line in header.splitlines() if line.startswith("sizes:"))
    counts = [int(word) for word in sizes.split()[1:]]
    shapes[request.volume] = [counts[axis] for axis in _ROWS_COLUMNS[request.axis]]
    if BEHAVIOUR == "differs" and is_first():
        return words.Failed("volume_differs", "Other voxels.", id=request.id)
    return words.Opened(request.id, request.volume, counts["ijk".index(request.axis)], *shapes[request.volume])


def mask_of(request):
    mask = np.zeros(shapes[request.volume], bool)
    for rows, columns in request.boxes:
        mask[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1] = True
    for row, column, shows in request.points:
        mask[row, column] = shows
    return words.Mask(request.id, *mask.shape, words.to_runs(mask), 0.9, True, 0.1)


def predicted(request):
    if BEHAVIOUR == "crash" or (BEHAVIOUR == "crash_once" and is_first()):
        print("a library says its last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    if BEHAVIOUR == "slow":
        time.sleep(0.2)
    if BEHAVIOUR == "nonsense":
        print('{"answer":"mask","version":1,"id":"?"}', flush=True)
    if BEHAVIOUR == "unfilled":
        return words.Mask(request.id, 4, 4, [3], 0.9, True, 0.1)
    if BEHAVIOUR == "refuses":
        return words.Failed("no_prompts", "Nothing.", "Give.", id=request.id)
    return mask_of(request)


def updated(request):
    """Waits for its folder, says three lines of a run, and ends well unless it shall not."""
    lines = ['{"event":"hello"}', '{"event":"progress"}', '{"event":"done"}']
    for line in lines:
        tell(words.Told(request.id, line))
    if BEHAVIOUR == "slow":
        time.sleep(60)
    if BEHAVIOUR == "crash":
        os.kill(os.getpid(), signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    if BEHAVIOUR == "refuses":
        return words.Failed("no_update", "Nothing.", "Generate.", id=request.id)
    return words.Updated(request.id, 1.5)


def encoded(request):
    """Says how far it is, and is done, unless it shall go on until it is stopped."""
    total = 12
    tell(words.Encoding(request.id, 1, total))
    if BEHAVIOUR == "slow":
        encoding.append(request.id)
        return None
    if BEHAVIOUR == "crash" or (BEHAVIOUR == "crash_once" and is_first()):
        print("a library says its last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    if BEHAVIOUR == "full":
        return words.Failed(
            "cache_full", "Full.", "Clear.", {"folder": "/c", "needed_bytes": 9, "limit_gb": 20.0}, request.id
        )
    if BEHAVIOUR == "gone" and is_first():
        return words.Failed("volume_not_open", "Gone.", "Again.", id=request.id)
    tell(words.Encoding(request.id, total, total))
    # The first volume is an abdomen, another one a chest.
    windows = {"0": [-160.0, 240.0], "1": [-1000.0, 400.0]}
    return words.Encoded(request.id, windows[request.volume[2]] if BEHAVIOUR == "ct" else None)


def stopped(request):
    for id_ in encoding:
        tell(words.Failed("cancelled", "Stopped.", "Kept.", id=id_))
    encoding.clear()
    return words.Stopped(request.id)


def answer(request):
    if isinstance(request, words.Encode):
        return encoded(request)
    if isinstance(request, words.Stop):
        return stopped(request)
    if isinstance(request, words.Update):
        return updated(request)
    if isinstance(request, words.Open):
        return opened(request)
    if isinstance(request, words.Predict):
        return predicted(request)
    return words.Closed(request.id)


def main():
    note(" ".join(sys.argv[3:]))
    if BEHAVIOUR == "fault":
        tell(words.Failed("weights_missing", "No weights.", "Get.", {"name": "litemedsam", "file": "a.pth"}))
        sys.exit(2)
    print("a library says hello", flush=True)
    tell(words.Ready("fake", "cpu", ["box"]))
    for line in sys.stdin:
        note(line.strip())
        if BEHAVIOUR == "mute":
            continue
        request = resident_lines.parse_request(line)
        if BEHAVIOUR == "ending" and isinstance(request, words.Predict) and request.slice == 1:
            tell(words.Bye("idle"))
            time.sleep(60)
        said = answer(request)
        if said is not None:
            tell(said)
        if BEHAVIOUR == "tired" and isinstance(request, words.Predict):
            tell(words.Bye("idle"))
            return


main()
