"""Write the names of all files of the module into its CMake lists; run it after a file was added, moved or removed."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("WeakMedSAM", "WeakMedSAMLib")
# Research is of no use inside 3D Slicer; the wheel has it.
LEFT_OUT = ("studies/",)


def main() -> None:
    """Rewrite both lists."""
    for folder in FOLDERS:
        path = ROOT / folder / "CMakeLists.txt"
        before = path.read_text(encoding="utf-8")
        after = listed(before, folder, files_of(ROOT / folder))
        if after != before:
            path.write_text(after, encoding="utf-8", newline="\n")
            print(f"{path.relative_to(ROOT)} is written anew")


def files_of(folder: Path) -> list[str]:
    """Return the names of all files below a folder that the extension installs, sorted."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    names = (path.relative_to(folder).as_posix() for path in paths if path.suffix != ".pyc")
    return sorted(name for name in names if Path(name).name != "CMakeLists.txt" and not name.startswith(LEFT_OUT))


def listed(text: str, folder: str, names: list[str]) -> str:
    """Return the text of a CMakeLists.txt with these names in its lists of scripts and of resources."""
    for kind, is_kind in (("SCRIPTS", True), ("RESOURCES", False)):
        chosen = [name for name in names if name.endswith(".py") == is_kind]
        # Slicer's module wizard writes the name of the module's own file so.
        lines = "".join(f"  {name.replace(f'{folder}.py', '${MODULE_NAME}.py')}\n" for name in chosen)
        text = re.sub(rf"(set\(\w+_PYTHON_{kind}\n).*?(  \)\n)", rf"\g<1>{lines}\g<2>", text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    main()
