"""A worker for tests: prints event lines of the contract, and behaves as its first argument says.

usage: misbehaving_worker.py BEHAVIOUR FOLDER
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from WeakMedSAMLib.contract import events

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a73000000114944415478"
    "9c63f8afa000440c60f23f0022f204fd1724dc0b0000000049454e44ae426082"
)


def tell(event):
    print(events.encode(event), flush=True)


def hello():
    tell(events.Hello(versions={"torch": "0"}, device="cpu"))


def stages(folder, *names, steps=4, pause=0.02):
    for name in names:
        tell(events.Stage(stage=name, state="started"))
        for step in range(steps):
            time.sleep(pause)
            tell(events.Progress(stage=name, done=step + 1, total=steps, eta_s=(steps - step - 1) * pause))
        tell(events.Stage(stage=name, state="finished", seconds=steps * pause))


def good(folder):
    print("a library says hello before anything else")
    hello()
    sys.stdout.flush()
    out = sys.stdout.buffer
    out.write(b"not utf-8: \xff\xfe\x80\n")
    out.write(b"{" + b"x" * 3_000_000 + b"\n")
    out.write(b'{"event":"from the future","field":1}\n')
    out.write(b'{"event":"progress","stage":7}\n\n')
    out.write(b"half a line without its end ")
    out.flush()
    tell(events.Warning_(code="one_volume", message="Only one volume.", hint="Tag more."))
    print("50 %\r 60 %\r 70 %", file=sys.stderr)
    stages(folder, "embed", "classifier", "segmenter-1", "masks")
    tell(events.Stage(stage="projection", state="reused"))
    result = folder / "results" / "000"
    result.mkdir(parents=True, exist_ok=True)
    (result / "preview.png").write_bytes(PNG)
    tell(events.Artifact(kind="preview", path="results/000/preview.png", volume="000"))
    tell(events.Artifact(kind="preview", path="../../etc/passwd", volume="000"))
    tell(events.Artifact(kind="result", path="results/000", volume="000"))
    tell(events.Done(status="ok", seconds=1.0))


def mute(folder):
    hello()
    print("Traceback: something of a library", file=sys.stderr, flush=True)
    sys.exit(5)


def killed(folder):
    hello()
    os.kill(os.getpid(), signal.SIGKILL)


def error(folder):
    hello()
    tell(events.Error(code="gpu_out_of_memory", message="The memory does not suffice.", hint="Use the CPU."))
    tell(events.Done(status="failed"))
    sys.exit(2)


def polite(folder):
    hello()
    tell(events.Stage(stage="embed", state="started"))
    while not (folder / "cancel").exists():
        time.sleep(0.02)
    tell(events.Done(status="cancelled"))
    sys.exit(3)


def hang(folder):
    """Hang with a child that hangs too; both leave their ids."""
    child = subprocess.Popen([sys.executable, __file__, "sleeper", str(folder)])
    (folder / "pids.txt").write_text(f"{os.getpid()} {child.pid}", encoding="ascii")
    hello()
    print("ready", flush=True)
    sleeper(folder)


def launcher(folder):
    """As Slicer's Python: a program that only starts the real one and hands on its output."""
    sys.exit(subprocess.run([sys.executable, __file__, "hang", str(folder)], check=False).returncode)


def vanish(folder):
    """A launcher that ends before the worker behind it, as soon as a file says so."""
    subprocess.Popen([sys.executable, __file__, "hang", str(folder)])
    while not (folder / "go").exists():
        time.sleep(0.02)
    os._exit(7)


def sleeper(folder):
    time.sleep(120)


def flood(folder):
    hello()
    for number in range(60_000):
        print(f"line {number} of a very talkative library")
    tell(events.Done(status="ok"))


def pictures(folder):
    """A picture after each stage, then no end."""
    hello()
    (folder / "previews").mkdir()
    for stage in ("classifier", "segmenter-1"):
        tell(events.Stage(stage=stage, state="started"))
        (folder / "previews" / f"{stage}.png").write_bytes(PNG)
        tell(events.Artifact(kind="preview", path=f"previews/{stage}.png", volume="000", stage=stage))
        while not (folder / f"after-{stage}").exists() and not (folder / "cancel").exists():
            time.sleep(0.02)
    tell(events.Done(status="cancelled"))
    sys.exit(3)


def slow(folder):
    hello()
    stages(folder, "embed", "classifier", "pseudo-masks", "segmenter-1", "masks", steps=12, pause=0.05)
    tell(events.Done(status="ok"))


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]))
