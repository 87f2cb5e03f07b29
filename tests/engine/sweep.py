"""Plans every kind of fault at every step of every scenario: ``python -m tools sweep``.

Prints one line for each trial that shows a problem, and a table in the end. The exit code is 1 when
invariant N was broken, or a stack differs from one that never met a fault.

``--walk N`` takes N steps of the random walk in place of that (``random_walk.py``).

``--verbs`` tries the engine's other verbs at each state of a change in place of that
(``verbs.py``), each without a fault and with ``--faults N`` that are drawn by ``--seed``: all of
them would be tens of thousands of deployments. Its exit code is 1 when invariant N was broken, an
object was lost or a grant is in no state. ``--cases N`` stops after N of them, in an order of which
any beginning is a fair sample; ``--verb NAME`` and ``--state NAME`` take those only.
"""

import argparse
import multiprocessing
import sys
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Sequence
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

from components import service_principal
from simulator.commands import report_unraisable
from simulator.tenant.faults import Fault, Kind
from tests.engine.faults import SCENARIOS, Trial, attempt
from tests.engine.random_walk import walk
from tests.engine.verbs import (
    ALL_STATES,
    VERBS,
    VerbTrial,
    attempt_with_faults,
    cases,
    learn_states,
)

PROCESSES = 2


def main(arguments: Sequence[str]) -> int:
    """Runs the sweep.

    Args:
        arguments: ``--scenario NAME`` and ``--kind KIND``, any number of times, for those only;
            ``--walk N``, with ``--seed S`` for another walk; or ``--verbs``.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m tools sweep", description=__doc__)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--scenario", action="append", choices=names, help="one scenario only")
    parser.add_argument("--kind", action="append", choices=[kind.value for kind in Kind])
    parser.add_argument("--walk", type=int, metavar="N", help="N steps of the random walk instead")
    parser.add_argument("--seed", type=int, default=1, help="which walk, or faults (default: 1)")
    parser.add_argument("--verbs", action="store_true", help="the engine's other verbs instead")
    parser.add_argument("--cases", type=int, metavar="N", help="of the verbs, N cases only")
    parser.add_argument("--faults", type=int, default=1, metavar="N", help="faults for each case")
    parser.add_argument("--verb", action="append", choices=[verb.name for verb in VERBS])
    parser.add_argument("--state", action="append", choices=[s.name for s in ALL_STATES])
    options = parser.parse_args(arguments)
    # Without a terminal rich assumes 80 columns, in which the table cannot be read.
    console = Console(width=None if sys.stdout.isatty() else 132)
    if options.walk is not None:
        return _walk(console, options.seed, options.walk)
    if options.verbs:
        return _verbs(console, options)
    trials: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as directory:
        chosen = [each for each in SCENARIOS if each.name in (options.scenario or names)]
        clean = list(learn_states(Path(directory), chosen).values())
        planned = [
            (run, Fault(step, kind))
            for run in clean
            for step in run.steps
            for kind in step.kinds
            if kind in (options.kind or Kind)
        ]
        workers = _workers()
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


def _workers() -> ProcessPoolExecutor:
    # Forked workers would inherit the threads of gRPC half alive.
    return ProcessPoolExecutor(
        PROCESSES, multiprocessing.get_context("spawn"), initializer=_begin_worker
    )


def _begin_worker() -> None:
    # These waits are in real time, two minutes each, and Entra has no lag here (`prepare`): what it
    # answers last is what it answered first.
    service_principal.REPLICA_DELAYS.clear()
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


def _verbs(console: Console, options: argparse.Namespace) -> int:
    trials: dict[tuple[str, str], list[VerbTrial]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as directory:
        states = [s for s in ALL_STATES if s.name in (options.state or [s.name])]
        clean = learn_states(Path(directory), states)
        planned = [
            case
            for case in cases(clean, options.seed)
            if case.verb.name in (options.verb or [case.verb.name])
        ][: options.cases]
        workers = _workers()
        with workers, Progress(*_columns("verbs"), console=console) as progress:
            bar = progress.add_task("verbs", total=len(planned) * (1 + options.faults))
            started = [
                workers.submit(
                    attempt_with_faults,
                    case,
                    clean[case.state.name],
                    options.faults,
                    options.seed,
                    Path(directory) / f"trial-{number}",
                )
                for number, case in enumerate(planned)
            ]
            for future in as_completed(started):
                for trial in future.result():
                    trials[trial.case.verb.name, trial.case.state.name].append(trial)
                    for problem in trial.problems:
                        progress.print(f"{trial}: {problem}", soft_wrap=True)
                    if not trial.went_through:
                        progress.print(f"{trial}: stuck: {trial.refusal}", soft_wrap=True)
                progress.advance(bar, 1 + options.faults)
    console.print(_table_of_verbs(trials))
    return int(
        any(
            trial.violations or trial.lost or trial.excess
            for group in trials.values()
            for trial in group
        )
    )


def _table_of_verbs(trials: dict[tuple[str, str], list[VerbTrial]]) -> Table:
    table = Table(title="The engine's verbs at each state of a change")
    for heading in ("verb", "state"):
        table.add_column(heading)
    for heading in ("runs", "stuck", "violations", "lost", "excess grants", "differences"):
        table.add_column(heading, justify="right")
    total = [0] * 6
    for (verb, state), group in sorted(trials.items()):
        counts = [
            len(group),
            sum(not trial.went_through for trial in group),
            *(
                sum(len(getattr(trial, kind)) for trial in group)
                for kind in ("violations", "lost", "excess", "differences")
            ),
        ]
        total = [sum(pair) for pair in zip(total, counts, strict=True)]
        table.add_row(verb, state, *map(str, counts))
    table.add_section()
    table.add_row("all", "", *map(str, total))
    return table


def _columns(title: str) -> tuple[ProgressColumn, ...]:
    return (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


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
