"""Exchange's own word on who is confined, by the script that proves before each grant.

A 403 of Graph says that an application was kept out, and not by what: a mailbox whose client access
settings keep everybody out answers with the very words of a policy. So the script that the
deployment runs is run once more, with the input that the stack's state has of it: it reads the
policies and the settings of the control mailbox, and changes nothing. It signs in to Exchange as
the deployment does, by the same variables of the environment.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

from components.exchange.access_proof import PROOF_SCRIPT
from components.exchange.exchange_command import POWERSHELL, SCRIPTS, read_observed
from components.role_based_mailbox_access import ROLE_PROOF_SCRIPT

# How the script begins what it found out; what else it says means that it found out nothing.
_FOUND_OUT = re.compile(r"not (?:proven after|confined)\b")


class ExchangeProofError(Exception):
    """Exchange could not be asked; the text is one line that says why."""


def proofs_in(deployment: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the proofs of a stack were given, by the application id that each is about.

    Args:
        deployment: The ``deployment`` of an exported state.

    Raises:
        ExchangeProofError: One of them cannot be read.
    """
    proofs = {}
    for resource in deployment.get("resources") or []:
        if resource["type"] != "command:local:Command":
            continue
        inputs = resource["inputs"]
        if PurePosixPath(inputs.get("create", "")).name not in (PROOF_SCRIPT, ROLE_PROOF_SCRIPT):
            continue
        try:
            desired = json.loads(inputs["stdin"])
            proofs[desired["appId"]] = desired
        except (KeyError, TypeError, ValueError) as error:
            raise ExchangeProofError(
                f"what the state has as stdin of {resource['urn'].rpartition('::')[2]} is no "
                f"proof's ({type(error).__name__}: {error}): run pulumi up with this version of "
                "the program first"
            ) from None
    return proofs


def finding_of(desired: Mapping[str, Any], show: Callable[[str], None]) -> tuple[bool, list[str]]:
    """Runs one proof, once and without its waits.

    Args:
        desired: What the script is given.
        show: Gets each line of its progress.

    Returns:
        Whether the application is confined, and what speaks against that, or against taking a 403
        of the control mailbox for a sign of it.

    Raises:
        ExchangeProofError: Exchange could not be asked.
    """
    # A policy is on a group; what is proven of roles names them.
    script = ROLE_PROOF_SCRIPT if "roles" in desired else PROOF_SCRIPT
    interpreter = shutil.which(POWERSHELL[0])
    if interpreter is None:
        raise ExchangeProofError(f"there is no {POWERSHELL[0]} on PATH: install PowerShell")
    try:
        done = subprocess.run(  # noqa: S603 - the script is the project's own
            [interpreter, *POWERSHELL[1:], str(SCRIPTS / script)],
            input=json.dumps({**desired, "timeoutSeconds": 0, "settleSeconds": 0}),
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise ExchangeProofError(f"{interpreter} cannot be run: {error}") from None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if done.returncode == 0:
        for line in lines:
            show(line)
        return True, [
            f"{desired['controlMailbox']} refuses Graph whatever the policy says: {reason}"
            for reason in _other_reasons(script, done.stdout)
        ]
    said = next((line for line in lines if line.startswith("error: ")), "")
    finding = _FOUND_OUT.search(said)
    if finding is None:
        raise ExchangeProofError(
            said.removeprefix("error: ") or f"exit code {done.returncode}: {' '.join(lines)}"
        )
    return False, [said[finding.start() :]]


def _other_reasons(script: str, stdout: str) -> list[str]:
    try:
        reasons = read_observed(stdout).get("otherReasons", [])
    except (StopIteration, ValueError):
        reasons = None
    if not isinstance(reasons, list):
        raise ExchangeProofError(
            f"{script} succeeded and did not write what it found, but {stdout[:200]!r}"
        )
    return reasons
