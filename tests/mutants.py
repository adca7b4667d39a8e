"""The one-line changes of `docs/promises.md`, each of which must make a named test fail: `python -m tests.mutants`.

Each is made in a copy of the repository, never in this one. Those that only PostgreSQL shows are tried where
`DATABASE_URL` names one. Arguments choose mutants by number; without any all are tried.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "promises.md"
_MUTANT = re.compile(
    r"^\*\*(?P<name>[MR]\d+)\*\* `(?P<file>[^`]+)`\n\n```diff\n(?P<diff>.*?)```\n\n"
    r"Fails: `(?P<test>[^`]+)`(?P<where> on PostgreSQL| on SQLite)?",
    re.M | re.S,
)
TEST_FAILED = 1  # what pytest exits with when a test failed; anything else is a mistake of ours


class Mutant(NamedTuple):
    """A change that breaks a promise, and the test that must notice. `where` is empty, `postgresql` or `sqlite`."""

    name: str
    file: str
    before: str
    after: str
    test: str
    where: str

    def applies_once(self, root: Path = ROOT) -> bool:
        return (root / self.file).read_text().count(self.before) == 1

    def apply(self, root: Path) -> None:
        path = root / self.file
        path.write_text(path.read_text().replace(self.before, self.after))


def mutants() -> list[Mutant]:
    """Every mutant of the document, in its order."""
    return [
        Mutant(
            found["name"],
            found["file"],
            _side(found["diff"], "-"),
            _side(found["diff"], "+"),
            found["test"],
            (found["where"] or "").removeprefix(" on ").lower(),
        )
        for found in _MUTANT.finditer(DOCUMENT.read_text())
    ]


def _side(diff: str, sign: str) -> str:
    return "".join(line[1:] + "\n" for line in diff.splitlines() if line[:1] in (sign, " "))


def run(root: Path, tests: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:randomly", "--no-header", "--tb=line", *tests]
    return subprocess.run(command, cwd=root, capture_output=True, check=False).returncode


def main(wanted: list[str]) -> int:
    here = "postgresql" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "sqlite"
    chosen = [one for one in mutants() if (not wanted or one.name in wanted) and one.where in ("", here)]
    survived = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        kept = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
            "\n"
        )
        for name in filter(None, kept):
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        for one in chosen:
            text = (copy / one.file).read_text()
            one.apply(copy)
            outcome = run(copy, [one.test])
            (copy / one.file).write_text(text)
            print(
                f"{one.name} {'killed' if outcome == TEST_FAILED else 'SURVIVED'} ({one.file}) by {one.test}",
                flush=True,
            )
            if outcome != TEST_FAILED:
                survived.append(one.name)
    print(f"{len(chosen) - len(survived)} of {len(chosen)} mutants killed on {here}.")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
