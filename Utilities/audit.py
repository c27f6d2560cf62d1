"""List the licence of every installed Python package, and their known vulnerabilities if a database can be asked.

Exit code 1: a package is under the GPL or AGPL without another choice, or names no licence, and is not listed with a
reason in licence_exceptions.json; or a known vulnerability was found.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

EXCEPTIONS = Path(__file__).with_name("licence_exceptions.json")
PROJECT = "weakmedsam"
# Licences that would bind whoever hands the program on. The LGPL (Qt) does not bind what only uses the library.
_COPYLEFT = re.compile(r"(?<!lesser )(?<!library )\b(?:A?GPL|(?:Affero )?General Public License)", re.IGNORECASE)
# The run-time library of GCC may be linked to anything.
_HARMLESS = re.compile(r"GPL-3\.0(?:-or-later|-only|\+)? WITH GCC-exception-3\.1", re.IGNORECASE)
_LONGEST_NAME = 80


@dataclass(frozen=True)
class Package:
    """An installed package: name, version, licence in its own words, and whether the engine needs it to run."""

    name: str
    version: str
    licence: str
    at_run_time: bool


def main() -> int:
    """Print the lists; return the exit code."""
    found = installed()
    for package in found:
        use = "run" if package.at_run_time else "development"
        print(f"{package.name:<28} {package.version:<16} {use:<12} {package.licence or 'NO LICENCE NAMED'}")
    exceptions = json.loads(EXCEPTIONS.read_text(encoding="utf-8"))
    wrong = problems(found, exceptions)
    print(f"\n{len(found)} packages, {sum(package.at_run_time for package in found)} of them needed to run")
    for name in sorted(set(exceptions) & {package.name for package in found}):
        print(f"excepted: {name}: {exceptions[name]['licence']}. {exceptions[name]['reason']}")
    for line in wrong:
        print(f"PROBLEM: {line}")
    return 1 if vulnerabilities() or wrong else 0


def installed() -> list[Package]:
    """Return the packages of this environment, by name."""
    by_name = {canonical(each.name): each for each in importlib.metadata.distributions()}
    needed = _needed_to_run(by_name)
    packages = [
        Package(name, each.version, licence_of(each.metadata), name in needed) for name, each in by_name.items()
    ]
    return sorted(packages, key=lambda package: package.name)


def licence_of(metadata: importlib.metadata.PackageMetadata) -> str:
    """Return a licence expression, or else the classifiers, or else the first line of what is said of the licence."""
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    classified = [line.split(" :: ")[-1] for line in metadata.get_all("Classifier") or () if line.startswith("License")]
    said = (metadata.get("License") or "").strip().splitlines()
    # Some put the whole text there; its first line is no name then.
    short = [said[0]] if len(said) == 1 and len(said[0]) <= _LONGEST_NAME else []
    return "; ".join(classified) or "; ".join(short)


def problems(packages: Iterable[Package], exceptions: dict[str, dict[str, str]]) -> list[str]:
    """Say which packages are under a licence that binds, or under none that they name, and are not excepted."""
    found = []
    for package in packages:
        excepted = exceptions.get(package.name)
        if excepted and excepted.get("reason"):
            continue
        if not package.licence:
            found.append(f"{package.name} {package.version} names no licence")
        elif is_copyleft(package.licence):
            found.append(f"{package.name} {package.version} is under {package.licence}")
    return found


def is_copyleft(licence: str) -> bool:
    """Say whether every choice that a licence leaves binds who hands the program on."""
    choices = re.split(r"\bOR\b", _HARMLESS.sub("", licence))
    return all(_COPYLEFT.search(re.sub(r"LGPL", "", choice, flags=re.IGNORECASE)) for choice in choices)


def canonical(name: str) -> str:
    """Return a name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _needed_to_run(by_name: dict[str, importlib.metadata.Distribution]) -> set[str]:
    """Return what the project requires without extras, and what that requires, as far as it is installed."""
    needed: set[str] = set()
    waiting = [PROJECT]
    while waiting:
        name = waiting.pop()
        if name in needed or name not in by_name:
            continue
        needed.add(name)
        for line in by_name[name].requires or ():
            if "extra ==" not in line:
                waiting.append(canonical(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]))
    return needed


def vulnerabilities() -> bool:
    """Ask pip-audit, if it is installed; print what it found or why nothing could be asked; say if there are any."""
    if importlib.util.find_spec("pip_audit") is None:
        print("Known vulnerabilities were not looked for: pip-audit is not installed (pip install pip-audit).")
        return False
    command = [sys.executable, "-m", "pip_audit", "--local", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    words, found = vulnerability_words(done.stdout, done.stderr)
    print(words)
    return found


def vulnerability_words(answer: str, log: str = "") -> tuple[str, bool]:
    """Put pip-audit's answer into words, and say whether there are vulnerabilities.

    A package that its database does not answer for is skipped by it, and it ends well even if that happens to all.
    """
    try:
        asked = json.loads(answer)["dependencies"]
    except (json.JSONDecodeError, KeyError, TypeError):
        reason = (log.strip().splitlines() or ["no answer"])[-1]
        return f"Known vulnerabilities were not looked for: the database cannot be asked ({reason}).", False
    answered = [package for package in asked if "vulns" in package]
    skipped = len(asked) - len(answered)
    if not answered:
        return (
            f"Known vulnerabilities were not looked for: the database answered for none of {skipped} packages.",
            False,
        )
    lines = [
        f"VULNERABLE: {package['name']} {package['version']}: {each['id']}, put right in "
        f"{', '.join(each['fix_versions']) or 'no version yet'}"
        for package in answered
        for each in package["vulns"]
    ]
    head = f"Known vulnerabilities: {len(lines)} in {len(answered)} packages; no answer for {skipped}."
    return "\n".join([head, *lines]), bool(lines)


if __name__ == "__main__":
    sys.exit(main())
