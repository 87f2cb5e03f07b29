"""The command line of the simulated tenant.

``up``, ``preview`` and ``destroy`` run the real engine on the real program. ``send`` sends one mail
through what they deployed, ``mails`` shows what was sent. ``draw`` draws what was deployed.
``serve`` has the tenant answer over HTTP. ``exec`` starts any command in the same environment.
"""

import argparse
import difflib
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

from pulumi.automation.errors import CommandError
from rich.console import Console

from simulator import SimulatorError, drawing
from simulator.engine import Result, SimulatedStack, in_one_line
from simulator.environment import DIRECTORY, pulumi_cli, simulated_environment
from simulator.front import served
from simulator.mails import mail_in_full, mail_table
from simulator.sending import pass_policy_lag, send_as

_SENDERS = "senders"


def main(arguments: Sequence[str]) -> int:
    """Runs one command; returns the exit code of the process."""
    options = _parser().parse_args(arguments)
    sys.unraisablehook = report_unraisable
    try:
        stack = SimulatedStack(
            directory=options.directory,
            stack=options.stack,
            show=lambda line: print(line, flush=True),  # noqa: T201 - this command's output
            colour=sys.stdout.isatty(),
        )
    except OSError as error:
        return _fail(
            f"the folder {options.directory} cannot be used: {error.strerror}. Choose another one "
            "with --directory"
        )
    # Ctrl-C reaches the engine by itself. It then winds down, and needs the providers, which live
    # in this process, until it has written its state.
    interrupted = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        if options.run is not _execute:
            # Otherwise Pulumi would make a stack of that name, and a file for it.
            _require_environment(stack)
        code: int = options.run(stack, options)
    except SimulatorError as error:
        return _fail(str(error))
    except CommandError as error:
        return _fail(f"Pulumi refuses: {in_one_line(error)}")
    except sqlite3.DatabaseError as error:
        return _fail(
            f"the tenant in {stack.directory} cannot be read: {error}. If its file is damaged, "
            "or another version's, remove that folder, which holds this tenant and the state of "
            "its stacks, and begin anew; or choose another one with --directory"
        )
    finally:
        signal.signal(signal.SIGINT, interrupted)
    return code


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--stack", default="local", help="name of the stack (default: local)")
    common.add_argument(
        "--directory",
        type=Path,
        default=DIRECTORY,
        help="where the tenant and the state of its stacks are kept (default: .simulator)",
    )
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description="Deploys into a simulated tenant."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[common], help=text, description=text)
        added.set_defaults(run=run)
        return added

    up = command("up", _up, "creates or updates the stack")
    up.add_argument(
        "--wait",
        action="store_true",
        help="move the tenant's clock afterwards to where Graph has learned of every policy",
    )
    command("preview", _preview, "shows what up would change")
    destroy = command("destroy", _destroy, "deletes everything in the stack")
    destroy.add_argument(
        "--exclude-protected",
        action="store_true",
        help="leave what is protected: mailboxes and groups of a stack that retains them",
    )
    send = command("send", _send, "sends one mail through a deployed workflow")
    send.add_argument(
        "--as",
        dest="mailbox",
        metavar="MAILBOX",
        help="address of the mailbox to send as (default: the sender's shared mailbox)",
    )
    send.add_argument("--sender", metavar="NAME", help="which sender (default: the first one)")
    mails = command("mails", _mails, "shows what was sent, newest last")
    mails.add_argument("number", nargs="?", type=int, help="which one to show in full, from 1")
    draw = command("draw", _draw, "draws a deployed sender's resources, for Mermaid")
    draw.add_argument("sender", metavar="NAME", help="which sender")
    serve = command("serve", _serve, "answers over HTTP on this machine, until Ctrl-C")
    serve.add_argument(
        "--port", type=_port, default=0, help="the port on 127.0.0.1 (default: a free one)"
    )
    execute = command("exec", _execute, "runs a command in the simulated tenant's environment")
    for over_http in (serve, execute):
        over_http.add_argument(
            "--tls",
            action="store_true",
            help="answer over TLS, for clients that send no token without it",
        )
    execute.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
    return parser


def _require_environment(stack: SimulatedStack) -> None:
    """Refuses a misspelt name, of which Pulumi would make a stack.

    Raises:
        SimulatorError: The stack has no file; the text names those that have one.
    """
    known = sorted(path.stem.partition(".")[2] for path in stack.work_dir.glob("Pulumi.*.yaml"))
    if stack.stack not in known:
        similar = difflib.get_close_matches(stack.stack, known, 1)
        raise SimulatorError(
            f"there is no environment {stack.stack}: the file Pulumi.{stack.stack}.yaml is missing."
            f" There are: {', '.join(known)}."
            + "".join(f" Did you mean {name}?" for name in similar)
            + " Nothing has been done."
        )


def _up(stack: SimulatedStack, options: argparse.Namespace) -> int:
    code = _preview(stack, options, is_shown=False) or _exit_code(stack.up())
    if options.wait and code == 0:
        _wait_for_policies(stack, _console())
    return code


def _preview(stack: SimulatedStack, options: argparse.Namespace, *, is_shown: bool = True) -> int:
    """Previews in the tenant that the stack is for; a preview that fails is shown in any case."""
    given = stack.prepare_tenant()
    preview = replace(stack, show=None).preview()
    if preview.refusal:
        return _fail(preview.refusal)
    _say_what_scripts_run_in(stack)
    if given:
        print(  # noqa: T201 - what a real tenant would have to have
            f"The simulated tenant is {stack.tenant.organization.initial}. What is taken to exist "
            f"there from now on: {', '.join(given)}."
        )
    if is_shown or not preview.succeeded:
        print(preview.output)  # noqa: T201 - this command's output
    return _exit_code(preview)


def _destroy(stack: SimulatedStack, options: argparse.Namespace) -> int:
    _say_what_scripts_run_in(stack)
    return _exit_code(
        stack.destroy(exclude_protected=options.exclude_protected, preview_first=True)
    )


def _send(stack: SimulatedStack, options: argparse.Namespace) -> int:
    senders = _deployed(stack)
    name = options.sender or stack.settings()["senders"][0]["name"]
    if name not in senders:
        return _fail(f"there is no sender {name}, only {', '.join(sorted(senders))}")
    sender = senders[name]
    mailbox = options.mailbox or sender["mailboxAddress"]
    console = _console()
    _wait_for_policies(stack, console)
    answer = send_as(stack.tenant, sender["workflowId"], mailbox)
    console.print(f"{sender['workflowName']} as {mailbox}: {answer}")
    return 0 if answer.accepted else 1


def _mails(stack: SimulatedStack, options: argparse.Namespace) -> int:
    mails = stack.tenant.mail()
    if not mails:
        return _fail("no mail was sent in this tenant; python -m simulator send sends one")
    console = _console()
    if options.number is None:
        console.print(mail_table(mails))
        return 0
    if not 1 <= options.number <= len(mails):
        return _fail(f"there is no mail {options.number}, only 1 to {len(mails)}")
    console.print(mail_in_full(mails[options.number - 1]))
    return 0


def _draw(stack: SimulatedStack, options: argparse.Namespace) -> int:
    senders = _deployed(stack)
    if options.sender not in senders:
        return _fail(f"there is no sender {options.sender}, only {', '.join(sorted(senders))}")
    print(drawing.draw(stack.exported_state()["resources"], options.sender))  # noqa: T201
    return 0


def _execute(stack: SimulatedStack, options: argparse.Namespace) -> int:
    cli = pulumi_cli()
    with (
        simulated_environment(stack.directory, cli, shell=stack.shell) as environment,
        served(stack.tenant, tls=_tls_folder(stack, options)) as front,
    ):
        name, *arguments = options.command
        program = shutil.which(name, path=environment["PATH"])
        if program is None:
            return _fail(f"there is no command {name}")
        # What the command prints on standard output may be read by a program.
        _say_what_scripts_run_in(stack, sys.stderr)
        return subprocess.run(  # noqa: S603
            [program, *arguments], env=environment | front.variables, check=False
        ).returncode


def _serve(stack: SimulatedStack, options: argparse.Namespace) -> int:
    # Ctrl-C ends it: there is no engine that has to wind down.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with served(stack.tenant, options.port, tls=_tls_folder(stack, options)) as front:
            print(f"The simulated tenant answers at {front.address} until Ctrl-C.")  # noqa: T201
            print("Clients find it by these variables:\n")  # noqa: T201
            for name, value in front.variables.items():
                print(f"{name}={value}", flush=True)  # noqa: T201
            while True:
                time.sleep(3600)
    except OSError as error:
        return _fail(f"port {options.port} of 127.0.0.1 cannot be had: {error.strerror}")
    except KeyboardInterrupt:
        return 0


def _tls_folder(stack: SimulatedStack, options: argparse.Namespace) -> Path | None:
    return stack.directory if options.tls else None


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value < 65536:
        raise argparse.ArgumentTypeError("write a port from 0 to 65535")
    return value


def _deployed(stack: SimulatedStack) -> dict[str, Any]:
    senders: dict[str, Any] = stack.outputs().get(_SENDERS, {})
    if not senders:
        raise SimulatorError(
            f"nothing is deployed in the stack {stack.stack}: run python -m simulator up first"
        )
    return senders


def _say_what_scripts_run_in(stack: SimulatedStack, file: TextIO | None = None) -> None:
    print(stack.shell.sentence, file=file, flush=True)


def _wait_for_policies(stack: SimulatedStack, console: Console) -> None:
    moved = pass_policy_lag(stack.tenant)
    if moved is not None:
        minutes = moved / timedelta(minutes=1)
        console.print(
            f"The clock of the tenant was moved on by {minutes:.0f} minutes: Graph learns of a "
            "policy that much later than Exchange."
        )


def _console() -> Console:
    # Where there is no terminal (in CI) rich assumes 80 columns, and would fold the answers.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 132)


def report_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    """Reports what cannot be raised any more, save what says nothing.

    When an update fails, the engine ends before the program does. The SDK drops the rest of it, and
    that complains about itself, below the error that matters, when the process ends.
    """
    if not isinstance(unraisable.object, Coroutine):
        sys.__unraisablehook__(unraisable)


def _exit_code(result: Result) -> int:
    return 0 if result.succeeded else 1


def _fail(text: str) -> int:
    print(f"simulator: {text}", file=sys.stderr)  # noqa: T201
    return 1
