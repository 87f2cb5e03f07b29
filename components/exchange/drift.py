"""Drift: what others changed in Exchange Online since the stack was deployed.

The commands of this package keep no contact with what they made: Pulumi compares their inputs, and
a ``pulumi refresh`` does not touch them. So one read-only script looks at all objects at the
beginning of the program, and what it finds becomes an input of the very command that repairs it.

What should be there is read from the state, not from the configuration: a stack that was never
deployed has no drift, a changed configuration is none, and the state knows which application each
policy is for. See ``docs/decisions/0009-drift-is-an-input.md``.
"""

import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import pulumi
from pulumi_command import local

from ..deployed import Deployed
from .exchange_command import (
    POWERSHELL,
    SCRIPTS,
    read_observed,
    script_path,
)

FIND_DRIFT = "find-drift.ps1"

MANAGEMENT_SCOPE_SCRIPT = "ensure-management-scope.ps1"
"""The script that makes what roles are bound to, where that is one mailbox."""

DRIFT_VARIABLE = "SCOPED_MAIL_SENDER_DRIFT"
"""Environment variable that carries a finding. No script reads it: a preview shows it."""

Drift = dict[tuple[str, str], str]
"""Findings as JSON, by script and name of the command."""

_Objects = dict[tuple[str, str], dict[str, Any]]
"""What each script was last given, and the claim that it wrote, by script and name of command."""

_Findings = dict[tuple[str, str], dict[str, Any]]
"""What differs, ``{property: {expected, found}}``, by script and name of the command."""


def find_drift(deployed: Deployed) -> Drift:
    """Looks for drift in every Exchange object that the state of this stack holds.

    To be called before any of the components is made. It starts one PowerShell process for each
    organisation of the stack, and none where nothing is deployed.

    Args:
        deployed: The state before this run.

    Returns:
        A finding for each command whose object differs, for :func:`repair`.

    Raises:
        pulumi.RunError: Exchange Online could not be asked; the text says why.
    """
    objects = _deployed_objects(deployed)
    organizations: dict[tuple[Any, Any], list[tuple[str, str]]] = defaultdict(list)
    for key, desired in objects.items():
        connection = (desired["organization"], desired["exchangeEnvironmentName"])
        organizations[connection].append(key)

    found: _Findings = {}
    for (organization, environment), keys in organizations.items():
        findings = _look(
            {
                "organization": organization,
                "exchangeEnvironmentName": environment,
                "objects": [{"script": key[0], "desired": objects[key]} for key in keys],
            }
        )
        found |= {key: finding for key, finding in zip(keys, findings, strict=True) if finding}

    _doubt_proofs(found, objects)
    _warn_of_unconfined(found, objects)

    # The time tells a second drift from the first one of its kind, which the state still holds.
    observed = f"observed {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return {key: json.dumps({observed: finding}) for key, finding in found.items()}


def repair(drift: Drift) -> None:
    """Has each command whose object differs run again in this run of the program.

    A finding is a changed input of its command. To be called before any of the components is made.
    """

    def with_finding(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if args.type_ != "command:local:Command":
            return None
        finding = drift.get((PurePosixPath(str(args.props["create"])).name, args.name))
        if finding is None:
            return None
        args.opts.ignore_changes = []
        return pulumi.ResourceTransformationResult(
            {**args.props, "environment": {DRIFT_VARIABLE: finding}}, args.opts
        )

    pulumi.runtime.register_stack_transformation(with_finding)


def _deployed_objects(deployed: Deployed) -> _Objects:
    objects: _Objects = {}
    for (kind, name), outputs in deployed.items():
        script = PurePosixPath(outputs.get("create", "")).name
        if kind == "command:local:Command" and (SCRIPTS / script).is_file():
            stdout = outputs.get("stdout", "")
            # Without its output a resource has no claim to what it made: the script takes it anew.
            claim = read_observed(stdout).get("claim", "") if stdout else ""
            # What an older version has not written.
            objects[script, name] = {"forwardTo": None, **json.loads(outputs["stdin"])}
            objects[script, name]["claim"] = claim
    return objects


def _look(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Runs the script; its findings are in the order of the objects."""
    try:
        result = local.run(
            command=script_path(FIND_DRIFT),
            interpreter=POWERSHELL,
            stdin=json.dumps(request),
            add_previous_output_in_env=False,
            logging=local.Logging.NONE,
        )
    except Exception as error:
        raise pulumi.RunError(
            "Whether Exchange Online has drifted could not be found out; nothing has been deployed."
            " Sign in (docs/getting-started.md), or go without by `drift: false` in the stack's"
            f" configuration.\n{error}"
        ) from error
    findings: list[dict[str, Any]] = read_observed(result.stdout or "")["findings"]
    return findings


def _doubt_proofs(found: _Findings, objects: _Objects) -> None:
    """Has a proof repeated where what it rests on holds others than those it was made with."""
    groups = {objects[key]["address"] for key in found if key[0] == "set-group-member.ps1"}
    scopes = {objects[key]["name"] for key in found if key[0] == MANAGEMENT_SCOPE_SCRIPT}
    for key, desired in objects.items():
        rests_on = {
            "prove-confinement.ps1": desired.get("groupAddress"),
            "prove-authorization.ps1": desired.get("scope"),
        }.get(key[0])
        if rests_on in groups | scopes:
            stale = {"expected": "proven", "found": "the members are others than when it was"}
            found.setdefault(key, {"Confinement": stale})


def _warn_of_unconfined(found: _Findings, objects: _Objects) -> None:
    """Says what a missing policy or a changed scope means, where a person sees it.

    A warning and not an error, because an error would end the very run that repairs it.
    """
    for key, finding in found.items():
        desired = objects[key]
        if key[0] == MANAGEMENT_SCOPE_SCRIPT and "RecipientFilter" in finding:
            pulumi.log.warn(
                f"UNCONFINED IDENTITY: what has roles on the management scope {desired['name']} is "
                "not restricted to its mailbox any more. Filter found: "
                f"{finding['RecipientFilter']['found']}. `pulumi up` gives the scope that mailbox "
                "alone again and proves it; Graph may go by the other filter for up to two hours. "
                "And find out who changed it."
            )
        if "RestrictAccess" not in finding:
            continue
        pulumi.log.warn(
            f"UNCONFINED IDENTITY: application {desired['appId']} is not restricted to the members "
            f"of {desired['groupAddress']} any more. RestrictAccess policy found: "
            f"{finding['RestrictAccess']['found']}. Without one, every mailbox permission that it "
            "holds reaches every mailbox of the organisation. `pulumi up` makes the policy anew "
            "and proves it; Graph may take more than an hour to obey it. Until then disable the "
            "workflow if you must be sure: it stays off until somebody enables it. And find out "
            "who changed the policy."
        )
