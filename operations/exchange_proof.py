"""Exchange's own word on who is confined, by the script that proves before each grant.

A 403 of Graph says that an application was kept out, and not by what: a mailbox whose client access
settings keep everybody out answers with the very words of a policy. So the script that the
deployment runs is run once more, with the input that the stack's state has of it: it reads the
policies and the settings of the control mailbox, and changes nothing.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

from components.exchange.access_proof import PROOF_SCRIPT
from components.exchange.exchange_command import SCRIPTS
from components.role_based_mailbox_access import ROLE_PROOF_SCRIPT
from operations.exchange_script import ExchangeScriptError, Said, run_script

# How the script begins what it found out; what else it says means that it found out nothing.
_FOUND_OUT = re.compile(r"not (?:proven after|confined)\b")


def proofs_in(deployment: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What the proofs of a stack were given, by the application id that each is about.

    One has two where both a policy and roles confine it.

    Args:
        deployment: The ``deployment`` of an exported state.

    Raises:
        ExchangeScriptError: One of them cannot be read.
    """
    proofs: dict[str, list[dict[str, Any]]] = {}
    for resource in deployment.get("resources") or []:
        if resource["type"] != "command:local:Command":
            continue
        inputs = resource["inputs"]
        if PurePosixPath(inputs.get("create", "")).name not in (PROOF_SCRIPT, ROLE_PROOF_SCRIPT):
            continue
        try:
            desired = json.loads(inputs["stdin"])
            proofs.setdefault(desired["appId"], []).append(desired)
        except (KeyError, TypeError, ValueError) as error:
            raise ExchangeScriptError(
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
        ExchangeScriptError: Exchange could not be asked.
    """
    # A policy is on a group; what is proven of roles names them.
    script = ROLE_PROOF_SCRIPT if "roles" in desired else PROOF_SCRIPT
    said = run_script(SCRIPTS / script, {**desired, "timeoutSeconds": 0, "settleSeconds": 0})
    if said.code == 0:
        for line in said.lines:
            show(line)
        return True, [
            f"{desired['controlMailbox']} refuses Graph whatever the policy says: {reason}"
            for reason in _other_reasons(said)
        ]
    finding = _FOUND_OUT.search(said.error)
    if finding is None:
        raise ExchangeScriptError(said.failure)
    return False, [said.error[finding.start() :]]


def _other_reasons(said: Said) -> list[str]:
    reasons = said.observed.get("otherReasons", [])
    if not isinstance(reasons, list):
        raise said.no_finding()
    return reasons
