"""`python -m mutation tenantry/language/graph --sample 300` prints the survivors and a score per package."""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mutation.judging import Judge, Verdict, judge
from mutation.mutants import sample_mutants

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROOT: Final = Path("tenantry/language")
_ALIVE: Final = (Verdict.SURVIVED, Verdict.UNCOVERED)


def main() -> int:
    """Runs what the command line names, from the folder of the repository."""
    arguments = _parse_arguments()
    files = [file for path in arguments.paths for file in ([path] if path.is_file() else path.rglob("*.py"))]
    total, mutants = sample_mutants(files, size=arguments.sample, seed=arguments.seed)
    print(f"{len(mutants)} of {total} mutants, seed {arguments.seed}", file=sys.stderr, flush=True)
    judged = judge(mutants, ".".join(_ROOT.parts), arguments.tests)
    _print_survivors(judged)
    _print_scores(judged)
    return 0 if judged.verdicts else 1


def interval(killed: int, judged: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion (E. B. Wilson, JASA 22, 1927)."""
    z = 1.96
    share, spread = killed / judged, z * z / judged
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / judged + spread / judged / 4)
    return middle - half, middle + half


def _print_survivors(judged: Judge) -> None:
    for mutant, verdict in judged.verdicts.items():
        if verdict in _ALIVE:
            print(f"{mutant.path}:{mutant.line} {mutant.function} {verdict.value}\n{mutant.change}\n")


def _print_scores(judged: Judge) -> None:
    packages = {mutant: _package(mutant.path) for mutant in judged.verdicts}
    for package in sorted(set(packages.values())):
        _print_score(
            package, (verdict for mutant, verdict in judged.verdicts.items() if packages[mutant] == package)
        )
    _print_score("all", judged.verdicts.values())


def _print_score(name: str, verdicts: Iterable[Verdict]) -> None:
    counted = Counter(verdicts)
    number = counted.total()
    if not number:
        return
    killed = number - sum(counted[verdict] for verdict in _ALIVE)
    low, high = interval(killed, number)
    rest = ", ".join(f"{counted[verdict]} {verdict.value}" for verdict in Verdict)
    print(f"{name:28} {killed / number:6.1%}  ({low:.1%} to {high:.1%})  {number} mutants: {rest}")


def _package(path: Path) -> str:
    parts = path.relative_to(_ROOT).parts[:-1] if path.is_relative_to(_ROOT) else path.parts[:-1]
    return "/".join(parts) or "language itself"


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, default=[_ROOT], help="folders or files to mutate")
    parser.add_argument("--sample", type=int, default=200, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1, help="another number, another sample")
    parser.add_argument("--tests", nargs="*", default=["tests/language"], help="folders or files of tests")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
