"""What stands in the way of a first deployment: ``python -m operations.check --stack STACK``.

Looks at what a person would otherwise meet one refusal at a time, some of them an hour into a
deployment: versions of programs, the sign-ins to Azure, Entra and Exchange and whether they are of
the stack's tenant, rights there, the addresses and names that the stack wants, and the control
mailbox. It may be run again at any time: what the stack has made already is its own.

It changes nothing. In Azure and Entra it looks as whoever is signed in (``docs/operations.md``);
Exchange is asked by ``look-before-deployment.ps1``, which signs in as the deployment does.

Exit codes: 0, nothing stands in the way; 1, something does; 2, something could not be found out.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field
from rich.table import Table
from rich.text import Text

from components.clouds import ENDPOINTS
from components.exchange.drift import FIND_DRIFT
from components.exchange.exchange_command import POWERSHELL, SCRIPTS
from components.provider_errors import ABSENT
from components.scoped_mail_sender import IdentityKind, Scoping
from configuration import NAMESPACE, ConfigurationError, StackConfiguration, load_configuration
from configuration.keys import Access, Sender
from operations import consoles
from operations.cloud_look_up import AzureResource, Kind, LeftBehind
from operations.exchange_script import ExchangeScriptError, run_script
from operations.prove import (
    EXIT_CODES,
    ProofError,
    Verdict,
    asked_of_pulumi,
    result_of,
    stack_deployment,
)
from operations.signed_in import Claims, CloudRefusedError, SignedIn, claims_in

SCRIPT = Path(__file__).with_name("look-before-deployment.ps1")
DELEGATIONS_SCRIPT = Path(__file__).with_name("look-at-delegations.ps1")
MODULES_SCRIPT = Path(__file__).with_name("list-modules.ps1")

OLDEST_PYTHON = (3, 11)
OLDEST_PULUMI = (3, 219)
OLDEST_POWERSHELL = (7, 4)
OLDEST_MODULE = (3, 9, 2)
"""The oldest versions that do; ``docs/getting-started.md`` says why."""
NEEDS_NEWER_POWERSHELL = ((3, 10), (7, 6))
"""From this version of the module on, this one of PowerShell. Source:
https://learn.microsoft.com/powershell/exchange/exchange-online-powershell-v2."""
PACKAGES = {
    "azure-native": "pulumi-azure-native",
    "azuread": "pulumi-azuread",
    "command": "pulumi-command",
}
"""The Python package of each provider, whose version is that of the plugin."""

SCRIPTS_OF_ALL = (
    "ensure-shared-mailbox.ps1",
    "set-shared-mailbox.ps1",
    "remove-shared-mailbox.ps1",
)
GROUP_SCRIPTS = (
    "ensure-mail-enabled-security-group.ps1",
    "set-group-member.ps1",
    "remove-mail-enabled-security-group.ps1",
)
SCRIPTS_OF: dict[Scoping, tuple[str, ...]] = {
    Scoping.POLICY: (
        *GROUP_SCRIPTS,
        "ensure-application-access-policy.ps1",
        "prove-confinement.ps1",
        "release-application-access-policy.ps1",
    ),
    Scoping.RBAC: (
        "ensure-service-principal.ps1",
        "ensure-management-scope.ps1",
        "ensure-role-assignment.ps1",
        "prove-authorization.ps1",
        "remove-service-principal.ps1",
        "remove-management-scope.ps1",
        "remove-role-assignment.ps1",
    ),
}
"""Which scripts a deployment runs."""

APP_PERMISSIONS = ("Application.Read.All", "AppRoleAssignment.ReadWrite.All")
"""What an application needs in Microsoft Graph: to find identities, and to grant."""
GRANTING_ROLES = {
    "62e90394-69f5-4237-9190-012177145e10",
    "e8611ab8-c189-46e8-94e1-60213ab1f814",
}
"""Template ids of the roles by which a person may grant: Global Administrator, Privileged Role
Administrator. Source:
https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference."""

_LOGIC = "Microsoft.Logic/workflows"
_IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
_MAKE_GROUP = "Microsoft.Resources/subscriptions/resourceGroups/write"
# Minutes that everything takes that is no wait of ours, as far as anybody can say.
_WORK = 10
# Within so many all scripts of a first up have begun that come before the wait.
_MINUTES_IN_EXCHANGE = 20


@dataclass(frozen=True)
class Row:
    """One thing that was looked at.

    Attributes:
        subject: What.
        found: What was found.
        verdict: Whether it is as it has to be.
        remedy: What to do where it is not; empty where ``found`` says it.
    """

    subject: str
    found: str
    verdict: Verdict = Verdict.RIGHT
    remedy: str = ""


@dataclass(frozen=True)
class Plan:
    """What is to be deployed.

    Attributes:
        stack: Name of the stack, without project and organisation.
        subscription: Id of the Azure subscription; empty where nobody says it.
        deployment: The ``deployment`` of the exported state.
    """

    stack: str
    configuration: StackConfiguration
    subscription: str
    deployment: Mapping[str, Any]

    @property
    def senders(self) -> Sequence[Sender]:
        return self.configuration.senders

    @property
    def confined(self) -> Sequence[Sender | Access]:
        """All that is confined: senders, and identities of others."""
        return [*self.configuration.senders, *self.configuration.access]

    def has(self, scoping: Scoping) -> bool:
        """Whether there is a sender, or an identity of others, of that scoping."""
        return any(entry.scoping in (scoping, Scoping.BOTH) for entry in self.confined)

    def mailboxes_of_others(self) -> set[str]:
        """Addresses of the mailboxes that are there already, and stay as they are."""
        own = {sender.mailbox.address.casefold() for sender in self.senders}
        named = {each for access in self.configuration.access for each in access.mailboxes}
        return {each for each in named if each.casefold() not in own} | {
            entry.control_mailbox for entry in self.confined
        }


class _Subscription(BaseModel):
    id: str = Field(alias="subscriptionId")
    tenant: str = Field(alias="tenantId")
    name: str = Field(alias="displayName")
    state: str


class _Provider(BaseModel):
    state: str = Field(alias="registrationState")


class _Permission(BaseModel):
    actions: list[str] = Field([])
    not_actions: list[str] = Field([], alias="notActions")


# Programs


def rows_of_programs() -> Iterator[Row]:
    """Versions of what a deployment needs on this machine."""
    yield _version_row("Python", _dotted(sys.version_info[:3]), OLDEST_PYTHON, "Install {}.")
    said = _said("pulumi", "version")
    yield _version_row(
        "Pulumi", said, OLDEST_PULUMI, "Install {}: https://www.pulumi.com/docs/install/."
    )
    if said is not None:
        yield _plugins_row()
    powershell = _said(POWERSHELL[0], "--version")
    yield _version_row(
        "PowerShell",
        powershell,
        OLDEST_POWERSHELL,
        "Install {} as pwsh: https://learn.microsoft.com/powershell/scripting/install.",
    )
    if powershell is not None:
        yield _module_row(_numbers(powershell))


def _version_row(subject: str, said: str | None, oldest: tuple[int, ...], remedy: str) -> Row:
    needed = f"{_dotted(oldest)} or newer"
    remedy = remedy.format(needed)
    if said is None:
        return Row(subject, "not on PATH", Verdict.WRONG, remedy)
    found = _numbers(said)
    if not found:
        return Row(subject, f"does not tell its version, but {said!r:.80}", Verdict.UNKNOWN, remedy)
    verdict = Verdict.RIGHT if found >= oldest else Verdict.WRONG
    return Row(subject, _dotted(found), verdict, "" if found >= oldest else remedy)


def _plugins_row() -> Row:
    subject = "Pulumi plugins"
    said = _said("pulumi", "plugin", "ls", "--json") or ""
    try:
        installed = {(each["name"], each["version"]) for each in json.loads(said)}
    except (ValueError, TypeError, KeyError):
        return Row(subject, f"pulumi plugin ls writes {said!r:.80}", Verdict.UNKNOWN)
    # https://www.pulumi.com/docs/iac/cli/environment-variables: what is attached need not be
    # installed.
    attached = {
        each.partition(":")[0] for each in os.environ.get("PULUMI_DEBUG_PROVIDERS", "").split(",")
    }
    needed = {name: version(package) for name, package in PACKAGES.items()}
    missing = [
        f"{name} {number}"
        for name, number in needed.items()
        if name not in attached and (name, number) not in installed
    ]
    if missing:
        found = f"not installed: {', '.join(missing)}"
        return Row(subject, found, Verdict.WRONG, "pulumi install")
    return Row(subject, ", ".join(f"{name} {number}" for name, number in needed.items()))


def _module_row(powershell: tuple[int, ...]) -> Row:
    subject = "ExchangeOnlineManagement"
    remedy = f"Install-Module {subject} -RequiredVersion {_dotted(OLDEST_MODULE)}"
    try:
        said = run_script(MODULES_SCRIPT, {})
        versions = said.observed["versions"] if said.code == 0 else None
    except ExchangeScriptError as error:
        return Row(subject, str(error), Verdict.UNKNOWN)
    if versions is None:
        return Row(subject, said.failure, Verdict.UNKNOWN)
    if not versions:
        return Row(subject, "not installed", Verdict.WRONG, remedy)
    # PowerShell takes the newest.
    newest = max(_numbers(each) for each in versions)
    module, needed = NEEDS_NEWER_POWERSHELL
    if newest < OLDEST_MODULE:
        return Row(subject, _dotted(newest), Verdict.WRONG, remedy)
    if newest >= module and powershell < needed:
        found = f"{_dotted(newest)}, which needs PowerShell {_dotted(needed)}"
        return Row(subject, found, Verdict.WRONG, f"{remedy}, and Uninstall-Module the newer one")
    return Row(subject, _dotted(newest))


def _said(program: str, *arguments: str) -> str | None:
    """What a program writes; ``None`` where it is not there."""
    found = shutil.which(program)
    if found is None:
        return None
    try:
        return subprocess.run(  # noqa: S603 - a fixed command
            [found, *arguments],
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
        ).stdout.strip()
    except OSError as error:
        return f"cannot be run: {error.strerror}"


def _numbers(text: str) -> tuple[int, ...]:
    found = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(number) for number in found[0].split(".")) if found else ()


def _dotted(numbers: Iterable[int]) -> str:
    return ".".join(map(str, numbers))


# Azure and Entra


def rows_of_clouds(plan: Plan, clouds: SignedIn) -> Iterator[Row]:
    """Who is signed in to Azure and Entra, of which tenant, and what they may do there."""
    who: dict[str, Claims | Row] = {}
    # Without senders nothing is made in Azure, and nobody has to be signed in there.
    if plan.senders:
        who["Azure"] = _asked("Azure", clouds.who_in_azure)
    who["Entra"] = in_entra = _asked("Entra", clouds.who_in_entra)
    places: dict[str, Claims | _Subscription | Row] = {**who}
    home = _asked("tenant", lambda: clouds.tenant_of(plan.configuration.organization))
    for subject, one in who.items():
        yield one if isinstance(one, Row) else Row(subject, f"signed in as {one.name}")
    subscription = None
    if plan.senders:
        places["the subscription"] = found = _asked(
            "subscription", lambda: _subscription(plan, clouds)
        )
        if isinstance(found, Row):
            yield found
        else:
            subscription = found.id
            yield Row("subscription", f"{found.name}, {found.id}")
    if isinstance(home, Row):
        yield home
    else:
        yield _tenant_row(plan.configuration.organization, home, places)
    first = next(iter(who.values()))
    if isinstance(first, Claims):
        yield from _providers_row(first)
    if isinstance(in_entra, Claims):
        yield _entra_rights_row(plan, in_entra)
    if subscription is not None:
        try:
            yield from _rows_of_azure(plan, clouds, subscription)
        except CloudRefusedError as error:
            yield Row("resource group", str(error), Verdict.UNKNOWN)


def _asked(subject: str, ask: Callable[[], Any]) -> Any:
    """What a cloud answers, or the row that says why it does not."""
    try:
        return ask()
    except CloudRefusedError as error:
        return Row(subject, str(error), Verdict.UNKNOWN)


def _subscription(plan: Plan, clouds: SignedIn) -> _Subscription | Row:
    listed = clouds.resources(
        "/subscriptions", _Subscription, api_version="2022-12-01", absent=ABSENT
    )
    wanted = plan.subscription
    found = [each for each in listed if wanted in ("", each.id)]
    if wanted and not found:
        return Row(
            "subscription",
            f"{wanted} is none of those in which who is signed in has a role",
            Verdict.WRONG,
            "Have a role given in it, or name the right one: azure-native:subscriptionId in the "
            "stack's configuration, or ARM_SUBSCRIPTION_ID.",
        )
    if len(found) != 1:
        return Row(
            "subscription",
            f"which one is not said, and who is signed in has a role in {len(found)}",
            Verdict.WRONG,
            "Set ARM_SUBSCRIPTION_ID, for example to what az account show --query id --output tsv "
            "prints.",
        )
    if found[0].state != "Enabled":
        return Row(
            "subscription",
            f"{found[0].name}, {found[0].id}, is {found[0].state}",
            Verdict.WRONG,
            "Have it enabled, or take another one.",
        )
    return found[0]


def _tenant_row(
    organization: str, home: str, places: Mapping[str, Claims | _Subscription | Row]
) -> Row:
    """Whether all are of the tenant that the organisation is."""
    subject = "tenant"
    if not home:
        return Row(
            subject,
            f"Entra knows no tenant {organization}",
            Verdict.WRONG,
            "Write the tenant's .onmicrosoft.com domain as organization.",
        )
    strays = [
        f"{place} is of {one.tenant}"
        for place, one in places.items()
        if not isinstance(one, Row) and one.tenant.casefold() != home.casefold()
    ]
    if strays:
        return Row(
            subject,
            f"{organization} is {home}, but {', '.join(strays)}",
            Verdict.WRONG,
            f"Sign in to the tenant of the stack, for example by az login --tenant {organization}.",
        )
    return Row(subject, f"{organization}, {home}")


def _providers_row(who: Claims) -> Iterator[Row]:
    """Pulumi's providers sign in by variables of their own, which may lead elsewhere."""
    differences = [
        f"{variable} is {value}, and this signed in as {is_}"
        for variable, is_ in (
            ("ARM_CLIENT_ID", who.client_id),
            ("ARM_TENANT_ID", who.tenant),
        )
        if (value := os.environ.get(variable, "")) and value.casefold() != is_.casefold()
    ]
    if differences:
        yield Row(
            "sign-in of the providers",
            "; ".join(differences),
            Verdict.WRONG,
            "Set the variables that docs/getting-started.md names in its section 4, so that what "
            "was looked at here is what deploys.",
        )


def _entra_rights_row(plan: Plan, who: Claims) -> Row:
    subject = "rights in Entra"
    grants = plan.has(Scoping.POLICY)
    if who.person:
        if not grants:
            return Row(subject, "none needed: no sender is granted anything there")
        if GRANTING_ROLES & set(who.directory_roles):
            return Row(subject, "a role that may grant permissions of Microsoft Graph")
        return Row(
            subject,
            "the token shows no role that may grant permissions of Microsoft Graph",
            Verdict.UNKNOWN if not who.directory_roles else Verdict.WRONG,
            "Have Privileged Role Administrator assigned, activate it, and sign in anew.",
        )
    needed = APP_PERMISSIONS if grants else APP_PERMISSIONS[:1]
    missing = [permission for permission in needed if permission not in who.roles]
    if missing:
        return Row(
            subject,
            f"the application lacks {', '.join(missing)}",
            Verdict.WRONG,
            "Have them consented to as application permissions of Microsoft Graph, and sign in "
            "anew.",
        )
    return Row(subject, ", ".join(needed))


def _rows_of_azure(plan: Plan, clouds: SignedIn, subscription: str) -> Iterator[Row]:
    """Rights on the resource group, and the names that are wanted in it."""
    name = plan.configuration.resource_group or ""
    scope = f"/subscriptions/{subscription}"
    group = f"{scope}/resourceGroups/{name}"
    exists = _is_there(clouds, group)
    kinds = [_LOGIC]
    if any(sender.identity is IdentityKind.USER for sender in plan.senders):
        kinds.append(_IDENTITY)
    if any(sender.alerts for sender in plan.senders):
        kinds += ["Microsoft.Insights/metricAlerts", "Microsoft.Insights/actionGroups"]
    if any(sender.diagnostics for sender in plan.senders):
        kinds.append("Microsoft.Insights/diagnosticSettings")
    needed = [f"{kind}/{verb}" for kind in kinds for verb in ("read", "write", "delete")]
    if _IDENTITY in kinds:
        # A wildcard between the name and the action, as roles write it.
        needed.append(f"{_IDENTITY}/*/assign/action")
    if not exists:
        needed.append(_MAKE_GROUP)
    allowed = _permissions(clouds, group if exists else scope)
    missing = [action for action in needed if not _allows(allowed, action)]
    found = f"{name} is there" if exists else f"{name} is not there: up makes it"
    if missing:
        yield Row(
            "resource group",
            f"{found}; who is signed in may not {', '.join(missing)}",
            Verdict.WRONG,
            "Have the roles assigned that docs/getting-started.md names in its section 3: on the "
            "group where it is there, or else on the subscription.",
        )
    else:
        yield Row("resource group", f"{found}; the rights are there")
    yield from _registration_row(clouds, scope, kinds)
    look_up = LeftBehind(clouds, subscription, [])
    own = {str(r.get("id", "")).casefold() for r in plan.deployment.get("resources") or []}
    identities = [f"id-{s.name}" for s in plan.senders if s.identity is IdentityKind.USER]
    for kind, noun, key, names in (
        (Kind.WORKFLOW, "workflow", "workflowName", [s.workflow for s in plan.senders]),
        (Kind.IDENTITY, "identity", "resourceName", identities),
    ):
        for wanted in names:
            subject = f"{noun} {wanted}"
            identifier = look_up.identifier(kind, {"resourceGroupName": name, key: wanted})
            try:
                is_there = exists and _is_there(clouds, identifier)
            except CloudRefusedError as error:
                yield Row(subject, str(error), Verdict.UNKNOWN)
                continue
            yield _name_row(subject, is_there, identifier, own)


def _registration_row(clouds: SignedIn, scope: str, kinds: Iterable[str]) -> Iterator[Row]:
    """Whether the subscription may have such resources; who has no role in it may not ask."""
    namespaces = sorted({kind.partition("/")[0] for kind in kinds})
    missing = []
    for namespace in namespaces:
        try:
            found = clouds.resource(
                f"{scope}/providers/{namespace}",
                _Provider,
                api_version="2021-04-01",
                absent=ABSENT,
            )
        except CloudRefusedError as error:
            if "AuthorizationFailed" in str(error):
                return
            raise
        if found is not None and found.state != "Registered":
            missing.append(namespace)
    if missing:
        yield Row(
            "resource providers",
            f"the subscription is not registered for {', '.join(missing)}",
            Verdict.WRONG,
            " && ".join(f"az provider register --namespace {each}" for each in missing),
        )
    else:
        yield Row("resource providers", f"registered: {', '.join(namespaces)}")


def _name_row(subject: str, is_there: bool, identifier: str, own: set[str]) -> Row:
    if not is_there:
        return Row(subject, "the name is free")
    if identifier.casefold() in own:
        return Row(subject, "this stack's own")
    return Row(
        subject,
        "is there, and not in the state of this stack",
        Verdict.WRONG,
        "Choose another name. Where an interrupted up made it: python -m operations.recover; to "
        "take over what was made by hand: docs/adopting.md.",
    )


_VERSIONS = {
    "microsoft.logic": "2019-05-01",
    "microsoft.managedidentity": "2023-01-31",
}


def _is_there(clouds: SignedIn, identifier: str) -> bool:
    provider = identifier.casefold().partition("/providers/")[2].partition("/")[0]
    api_version = _VERSIONS.get(provider, "2021-04-01")
    found = clouds.resource(identifier, AzureResource, api_version=api_version, absent=ABSENT)
    return found is not None


def _permissions(clouds: SignedIn, scope: str) -> list[_Permission]:
    """What who is signed in may do.

    https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource-group
    """
    try:
        return clouds.resources(
            f"{scope}/providers/Microsoft.Authorization/permissions",
            _Permission,
            api_version="2022-04-01",
            absent=ABSENT,
        )
    except CloudRefusedError as error:
        # Whoever has no role there may not ask either.
        if "AuthorizationFailed" in str(error):
            return []
        raise


def _allows(granted: Iterable[_Permission], action: str) -> bool:
    """Whether one of the roles allows an action; what one excludes another may allow."""

    def matches(patterns: Iterable[str]) -> bool:
        return any(fnmatchcase(action.casefold(), pattern.casefold()) for pattern in patterns)

    return any(matches(each.actions) and not matches(each.not_actions) for each in granted)


# Exchange


def cmdlets_of(scripts: Iterable[str]) -> list[str]:
    """The cmdlets that scripts have their connections load, as they say themselves."""
    found = set()
    for script in scripts:
        source = (SCRIPTS / script).read_text(encoding="utf-8")
        listed = source.partition("-CommandName @(")[2].partition(")")[0]
        found.update(re.findall(r"'([\w-]+)'", listed))
    return sorted(found)


def asked_of_exchange(plan: Plan) -> dict[str, Any]:
    """What ``look-before-deployment.ps1`` is told."""
    configuration = plan.configuration
    common = {
        "organization": configuration.organization,
        "markAttribute": configuration.mark_attribute,
    }
    recipients = []
    for entry in plan.confined:
        for kind, suffix, wanted in (
            ("SharedMailbox", "mailbox", entry.mailbox if isinstance(entry, Sender) else None),
            ("MailUniversalSecurityGroup", "group", entry.group),
        ):
            if wanted is not None:
                recipients.append(
                    common
                    | {
                        "type": kind,
                        "mark": f"{NAMESPACE}/{plan.stack}/{entry.name}-{suffix}",
                        "address": wanted.address,
                        "name": wanted.name,
                        "alias": wanted.alias,
                        "adopt": wanted.adopt,
                    }
                )
    scripts = [*SCRIPTS_OF_ALL]
    for scoping, own in SCRIPTS_OF.items():
        scripts += own if plan.has(scoping) else ()
    if any(access.group for access in configuration.access):
        scripts += GROUP_SCRIPTS
    if configuration.drift:
        scripts.append(FIND_DRIFT)
    existing = plan.mailboxes_of_others()
    existing |= {owner for e in plan.confined if e.group for owner in e.group.managed_by}
    return common | {
        "exchangeEnvironmentName": ENDPOINTS[configuration.cloud].exchange_environment,
        "alsoLoad": cmdlets_of(scripts),
        "recipients": recipients,
        "existing": sorted(existing),
    }


def look_in_exchange(script: Path, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a script writes that only looks.

    Raises:
        ExchangeScriptError: It could not read.
    """
    said = run_script(script, asked)
    if said.code:
        raise ExchangeScriptError(said.failure)
    return said.observed


Look = Callable[[Path, Mapping[str, Any]], Mapping[str, Any]]
"""See :func:`look_in_exchange`."""


def rows_of_exchange(plan: Plan, look: Look) -> Iterator[Row]:
    """Who is signed in to Exchange Online, and what it says of addresses.

    Args:
        plan: What is to be deployed.
        look: See :func:`look_in_exchange`.
    """
    organization = plan.configuration.organization
    try:
        said = look(SCRIPT, asked_of_exchange(plan))
    except ExchangeScriptError as error:
        # It says what to do by itself.
        yield Row("Exchange Online", str(error), Verdict.WRONG)
        return
    yield Row("Exchange Online", f"signed in to {organization}")
    yield from _token_row(os.environ.get("EXCHANGE_ACCESS_TOKEN", ""), time.time())
    yield _cmdlets_row(said["missing"])
    if plan.has(Scoping.POLICY):
        yield _enforcement_row(is_right=said["entraGrantsCount"])
    if plan.has(Scoping.RBAC):
        yield _customisation_row(is_right=not said["isDehydrated"])
        yield from _delegation_rows(plan, look, said["missing"])
    yield _domains_row(plan, said["domains"])
    members = {sender.mailbox.address.casefold() for sender in plan.senders}
    members |= {m.casefold() for access in plan.configuration.access for m in access.mailboxes}
    for recipient in said["recipients"]:
        yield _recipient_row(recipient, members)
    control = {entry.control_mailbox for entry in plan.confined}
    mailboxes = plan.mailboxes_of_others()
    for one in said["existing"]:
        what = "mailbox" if one["address"] in mailboxes else "owner"
        what = "control mailbox" if one["address"] in control else what
        yield _existing_row(what, one["address"], one["type"])


def _token_row(token: str, now: float) -> Iterator[Row]:
    """How long a token for Exchange lives that was fetched before: nothing fetches another."""
    try:
        left = round((claims_in(token).expires - now) / 60)
    except ValueError:
        return
    found = f"of EXCHANGE_ACCESS_TOKEN, for {left} minutes more"
    if left >= _MINUTES_IN_EXCHANGE:
        yield Row("sign-in to Exchange", found)
    else:
        yield Row(
            "sign-in to Exchange",
            found,
            Verdict.WRONG,
            "Fetch a fresh one right before up, or sign in by what lasts: a certificate, or the "
            "federated token of a pipeline.",
        )


def _cmdlets_row(missing: Sequence[str]) -> Row:
    subject = "rights in Exchange"
    if not missing:
        return Row(subject, "every cmdlet and parameter that the scripts use")
    return Row(
        subject,
        f"not loaded: {', '.join(missing)}",
        Verdict.WRONG,
        "Have the Exchange roles assigned that docs/getting-started.md names in its section 3; a "
        "new one takes up to two hours.",
    )


_SHOW_ROLES = ("Get-ServicePrincipal", "Get-ManagementRoleAssignment")


def who_in_exchange(environment: Mapping[str, str]) -> dict[str, str]:
    """Who the scripts sign in as: ``appId``, or the user principal name of a ``person``.

    Both are empty where only Exchange knows: for the identity of the machine itself, and for a
    token that does not tell.
    """
    person = environment.get("EXCHANGE_USER_PRINCIPAL_NAME", "")
    if token := environment.get("EXCHANGE_ACCESS_TOKEN", ""):
        try:
            claims = claims_in(token)
        except ValueError:
            return {"appId": "", "person": person}
        person = claims.person or person
        return {"appId": "" if person else claims.client_id, "person": person}
    if identity := environment.get("EXCHANGE_MANAGED_IDENTITY", ""):
        return {"appId": "" if identity == "system" else identity, "person": ""}
    return {"appId": "" if person else environment.get("EXCHANGE_APP_ID", ""), "person": person}


def _delegation_rows(plan: Plan, look: Look, missing: Sequence[str]) -> Iterator[Row]:
    """Whether who deploys may assign the roles that the stack's identities get.

    To run the cmdlet is not enough: without one Exchange says "You must be assigned a delegating
    role assignment to the management role or its parent in the hierarchy without a scope
    restriction". Organization Management, and so Exchange Administrator in Entra, has them all:
    https://learn.microsoft.com/exchange/permissions-exo/application-rbac.
    """
    roles = {
        f"Application {permission}"
        for entry in plan.confined
        if entry.scoping is not Scoping.POLICY
        for permission in entry.permissions
    }
    who = who_in_exchange(os.environ)
    hidden = [name for name in _SHOW_ROLES if name in missing]
    held: Mapping[str, Any] = {}
    reason = ""
    if hidden:
        reason = f"{' and '.join(hidden)} is not loaded"
    elif not any(who.values()):
        reason = "which identity signs in to Exchange is not known here"
    else:
        configuration = plan.configuration
        environment = ENDPOINTS[configuration.cloud].exchange_environment
        asked = {
            "organization": configuration.organization,
            "exchangeEnvironmentName": environment,
        }
        try:
            held = look(DELEGATIONS_SCRIPT, asked | who)
        except ExchangeScriptError as error:
            reason = str(error)
    assignee = f"-App {held.get('objectId') or '<object id of the deploying identity>'}"
    if who["person"]:
        assignee = f"-User {who['person']}"
    for role in sorted(roles):
        subject = f"assigning {role}"
        command = f"New-ManagementRoleAssignment {assignee} -Role '{role}' -Delegating"
        remedy = f"An Exchange administrator runs {command}; it takes up to two hours to act."
        if reason:
            yield Row(subject, f"not looked at: {reason}", Verdict.UNKNOWN, remedy)
        elif role in held["roles"]:
            yield Row(subject, "by a delegating assignment")
        elif not held["isShown"] and "New-ManagementRoleAssignment" not in missing:
            # Nobody is given cmdlets but by a role, and none in Exchange is shown.
            yield Row(subject, "by a role in Entra, such as Exchange Administrator")
        else:
            yield Row(subject, "no delegating assignment without a scope", Verdict.WRONG, remedy)


def _enforcement_row(*, is_right: bool) -> Row:
    subject = "grants in Entra"
    if is_right:
        return Row(subject, "open mailboxes, as the policy expects")
    return Row(
        subject,
        "EnforceExoAppRbacPermissions is set: they open no mailbox",
        Verdict.WRONG,
        "Use scoping: rbac, or: Set-OrganizationConfig -EnforceExoAppRbacPermissions $false",
    )


def _customisation_row(*, is_right: bool) -> Row:
    subject = "customised organisation"
    if is_right:
        return Row(subject, "IsDehydrated is False")
    return Row(
        subject,
        "IsDehydrated is True: no scope can be made",
        Verdict.WRONG,
        "An Exchange administrator runs Enable-OrganizationCustomization, once and for good, an "
        "hour before.",
    )


def _domains_row(plan: Plan, accepted: Iterable[str]) -> Row:
    subject = "accepted domains"
    known = {domain.casefold() for domain in accepted}
    addresses = [s.mailbox.address for s in plan.senders]
    addresses += [entry.group.address for entry in plan.confined if entry.group]
    strangers = [a for a in addresses if a.rpartition("@")[2].casefold() not in known]
    if strangers:
        return Row(
            subject,
            f"the organisation has not that of {', '.join(strangers)}",
            Verdict.WRONG,
            f"Use one of {', '.join(sorted(known))}.",
        )
    return Row(subject, "cover the addresses of mailboxes and groups")


_STATES = {
    "free": "the address is free",
    "ours": "this stack's own",
    "adopted": "is there, and is taken over: adopt is true",
}


def _recipient_row(recipient: Mapping[str, Any], wanted: set[str]) -> Row:
    subject, state = recipient["address"], recipient["state"]
    if state not in _STATES:
        return Row(subject, recipient["text"], Verdict.WRONG)
    applications = sorted({*recipient["applications"]})
    if len(applications) > 1:
        return Row(
            subject,
            f"is the scope of the policies of {', '.join(applications)}",
            Verdict.WRONG,
            "Give the sender a group of its own: what members this one would lose, the other "
            "application would.",
        )
    strays = [each for each in recipient["members"] if each.casefold() not in wanted]
    going = f"; these members go: {', '.join(strays)}" if strays else ""
    # Whose the one is nobody can tell before there is an identity: the person who asks may know.
    if state == "adopted" and applications:
        going += f"; the policy of the application {applications[0]} is on it"
    return Row(subject, _STATES[state] + going)


def _existing_row(what: str, address: str, kind: str) -> Row:
    subject, is_mailbox = f"{what} {address}", what != "owner"
    # A Microsoft 365 group is a GroupMailbox, and whoever owns it says who is in it.
    if (kind.endswith("Mailbox") and kind != "GroupMailbox") or (kind and not is_mailbox):
        return Row(subject, f"is a {kind}")
    return Row(
        subject,
        f"is a {kind}" if kind else "does not exist",
        Verdict.WRONG,
        "Write the address of a mailbox that exists." if is_mailbox else "Write another address.",
    )


# The whole


def expected_minutes(plan: Plan) -> int:
    """How long the first ``up`` will take, about."""
    waits = plan.has(Scoping.POLICY)
    settle = plan.configuration.settle.total_seconds() if waits else 0.0
    return _WORK + round(settle / 60)


def _remarks(plan: Plan) -> Iterator[str]:
    settle = expected_minutes(plan) - _WORK
    wait = f", {settle} of them for settle, between proof and grant" if settle else ""
    yield f"The first up takes about {expected_minutes(plan)} minutes{wait}."
    if plan.has(Scoping.POLICY):
        yield "Graph obeys a new policy up to an hour or more after Exchange."
    if plan.has(Scoping.RBAC):
        yield "Roles in Exchange act half an hour to two hours after up has assigned them."


def plan_of(stack: str) -> Plan:
    """What a stack of the project in the current folder is told, and what it holds.

    Raises:
        ProofError: Pulumi does not tell.
        ConfigurationError: It is wrong.
    """
    entries = asked_of_pulumi("config", "--json", stack=stack, what="configuration")
    values = {key: entry.get("value") for key, entry in entries.items()}
    own = f"{NAMESPACE}:"
    given = {key.removeprefix(own): value for key, value in values.items() if key.startswith(own)}
    given.setdefault("location", values.get("azure-native:location"))
    configuration = load_configuration(
        {key: value for key, value in given.items() if value is not None}
    )
    return Plan(
        stack.rpartition("/")[2],
        configuration,
        values.get("azure-native:subscriptionId") or os.environ.get("ARM_SUBSCRIPTION_ID", ""),
        stack_deployment(stack),
    )


def _rows(stack: str, show: Callable[[str], None]) -> tuple[list[Row], Plan | None]:
    show("looking at programs on this machine")
    rows = [*rows_of_programs()]
    try:
        plan = plan_of(stack)
    except ProofError as error:
        remedy = f"pulumi stack init {stack}" if "no stack named" in str(error) else ""
        return [*rows, Row("configuration", str(error), Verdict.WRONG, remedy)], None
    except ConfigurationError as error:
        return [*rows, Row("configuration", str(error), Verdict.WRONG)], None
    named = ", ".join(entry.name for entry in plan.confined)
    rows.append(Row("configuration", f"without a mistake, of {named}"))
    show("looking at Azure and Entra")
    rows += rows_of_clouds(plan, SignedIn(plan.configuration.cloud))
    show("looking at Exchange Online")
    rows += rows_of_exchange(plan, look_in_exchange)
    return rows, plan


_COLOURS = {Verdict.RIGHT: "green", Verdict.WRONG: "red", Verdict.UNKNOWN: "yellow"}
_SAID = {
    Verdict.RIGHT: "Nothing stands in the way.",
    Verdict.WRONG: "Something stands in the way: see above.",
    Verdict.UNKNOWN: "Not everything could be found out: see above.",
}


def _table(stack: str, rows: Iterable[Row]) -> Table:
    table = Table(title=f"Before up of {stack}", title_justify="left")
    for heading in ("what", "found", "is", "what to do"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        verdict = Text(row.verdict, style=_COLOURS[row.verdict])
        table.add_row(Text(row.subject), Text(row.found), verdict, Text(row.remedy))
    return table


def main(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit code of the process."""
    parser = argparse.ArgumentParser(
        prog="python -m operations.check",
        description="Looks at what stands in the way of the first up of a stack. Changes nothing.",
        epilog="Exit codes: 0 nothing does, 1 something does, 2 something was not found out.",
    )
    parser.add_argument("--stack", required=True, help="name of the stack")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args(arguments)
    progress = consoles.progress()
    try:
        rows, plan = _rows(options.stack, progress.print)
    except KeyboardInterrupt:
        return 130
    result = result_of(rows)
    if options.json:
        print(  # noqa: T201 - this is the command's output
            json.dumps(
                {
                    "stack": options.stack,
                    "result": result,
                    "minutes": plan and expected_minutes(plan),
                    "rows": [asdict(row) for row in rows],
                },
                indent=2,
            )
        )
        return EXIT_CODES[result]
    console = consoles.findings()
    console.print(_table(options.stack, rows))
    if plan is None:
        console.print("Azure, Entra and Exchange are looked at once the configuration is right.")
    else:
        for remark in _remarks(plan):
            console.print(remark, markup=False)
    console.print(_SAID[result])
    return EXIT_CODES[result]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
