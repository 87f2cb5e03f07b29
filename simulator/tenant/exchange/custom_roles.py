"""Management roles that an organisation made: children of a built-in one, with fewer entries.

An entry is a cmdlet with parameters. After the pages of ``New-ManagementRole``,
``Add-ManagementRoleEntry``, ``Set-ManagementRoleEntry`` and ``Remove-ManagementRoleEntry``
(https://learn.microsoft.com/powershell/module/exchangepowershell): a child starts with the entries
of its parent, or those that ``-EnabledCmdlets`` names, may hold nothing that the parent does not,
and nobody changes the entries of a built-in role.
"""

from collections.abc import Collection, Iterator, Mapping

from simulator.catalogue import catalogue
from simulator.tenant.answers import ExchangeError, NotSimulated
from simulator.tenant.exchange.recipients import VALIDATION, Recipients, checked_name, not_found
from simulator.tenant.identifiers import new_id
from simulator.tenant.store import Document, Store

KIND = "exchangeManagementRole"
# Every entry lists them beside the cmdlet's own.
COMMON = ("Debug", "ErrorAction", "ErrorVariable", "OutVariable", "Verbose", "WarningAction")


class CustomRoles:
    """The cmdlets about management roles and their entries."""

    def __init__(
        self, store: Store, built_in: Mapping[str, Collection[str]], recipients: Recipients
    ) -> None:
        """Takes the store, the cmdlets of each built-in role, and who knows the organisation."""
        self._store = store
        self._built_in = built_in
        self._recipients = recipients

    def entries(self, name: str) -> dict[str, frozenset[str]] | None:
        """The parameters of each cmdlet of a role; ``None`` where there is no such role."""
        if name in self._built_in:
            return {cmdlet: _parameters(cmdlet) for cmdlet in self._built_in[name]}
        role = self._custom(name)
        if role is None:
            return None
        return {cmdlet: frozenset(given) for cmdlet, given in role["entries"].items()}

    def lineage(self, name: str) -> Iterator[str]:
        """A role, its parent, and so on up to a built-in one."""
        yield name
        while role := self._custom(name):
            name = role["parent"]
            yield name

    def get_role(self, parameters: Document) -> list[Document]:
        """All of them, or one."""
        shown: list[Document] = [{"Name": name, "Parent": None} for name in self._built_in]
        shown += [
            self._shown(role)
            for role in self._store.all(KIND)
            if self._store.is_past(role["visibleAt"])
        ]
        identity = parameters.get("Identity")
        if identity is None:
            return shown
        found = [role for role in shown if str(role["Name"]).casefold() == identity.casefold()]
        if not found:
            raise not_found(identity)
        return found

    def new_role(self, parameters: Document) -> list[Document]:
        """A child of another role: with all its entries, or those of the cmdlets that are named."""
        name, parent = checked_name(parameters["Name"]), parameters["Parent"]
        entries = self.entries(parent)
        if entries is None:
            raise not_found(parent)
        if self.entries(name) is not None:
            raise ExchangeError(
                "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
                f"The management role '{name}' already exists.",
            )
        enabled = parameters.get("EnabledCmdlets") or list(entries)
        for cmdlet in enabled:
            if cmdlet not in entries:
                raise _not_in_parent(cmdlet, parent)
        role = {
            "id": new_id(),
            "name": name,
            "parent": parent,
            "entries": {cmdlet: sorted(entries[cmdlet]) for cmdlet in enabled},
            "visibleAt": self._store.visible_at("exchange"),
        }
        self._store.put(KIND, role["id"], role)
        return [self._shown(role)]

    def get_entry(self, parameters: Document) -> list[Document]:
        """All entries of a role, for the role's name with a backslash and ``*``, or one entry."""
        role, cmdlet = _split(parameters["Identity"])
        if "*" in role or ("*" in cmdlet and cmdlet != "*"):
            raise NotSimulated("The simulated tenant lists entries by 'role\\*' only.")
        custom = self._custom(role)
        entries = self.entries(role)
        if entries is None or (custom and not self._store.is_past(custom["visibleAt"])):
            raise not_found(parameters["Identity"])
        return [
            {"Name": name, "Role": role, "Type": "Cmdlet", "Parameters": sorted(given)}
            for name, given in sorted(entries.items())
            if cmdlet in ("*", name)
        ]

    def add_entry(self, parameters: Document) -> list[Document]:
        role, cmdlet = self._changeable(parameters["Identity"])
        if cmdlet in role["entries"]:
            raise ExchangeError(
                "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
                f"The management role entry '{parameters['Identity']}' already exists.",
            )
        self._put(role, cmdlet, parameters.get("Parameters"))
        return []

    def set_entry(self, parameters: Document) -> list[Document]:
        """Without one of its two switches: the entry has the parameters that are named, alone."""
        role, cmdlet = self._changeable(parameters["Identity"])
        if cmdlet not in role["entries"]:
            raise not_found(parameters["Identity"])
        self._put(role, cmdlet, parameters.get("Parameters") or [])
        return []

    def remove_entry(self, parameters: Document) -> list[Document]:
        role, cmdlet = self._changeable(parameters["Identity"])
        if cmdlet not in role["entries"]:
            raise not_found(parameters["Identity"])
        del role["entries"][cmdlet]
        self._store.put(KIND, role["id"], role)
        return []

    def _put(self, role: Document, cmdlet: str, given: Collection[str] | None) -> None:
        parents = (self.entries(role["parent"]) or {}).get(cmdlet)
        if parents is None:
            raise _not_in_parent(cmdlet, role["parent"])
        for name in given or ():
            if name not in parents:
                raise _not_in_parent(f"{cmdlet} -{name}", role["parent"])
        role["entries"][cmdlet] = sorted(parents if given is None else given)
        self._store.put(KIND, role["id"], role)

    def _changeable(self, identity: str) -> tuple[Document, str]:
        name, cmdlet = _split(identity)
        if name in self._built_in:
            raise ExchangeError(
                "System.InvalidOperationException",
                f"You can't change the role entries of the built-in role '{name}'.",
            )
        role = self._custom(name)
        if role is None or not self._store.is_past(role["visibleAt"]):
            raise not_found(identity)
        return role, cmdlet

    def _shown(self, role: Document) -> Document:
        # With the organisation before it, as Microsoft365DSC's example of EXOManagementRole.
        parent = f"{self._recipients.organization.initial}\\{role['parent']}"
        return {"Name": role["name"], "Parent": parent}

    def _custom(self, name: str) -> Document | None:
        return next(
            (role for role in self._store.all(KIND) if role["name"].casefold() == name.casefold()),
            None,
        )


def _split(identity: str) -> tuple[str, str]:
    role, _, cmdlet = identity.rpartition("\\")
    return role, cmdlet


def _parameters(cmdlet: str) -> frozenset[str]:
    """All that a cmdlet has; of one that is not in the catalogue, what every cmdlet has."""
    definition = catalogue().get(cmdlet.casefold())
    own = definition.parameters.values() if definition else ()
    return frozenset([*(parameter.name for parameter in own), *COMMON])


def _not_in_parent(what: str, parent: str) -> ExchangeError:
    # The sentence is ours: the pages say that it is an error, and not in which words.
    return ExchangeError(
        VALIDATION, f"'{what}' can't be in the role: the parent role '{parent}' doesn't have it."
    )
