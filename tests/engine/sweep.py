"""Plans every kind of fault at every step of every scenario: ``python -m tools sweep``.

Prints one line for each trial that shows a problem, and a table in the end. The exit code is 1 when
invariant N was broken, or a stack differs from one that never met a fault.

``--walk N`` takes N steps of the random walk in place of that (``random_walk.py``).
"""

import argparse
import multiprocessing
import sys
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from simulator.commands import report_unraisable
from simulator.tenant.faults import Fault, Kind
from tests.engine.faults import SCENARIOS, CleanRun, Trial, attempt, learn, prepare
from tests.engine.random_walk import walk

PROCESSES = 2


def main(arguments: Sequence[str]) -> int:
    """Runs the sweep.

    Args:
        arguments: ``--scenario NAME`` and ``--kind KIND``, any number of times, for those only; or
            ``--walk N``, with ``--seed S`` for another walk.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m tools sweep", description=__doc__)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--scenario", action="append", choices=names, help="one scenario only")
    parser.add_argument("--kind", action="append", choices=[kind.value for kind in Kind])
    parser.add_argument("--walk", type=int, metavar="N", help="N steps of the random walk instead")
    parser.add_argument("--seed", type=int, default=1, help="which walk (default: 1)")
    options = parser.parse_args(arguments)
    # Without a terminal rich assumes 80 columns, in which the table cannot be read.
    console = Console(width=None if sys.stdout.isatty() else 132)
    if options.walk is not None:
        return _walk(console, options.seed, options.walk)
    trials: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as directory:
        clean = list(_learned(Path(directory), options.scenario or names))
        planned = [
            (run, Fault(step, kind))
            for run in clean
            for step in run.steps
            for kind in step.kinds
            if kind in (options.kind or Kind)
        ]
        # Forked workers would inherit the threads of gRPC half alive.
        workers = ProcessPoolExecutor(
            PROCESSES, multiprocessing.get_context("spawn"), initializer=_say_only_what_matters
        )
        with workers, Progress(*_columns("faults"), console=console) as progress:
            bar = progress.add_task("faults", total=len(planned))
            started = {
                workers.submit(attempt, run, fault, Path(directory) / f"trial-{number}"): (
                    run,
                    fault,
                )
                for number, (run, fault) in enumerate(planned)
            }
            for future in as_completed(started):
                run, fault = started[future]
                trial = future.result()
                trials[run.scenario.name, fault.kind].append(trial)
                for problem in trial.problems:
                    progress.print(f"{run.scenario.name}, {fault.kind} at {fault.step}: {problem}")
                if trial.stuck:
                    progress.print(f"{run.scenario.name}, {fault.kind} at {fault.step}: by recover")
                progress.advance(bar)
    console.print(_table(trials))
    return int(any(trial.problems for group in trials.values() for trial in group))


def _say_only_what_matters() -> None:
    # A killed engine leaves the SDK with half a program and half a stream of events, and both
    # complain: here that is every other trial.
    sys.unraisablehook = report_unraisable
    warnings.filterwarnings("ignore", message="Error in event stream")


def _walk(console: Console, seed: int, count: int) -> int:
    wrong = 0
    with (
        tempfile.TemporaryDirectory() as directory,
        Progress(*_columns("walk"), console=console) as progress,
    ):
        bar = progress.add_task("walk", total=count)
        for arrival in walk(Path(directory), seed, count):
            progress.print(str(arrival), "->", "; ".join(arrival.problems) or "as fresh")
            wrong += bool(arrival.problems)
            progress.advance(bar)
    console.print(f"{count} configurations, seed {seed}; {wrong} unlike a fresh deployment")
    return int(wrong > 0)


def _columns(title: str) -> tuple[ProgressColumn, ...]:
    return (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


def _learned(directory: Path, names: Sequence[str]) -> Iterator[CleanRun]:
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in names]
    starts = {
        deployed: prepare(directory / f"start-{number}", deployed=deployed)
        for number, deployed in enumerate({scenario.deployed for scenario in scenarios})
    }
    for scenario in scenarios:
        yield learn(scenario, starts[scenario.deployed], directory / "clean")


def _table(trials: dict[tuple[str, str], list[Trial]]) -> Table:
    table = Table(title="A fault at every step")
    for heading in ("scenario", "kind"):
        table.add_column(heading)
    for heading in (
        "runs",
        "absorbed",
        "by a second run",
        "by recover",
        "violations",
        "differences",
    ):
        table.add_column(heading, justify="right")
    for (scenario, kind), group in sorted(trials.items()):
        broken = [p for trial in group for p in trial.problems if p.startswith("violation")]
        absorbed = sum(trial.absorbed for trial in group)
        stuck = sum(bool(trial.stuck) for trial in group)
        counts = [len(group), absorbed, len(group) - absorbed - stuck, stuck, len(broken)]
        counts.append(sum(len(trial.problems) for trial in group) - len(broken))
        table.add_row(scenario, kind, *map(str, counts))
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
