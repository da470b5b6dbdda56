"""Judging mutants with pytest: one run says which tests cover which lines, then each mutant gets a process.

The process is forked from this one, so tests are collected and modules imported once. A mutant's tests are
those that cover the changed statement, the quickest first, each with empty caches; a failure kills it.
"""

from __future__ import annotations

import ast
import enum
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import pytest
from coverage import Coverage

from mutation.planting import find_caches, plant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mutation.mutants import Mutant

SLOW_SECONDS: Final = 3.0
_MEMORY_BYTES: Final = 6 << 30
_KILLED: Final = 1


class Verdict(enum.Enum):
    """What became of a mutant. Only `SURVIVED` and `UNCOVERED` count against the tests."""

    KILLED = "killed"
    TIMEOUT = "timeout"
    SURVIVED = "survived"
    UNCOVERED = "uncovered"


class Judge:
    """A plugin of pytest that runs the tests once with coverage, then judges every mutant."""

    def __init__(self, mutants: Sequence[Mutant], package: str, tell: Callable[[str], None]) -> None:
        self.verdicts: dict[Mutant, Verdict] = {}
        self.left_out: list[str] = []
        self._mutants = mutants
        self._package = package
        self._tell = tell
        self._failed: set[str] = set()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notes failures and durations."""
        if report.failed:
            self._failed.add(report.nodeid)
        self._seconds[report.nodeid] += report.duration

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Stands in for pytest's own loop."""
        session.config.pluginmanager.unregister(name="terminalreporter")
        self._caches = find_caches(self._package)
        files = {str(mutant.path.resolve()) for mutant in self._mutants}
        coverage = Coverage(data_file=None, config_file=False, include=sorted(files), messages=False)
        coverage.start()
        for item in session.items:
            coverage.switch_context(item.nodeid)
            self._run(item)
        coverage.stop()
        self.left_out = sorted(
            name for name in self._seconds if name in self._failed or self._seconds[name] > SLOW_SECONDS
        )
        usable = [item for item in session.items if item.nodeid not in self.left_out]
        usable.sort(key=lambda item: self._seconds[item.nodeid])
        self._tell(f"{len(usable)} tests; left out as slow or failing by themselves: {self.left_out}")
        self._check(usable)
        data = coverage.get_data()
        contexts = {path: data.contexts_by_lineno(path) for path in files}
        for number, mutant in enumerate(self._mutants, 1):
            covering = {
                test
                for line in _statement(mutant)
                for test in contexts[str(mutant.path.resolve())].get(line, ())
            }
            self.verdicts[mutant] = self._judge(mutant, [item for item in usable if item.nodeid in covering])
            self._tell(
                f"{number} of {len(self._mutants)}: {mutant.path}:{mutant.line} {self.verdicts[mutant].value}"
            )
        return True

    def _run(self, item: pytest.Item) -> None:
        for clear in self._caches:
            clear()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)

    def _judge(self, mutant: Mutant, items: Sequence[pytest.Item]) -> Verdict:
        if not items:
            return Verdict.UNCOVERED
        limit = 5 + 10 * sum(self._seconds[item.nodeid] for item in items)
        child = os.fork()
        if not child:
            os._exit(self._exit_code(items, limit, mutant))
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return Verdict.TIMEOUT if os.WTERMSIG(status) == signal.SIGPROF else Verdict.KILLED
        return Verdict.KILLED if os.WEXITSTATUS(status) else Verdict.SURVIVED

    def _check(self, items: Sequence[pytest.Item]) -> None:
        """Without a mutant every test must pass in the way mutants are judged, or verdicts mean nothing."""
        child = os.fork()
        if not child:
            os._exit(self._exit_code(items, limit=3600))
        if os.waitpid(child, 0)[1]:
            raise RuntimeError("these tests fail without any mutant, each by itself, the quickest first")

    def _exit_code(self, items: Sequence[pytest.Item], limit: float, mutant: Mutant | None = None) -> int:
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        signal.setitimer(signal.ITIMER_PROF, limit)  # seconds of processor time; the signal ends the process
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        self._failed.clear()
        try:
            if mutant:
                plant(mutant, ".".join(mutant.path.with_suffix("").parts).removesuffix(".__init__"))
            for item in items:
                self._run(item)
                if self._failed:
                    break
        except BaseException as error:  # noqa: BLE001 - changed code may raise anything
            self._tell(f"broke down: {error!r}")
            return _KILLED
        if self._failed and not mutant:
            self._tell(f"failed: {self._failed}")
        return _KILLED if self._failed else 0


def judge(mutants: Sequence[Mutant], package: str, tests: Sequence[str]) -> Judge:
    """Runs pytest over the tests with the mutants planted one after the other.

    Args:
        mutants: The mutants, their paths relative to the folder of the repository, which is the current one.
        package: The dotted name of what is mutated.
        tests: Folders or files of tests.
    """
    start = time.monotonic()

    progress = os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1)  # a child silences its own

    def tell(what: str) -> None:
        print(f"{time.monotonic() - start:6.0f} s  {what}", file=progress, flush=True)

    plugin = Judge(mutants, package, tell)
    options = [
        "--capture=no",
        "--hypothesis-profile=mutation",
        "-p",
        "no:cov",
        "-p",
        "no:xdist",
        "-p",
        "no:faulthandler",
    ]
    pytest.main([*options, *tests], plugins=[plugin])
    return plugin


def _statement(mutant: Mutant) -> range:
    """The lines of the innermost statement that holds the change."""
    statements = [
        node
        for node in ast.walk(ast.parse(mutant.path.read_text(encoding="utf-8")))
        if isinstance(node, ast.stmt) and node.lineno <= mutant.line <= (node.end_lineno or 0)
    ]
    inner = min(statements, key=lambda node: (node.end_lineno or 0) - node.lineno)
    return range(inner.lineno, (inner.end_lineno or 0) + 1)
