"""The tenant: its services around one store."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from simulator.tenant import faults
from simulator.tenant.arm import GROUPS_PATH, ROLES_ON_A_GROUP, Arm, Subscription
from simulator.tenant.arm.monitoring import Monitoring, Notification
from simulator.tenant.clock import Clock
from simulator.tenant.entra import Entra
from simulator.tenant.exchange import Exchange
from simulator.tenant.exchange.languages import Language
from simulator.tenant.exchange.recipients import GROUP_TYPES, MAILBOX_TYPES
from simulator.tenant.graph import Graph
from simulator.tenant.identifiers import new_id
from simulator.tenant.invariant import may_break, record_violations
from simulator.tenant.logic_apps import LogicApps
from simulator.tenant.managed_identities import ManagedIdentities
from simulator.tenant.organization import Organization, keep_organization, organization_of
from simulator.tenant.seed import Seed, assume_mailboxes, sow
from simulator.tenant.store import Call, Change, Document, Store, Violation, utc_now


@dataclass(frozen=True)
class Mail:
    """A mail that Graph accepted.

    Attributes:
        mailbox: Primary address of the mailbox that it was sent as.
        app_id: Client id of the application that sent it.
        message: The message exactly as it was received.
    """

    time: datetime
    mailbox: str
    mailbox_id: str
    app_id: str
    message: Document
    save_to_sent_items: bool


class Tenant:
    """A simulated tenant kept in one SQLite file.

    Args:
        path: The file; a missing one is created, and the tenant in it seeded.
        seed: What a tenant that is created holds.
        organization: Whose tenant it is that is created.
        real_time: Source of real time, UTC. Tests that measure time give one that stands still.
        caller: Who makes the calls: a script's file name, or nothing for all others.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        seed: Seed = Seed.POPULATED,
        organization: Organization = Organization(),  # noqa: B008 - frozen
        real_time: Callable[[], datetime] = utc_now,
        caller: str = "",
    ) -> None:
        self._store = Store(Path(path), real_time, self._check_invariant)
        self._store.caller = caller
        engine_pid = Path(path).with_name(faults.ENGINE_PID)
        self._store.fault_for = lambda service, operation, target: faults.due(
            self._store, service, operation, target, engine_pid
        )
        self.entra = Entra(self._store)
        self.exchange = Exchange(self._store, self.entra)
        self.graph = Graph(self._store, self.entra, self.exchange)
        identities = ManagedIdentities(self._store, self.entra)
        self.logic = LogicApps(self._store, self.entra, self.graph, identities)
        self.monitoring = Monitoring(self._store, self.logic)
        subscription = Subscription(self._store, self.logic, identities, self.monitoring)
        self.arm = Arm(self.entra, subscription)
        self.clock = Clock(self._store, self.logic.run_due, self._try_sending)
        with self._store.transaction():
            if not self._store.setting("seeded", default=False):
                keep_organization(self._store, organization)
                sow(seed, self._store, self.entra, self.exchange)
                self._store.set_setting("seeded", value=True)

    def _check_invariant(self, changes: Set[Change]) -> None:
        if may_break(changes):
            policies, grants = self.exchange.policies.present(), self.exchange.roles.present()
            record_violations(self._store, self.entra, policies, grants)
        self._try_sending()

    def _try_sending(self) -> None:
        if self._store.setting("sending is tried", default=False):
            self.graph.mailboxes.try_sending()

    def set_sending_is_tried(self, value: bool) -> None:
        """Whether each change and each move of the clock is followed by a trial: who sends as whom.

        By default off: a stack without ``settle`` is open for as long as Graph lags, and says so
        when it is used.
        """
        with self._store.transaction():
            self._store.set_setting("sending is tried", value)

    @property
    def organization(self) -> Organization:
        """Whose tenant it is."""
        with self._store.transaction():
            return organization_of(self._store)

    def assume(self, domains: Sequence[str], mailboxes: Sequence[str]) -> list[str]:
        """Gives the organisation domains and people's mailboxes that it does not have yet.

        Args:
            domains: Accepted domains, in lower case.
            mailboxes: Addresses, each in one of the accepted domains.

        Returns:
            What was given: domains and addresses.
        """
        with self._store.transaction():
            kept = organization_of(self._store)
            new_domains = [each for each in domains if each not in kept.accepted]
            keep_organization(self._store, replace(kept, domains=(*kept.domains, *new_domains)))
            new_mailboxes = assume_mailboxes(self._store, self.exchange, mailboxes)
        return [*new_domains, *new_mailboxes]

    @property
    def lags(self) -> dict[str, float]:
        """Seconds that readers lag behind writers, by kind.

        ``directory``: look-ups of a new service principal or user in Entra.
        ``assignment``: the endpoint for app role assignments, after those look-ups.
        ``grant``: an app role assignment just created, for whoever reads it.
        ``exchange``: a mailbox or group just created, for the next cmdlet.
        ``address``: addresses of a removed mailbox or group, for whoever wants them.
        ``policy``: an application access policy created or removed, for Graph.
        ``roles``: an Exchange role assigned to an application or taken back, for its next
        connection, and for Graph where the application is idle: four times as much where it calls.
        ``pointer``: a service principal that is removed in Entra, for Exchange.
        """
        with self._store.transaction():
            lags: dict[str, float] = self._store.setting("lags", {})
            return lags

    def set_lag(self, kind: str, seconds: float) -> None:
        """Sets a lag for what is written from now on.

        Raises:
            ValueError: There is no such kind.
        """
        with self._store.transaction():
            if kind not in self.lags:
                raise ValueError(f"no lag is called {kind!r}; there are {', '.join(self.lags)}")
            self._store.set_setting("lags", self.lags | {kind: float(seconds)})

    def plan_faults(self, planned: Sequence[faults.Fault]) -> None:
        """Plans what goes wrong from now on, in place of what was planned before (``faults.py``).

        Raises:
            ValueError: The kind of a fault cannot happen to its step.
        """
        faults.plan(self._store, planned)

    def faults_happened(self) -> int:
        """How many of the planned faults have come due."""
        with self._store.transaction():
            return faults.happened(self._store)

    def set_mailbox_names_are_object_ids(self, value: bool) -> None:
        """Whether new mailboxes get their object id as Name: by default, as in some tenants."""
        with self._store.transaction():
            self._store.set_setting("mailbox names are object ids", value)

    def set_group_naming_policy(self, prefix: str) -> None:
        """What the organisation puts before the display name of each group; by default nothing."""
        with self._store.transaction():
            self._store.set_setting("group naming policy", prefix)

    def add_administrative_unit(self, name: str, members: Sequence[str]) -> str:
        """Makes an administrative unit of Entra, with the mailboxes of these addresses.

        Returns:
            Its id.
        """
        with self._store.transaction():
            found = [self.exchange.recipients.find(each, MAILBOX_TYPES) for each in members]
            unit_id = new_id()
            unit = {"id": unit_id, "name": name, "members": [mailbox["id"] for mailbox in found]}
            self._store.put("administrativeUnit", unit_id, unit)
        return unit_id

    def relocate(self, address: str) -> None:
        """Moves a group to another forest, as Microsoft moves tenants: its DN is another then."""
        with self._store.transaction():
            group = self.exchange.recipients.find(address, GROUP_TYPES)
            group["organizationalUnit"] = group["organizationalUnit"].replace("DC=EUR", "DC=NAM")
            self.exchange.recipients.put(group)

    def set_organization_config(self, name: str, value: object) -> None:
        """Sets what Get-OrganizationConfig shows under that name (``exchange/client_access.py``).

        Raises:
            ValueError: There is no such setting.
        """
        with self._store.transaction():
            self.exchange.client_access.set_organization(name, value)

    def set_language(self, language: str) -> None:
        """The language in which the organisation's Exchange answers; by default ``en``.

        Raises:
            ValueError: It is none of those in ``exchange/languages.py``.
        """
        with self._store.transaction():
            self._store.set_setting("language", Language(language))

    def set_live_text_of_denials(self, value: bool) -> None:
        """Whether Graph names the policy when it denies, as seen live; by default as documented."""
        with self._store.transaction():
            self._store.set_setting("live text of denials", value)

    def set_tag_policies(
        self, *, require: Sequence[str] = (), add: Mapping[str, str] | None = None
    ) -> None:
        """What Azure Policy demands of the tags of each request, and adds to those that lack it.

        Args:
            require: Names of tags without which a resource is refused.
            add: Tags that a resource gets that does not have them.
        """
        with self._store.transaction():
            self._store.set_setting("tag policies", {"require": [*require], "add": {**(add or {})}})

    def set_locks(self, **levels: str) -> None:
        """Locks resource groups, by name: ``CanNotDelete`` or ``ReadOnly``; all others are free."""
        with self._store.transaction():
            locks = {f"{GROUPS_PATH}/{name}": level for name, level in levels.items()}
            self._store.set_setting("locks", locks)

    def set_only_resource_group(
        self, name: str, roles: Sequence[str] = tuple(ROLES_ON_A_GROUP)
    ) -> None:
        """Leaves who deploys some roles on one resource group, and none on the subscription."""
        with self._store.transaction():
            self._store.set_setting("only resource group", name)
            self._store.set_setting("roles on resource group", list(roles))

    def set_workspaces(self, *ids: str) -> None:
        """The Log Analytics workspaces that there are, by their resource ids."""
        with self._store.transaction():
            self._store.set_setting("workspaces", [*ids])

    def notifications(self) -> list[Notification]:
        """What the rules of Azure Monitor say of the runs so far, one for each failed run."""
        with self._store.transaction():
            return self.monitoring.notifications()

    def set_unregistered_providers(self, *namespaces: str) -> None:
        """Namespaces that the subscription was never registered for, such as Microsoft.Logic."""
        with self._store.transaction():
            self._store.set_setting("unregistered providers", list(namespaces))

    def record_call(self, service: str, operation: str, target: str) -> None:
        """Writes down a call that none of the services here answers, such as a process start."""
        self._store.call(service, operation, target, lambda: None)

    def calls(self) -> list[Call]:
        """Every call so far, in order; a refused one too."""
        with self._store.transaction():
            return self._store.calls()

    def violations(self) -> list[Violation]:
        """Every moment at which invariant N began to be broken."""
        with self._store.transaction():
            return self._store.violations()

    def mail(self) -> list[Mail]:
        """Every mail that was accepted, oldest first."""
        with self._store.transaction():
            return [
                Mail(
                    datetime.fromisoformat(mail["time"]),
                    mail["mailbox"],
                    mail["mailboxId"],
                    mail["appId"],
                    mail["message"],
                    mail["saveToSentItems"],
                )
                for mail in self._store.all("mail")
            ]

    def snapshot(self) -> dict[str, dict[str, Document]]:
        """All objects of the tenant by kind and id, for comparing two moments.

        Soft-deleted mailboxes stand apart. Calls, tokens, mail and run history are no objects.
        """
        with self._store.transaction():
            recipients = self._store.all("recipient")
            kinds = {
                "servicePrincipals": self._store.all("servicePrincipal"),
                "appRoleAssignments": self._store.all("appRoleAssignment"),
                "mailboxes": [r for r in recipients if r["type"] in MAILBOX_TYPES],
                "groups": [r for r in recipients if r["type"] in GROUP_TYPES],
                "applicationAccessPolicies": [
                    policy for policy in self._store.all("policy") if policy["removedAt"] is None
                ],
                "servicePrincipalPointers": self.exchange.roles.pointers(),
                "managementScopes": self._store.all("managementScope"),
                "managementRoleAssignments": self.exchange.roles.assignments(),
                "resourceGroups": self._store.all("resourceGroup"),
                "managedIdentities": self._store.all("managedIdentity"),
                "workflows": self._store.all("workflow"),
                "monitoring": self._store.all("monitor"),
                "softDeletedMailboxes": self.exchange.recipients.soft_deleted(),
            }
        return {kind: {o["id"]: o for o in objects} for kind, objects in kinds.items()}

    def close(self) -> None:
        """Gives the file free. Nothing of the tenant can be used afterwards."""
        self._store.close()
