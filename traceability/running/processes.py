"""Runs behave: in one process on real AWS, in several processes on the simulator.

The scenarios are shared out over the processes. Each process has its own simulator.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from traceability.evaluation.record_readers import Key
from traceability.model import run_notes, tree
from traceability.model.feature_files import Scenario, for_target
from traceability.model.paths import Places
from traceability.model.problems import UserProblem
from traceability.running import project_behave, selection, sharing

MAX_PROCESSES, SCENARIOS_A_PROCESS = 4, 6
"""A process takes longer to start than a few scenarios take to run."""
STALLED_SECONDS = {"moto": 180.0, "rehearsal": 180.0, "aws": 5 * 3600.0}
"""A run without a result for so long has stalled. On AWS a scenario may take hours."""
_STACK_DUMP_SECONDS = 5.0


class ForeignInput(UserProblem):
    """The run would read a file that no list of its inputs has; the message names it."""


def run_behave(
    places: Places,
    scenarios: Sequence[Scenario],
    target: str,
    arguments: Sequence[str],
    progress: Callable[[int], None],
    known_seconds: Mapping[Key, float] | None = None,
    named: Collection[str] | None = None,
    processes: int | None = None,
) -> int:
    """Run the scenarios, or only the named ones; return the worst exit code. behave's output goes to the log.

    `processes` is by default the number of cores, at most MAX_PROCESSES, each with at least SCENARIOS_A_PROCESS. On AWS
    it is always one. Raises ForeignInput.
    """
    runs = sum(1 for one in scenarios if for_target(one, target) and selection.is_named(one, named))
    most = min(os.cpu_count() or 1, MAX_PROCESSES, max(1, runs // SCENARIOS_A_PROCESS))
    count = 1 if target == "aws" else processes or most
    parts = sharing.shares(scenarios, target, count, known_seconds, named)
    if links := tree.links(places.root):
        raise ForeignInput(
            f"{links[0]} is a symbolic link: a run reads plain files only, so that a commit can name them"
        )
    if modules := tree.foreign_modules(places.root):
        raise ForeignInput(
            f"{modules[0]} could replace a library of the run, and is no input of it: move it out of the project's root"
        )
    tree.forget_bytecode(places.root)
    before = tree.digests(places.root)
    with ExitStack() as stack:
        running = [
            stack.enter_context(_Behave(places, target, arguments, part, number, named))
            for number, part in enumerate(parts, 1)
        ]
        codes = _watch([one.process for one in running], places.allure_results, progress, STALLED_SECONDS[target])
    run_notes.record_changed_inputs(places.notes, tree.changed_since(places.root, before))
    for one in running:
        one.collect_junit(places.junit)
    # The log of the worst exit code comes last, because its last line usually names the cause.
    logs = [running[number].log for number in sorted(range(len(codes)), key=lambda number: abs(codes[number]))]
    places.log.write_text("".join(log.read_text(encoding="utf-8", errors="replace") for log in logs))
    for log in logs:
        log.unlink()
    return max(codes, key=abs)


class _Behave:
    """One behave process; leaving the context ends it in every case."""

    def __init__(
        self,
        places: Places,
        target: str,
        arguments: Sequence[str],
        share: Sequence[Scenario],
        number: int,
        named: Collection[str] | None,
    ) -> None:
        self.log = places.notes / f"behave-{number}.log"
        self._log = self.log.open("w", encoding="utf-8")
        # The scenarios of one feature may be in several processes, and behave names its JUnit files by the feature.
        self._number, self._junit = number, places.notes / f"junit-{number}"
        self._cleans_up = target == "aws"
        command = [
            *(sys.executable, "-m", project_behave.__name__),
            *(
                "--format",
                "traceability.recording.allure_formatter:TraceabilityFormatter",
                "--outfile",
                str(places.allure_results),
            ),
            *("--junit", "--junit-directory", str(self._junit)),
            *("--show-skipped", "--no-color", "--define", f"target={target}"),
            *("--runner", f"{selection.__name__}:{selection.SelectionRunner.__name__}"),
            *arguments,
            *dict.fromkeys(one.file for one in share),
        ]
        # behave must find this package and the suite from any folder.
        own = dict.fromkeys((str(places.root), str(Path(__file__).parent.parent.parent)))
        # behave's variables choose other steps (BEHAVE_STAGE), Python's lead to modules that are no input of the run.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BEHAVE_", "PYTHON"))}
        environment = kept | {
            run_notes.RUN_DIRECTORY: str(places.notes),
            "PYTHONFAULTHANDLER": "1",
            # A message that no encoding can hold must not end the run while behave prints it.
            "PYTHONIOENCODING": "utf-8:backslashreplace",
            "PYTHONPATH": os.pathsep.join(own),
        }
        environment |= selection.environment((one.place for one in share), named)
        # On AWS the cost estimate, and the reason of a refusal, go to the terminal at once.
        errors = None if target == "aws" else self._log
        self.process = subprocess.Popen(  # noqa: S603  # our own command, no shell
            command, cwd=places.root, env=environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=errors
        )

    def __enter__(self) -> _Behave:
        return self

    def collect_junit(self, folder: Path) -> None:
        """Move the JUnit files of this process into the folder of the run."""
        for path in sorted(self._junit.glob("*.xml")):
            name = path.name if self._number == 1 else f"{path.stem}.{self._number}{path.suffix}"
            path.rename(folder / name)
        shutil.rmtree(self._junit, ignore_errors=True)

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            if self._cleans_up:
                # behave received Ctrl-C too and is removing billed resources from AWS; a second Ctrl-C stops that.
                print("Waiting until all resources of the run are removed from AWS ...", file=sys.stderr)  # noqa: T201
                with suppress(KeyboardInterrupt):
                    self.process.wait()
            self.process.kill()
            self.process.wait()
        self._log.close()


def _watch(
    processes: Sequence[subprocess.Popen[bytes]], written: Path, progress: Callable[[int], None], timeout: float
) -> list[int]:
    """Return the exit codes. End all processes after `timeout` seconds without a result; the records show the loss."""
    done, last = -1, time.monotonic()
    while any(one.poll() is None for one in processes):
        now_done = sum(1 for _ in written.glob("*-result.json"))
        if now_done != done:
            done, last = now_done, time.monotonic()
        progress(done)
        if time.monotonic() - last > timeout:
            _end_stalled(processes)
        time.sleep(0.1)
    return [one.wait() for one in processes]


def _end_stalled(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Let each running process write the stacks of its threads into its log, then end it."""
    for one in processes:
        if one.poll() is None:
            # PYTHONFAULTHANDLER writes the stacks on this signal.
            one.send_signal(signal.SIGABRT)
    for one in processes:
        try:
            one.wait(timeout=_STACK_DUMP_SECONDS)
        except subprocess.TimeoutExpired:
            one.kill()
