"""Runs behave: in one process on real AWS, in several processes on the simulator.

The feature files are distributed over the processes. Each process has its own simulator.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from traceability.evaluation.record_readers import Key
from traceability.model import run_notes
from traceability.model.feature_files import Scenario, for_target
from traceability.model.paths import Places
from traceability.running import project_behave, selection

MAX_PROCESSES = 4
STALLED_SECONDS = {"moto": 180.0, "rehearsal": 180.0, "aws": 5 * 3600.0}
"""A run without a result for so long has stalled. On AWS a scenario may take hours."""
_STACK_DUMP_SECONDS = 5.0


def shares(
    scenarios: Sequence[Scenario],
    target: str,
    processes: int,
    known_seconds: Mapping[Key, float] | None = None,
    named: Collection[str] | None = None,
) -> list[list[str]]:
    """Distribute the feature files so that all processes end at about the same time.

    `known_seconds` are durations from an earlier run; a scenario without one counts as average. `named` are the places
    of the scenarios to run, None for all; skipped scenarios take no time.
    """
    known = known_seconds or {}
    average = sum(known.values()) / len(known) if known else 1.0
    work = dict.fromkeys((one.file for one in scenarios), 0.0)
    for one in scenarios:
        if for_target(one, target) and selection.is_named(one, named):
            work[one.file] += known.get(one.key, average)
    busy = len({one.file for one in scenarios if selection.is_named(one, named)})
    parts: list[tuple[float, list[str]]] = [(0.0, []) for _ in range(max(1, min(processes, busy)))]
    for file, seconds in sorted(work.items(), key=lambda item: -item[1]):
        done, files = min(parts, key=lambda one: (one[0], len(one[1])))
        parts[parts.index((done, files))] = (done + seconds, [*files, file])
    return [sorted(files) for _, files in parts]


def run_behave(
    places: Places,
    scenarios: Sequence[Scenario],
    target: str,
    arguments: Sequence[str],
    progress: Callable[[int], None],
    known_seconds: Mapping[Key, float] | None = None,
    named: Collection[str] | None = None,
) -> int:
    """Run all features, or only the named scenarios; return the worst exit code. behave's output goes to the log."""
    count = 1 if target == "aws" else min(os.cpu_count() or 1, MAX_PROCESSES)
    logs = [places.notes / f"behave-{number}.log" for number, _ in enumerate(range(count), 1)]
    with ExitStack() as stack:
        running = [
            stack.enter_context(_Behave(places, target, [*arguments, *files], log, named))
            for files, log in zip(shares(scenarios, target, count, known_seconds, named), logs, strict=False)
        ]
        codes = _watch([one.process for one in running], places.allure_results, progress, STALLED_SECONDS[target])
    # The log of the worst exit code comes last, because its last line usually names the cause.
    order = sorted(range(len(codes)), key=lambda number: abs(codes[number]))
    places.log.write_text("".join(logs[number].read_text(encoding="utf-8", errors="replace") for number in order))
    for log in logs:
        log.unlink(missing_ok=True)
    return max(codes, key=abs)


class _Behave:
    """One behave process; leaving the context ends it in every case."""

    def __init__(
        self, places: Places, target: str, arguments: Sequence[str], log: Path, named: Collection[str] | None
    ) -> None:
        self._log = log.open("w", encoding="utf-8")
        self._cleans_up = target == "aws"
        command = [
            *(sys.executable, "-m", project_behave.__name__),
            *(
                "--format",
                "traceability.recording.allure_formatter:TraceabilityFormatter",
                "--outfile",
                str(places.allure_results),
            ),
            *("--junit", "--junit-directory", str(places.junit)),
            *("--show-skipped", "--no-color", "--define", f"target={target}"),
            *(() if named is None else ("--runner", f"{selection.__name__}:{selection.SelectionRunner.__name__}")),
            *arguments,
        ]
        # behave must find this package and the suite from any folder.
        own = (str(places.root), str(Path(__file__).parent.parent.parent), os.environ.get("PYTHONPATH"))
        # behave's own variables choose other steps (BEHAVE_STAGE) or another output.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BEHAVE_")} | {
            run_notes.RUN_DIRECTORY: str(places.notes),
            "PYTHONFAULTHANDLER": "1",
            # A message that no encoding can hold must not end the run while behave prints it.
            "PYTHONIOENCODING": "utf-8:backslashreplace",
            "PYTHONPATH": os.pathsep.join(filter(None, own)),
        }
        environment |= {} if named is None else selection.environment(named)
        # On AWS the cost estimate, and the reason of a refusal, go to the terminal at once.
        errors = None if target == "aws" else self._log
        self.process = subprocess.Popen(  # noqa: S603  # our own command, no shell
            command, cwd=places.root, env=environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=errors
        )

    def __enter__(self) -> _Behave:
        return self

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
