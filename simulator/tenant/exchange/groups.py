"""The distribution group cmdlets: plain distribution groups and mail-enabled security groups."""

from simulator.tenant.answers import ExchangeError, NotSimulated
from simulator.tenant.exchange.mailboxes import select
from simulator.tenant.exchange.recipients import (
    DISTRIBUTION_GROUP,
    GROUP_TYPES,
    MAILBOX_TYPES,
    SECURITY_GROUP,
    VALIDATION,
    Recipients,
    checked_name,
    common_properties,
    recipient_properties,
)
from simulator.tenant.store import Document, Store

MEMBER_TYPES = (*MAILBOX_TYPES, *GROUP_TYPES)
# Who may own a group: a mailbox, a mail user or a mail-enabled security group. The deploying
# service principal is none of these.
OWNER_TYPES = (*MAILBOX_TYPES, SECURITY_GROUP)


class Groups:
    """Get-, New-, Set- and Remove-DistributionGroup, and the four member cmdlets."""

    def __init__(self, store: Store, recipients: Recipients) -> None:
        self._store = store
        self._recipients = recipients

    def _properties(self, group: Document) -> Document:
        return {
            **common_properties(group),
            "WindowsEmailAddress": group["addresses"][0],
            "GroupType": (
                "Universal, SecurityEnabled" if group["type"] == SECURITY_GROUP else "Universal"
            ),
            "ManagedBy": [owner["name"] for owner in self._recipients.named(group["managedBy"])],
            "MemberJoinRestriction": group["join"],
            "MemberDepartRestriction": group["depart"],
            "RequireSenderAuthenticationEnabled": group["requireSenderAuthentication"],
            "Description": group["description"],
        }

    def get_group(self, parameters: Document) -> list[Document]:
        return select(parameters, self._recipients.all(GROUP_TYPES), self._properties)

    def new_group(self, parameters: Document) -> list[Document]:
        security = parameters.get("Type", "Distribution") == "Security"
        group = self._recipients.new(
            SECURITY_GROUP if security else DISTRIBUTION_GROUP,
            name=parameters["Name"],
            display_name=self._under_policy(
                parameters.get("DisplayName") or parameters["Name"], parameters
            ),
            alias=parameters.get("Alias"),
            address=parameters.get("PrimarySmtpAddress"),
        )
        group |= {
            "members": self._ids(parameters.get("Members", []), MEMBER_TYPES),
            # Without -ManagedBy the creating user would own the group. An application cannot own
            # one, and the pages do not say who does: nobody is the reading in which every later
            # change needs the bypass.
            "managedBy": self._ids(parameters.get("ManagedBy", []), OWNER_TYPES),
            "join": "Closed",
            "depart": "Closed" if security else "Open",
            "requireSenderAuthentication": True,
            "description": [],
        }
        self._change(group, parameters)
        self._recipients.put(group)
        return [self._properties(group)]

    def set_group(self, parameters: Document) -> list[Document]:
        group = self._managed_group(parameters)
        if "PrimarySmtpAddress" in parameters:
            self._recipients.change_primary_address(group, parameters["PrimarySmtpAddress"])
        self._recipients.change_common(group, parameters)
        if "DisplayName" in parameters:
            group["displayName"] = self._under_policy(parameters["DisplayName"], parameters)
        if "Name" in parameters:
            self._recipients.check_name_free(
                checked_name(parameters["Name"]), except_id=group["id"]
            )
            group["name"] = parameters["Name"]
        if "ManagedBy" in parameters:
            if not parameters["ManagedBy"]:
                raise ExchangeError(VALIDATION, "A group must have at least one owner.")
            group["managedBy"] = self._ids(parameters["ManagedBy"], OWNER_TYPES)
        self._change(group, parameters)
        self._recipients.put(group)
        return []

    def _under_policy(self, display_name: str, parameters: Document) -> str:
        """The display name that a group gets: the organisation's naming policy comes before it."""
        if parameters.get("IgnoreNamingPolicy"):
            return display_name
        prefix: str = self._store.setting("group naming policy", "")
        return f"{prefix}{display_name}"

    def _change(self, group: Document, parameters: Document) -> None:
        for parameter, key in (
            ("MemberJoinRestriction", "join"),
            ("MemberDepartRestriction", "depart"),
        ):
            if parameter in parameters:
                if group["type"] == SECURITY_GROUP and parameters[parameter] == "Open":
                    raise ExchangeError(
                        VALIDATION, f"{parameter} can't be Open on a security group."
                    )
                group[key] = parameters[parameter]
        if "RequireSenderAuthenticationEnabled" in parameters:
            group["requireSenderAuthentication"] = parameters["RequireSenderAuthenticationEnabled"]
        if "Description" in parameters:
            group["description"] = parameters["Description"]

    def remove_group(self, parameters: Document) -> list[Document]:
        group = self._managed_group(parameters)
        self._recipients.take_leave(group)
        self._store.delete("recipient", group["id"])
        return []

    def get_members(self, parameters: Document) -> list[Document]:
        group = self._recipients.find(parameters["Identity"], GROUP_TYPES)
        return select(
            {name: value for name, value in parameters.items() if name != "Identity"},
            self._recipients.named(group["members"]),
            recipient_properties,
        )

    def add_member(self, parameters: Document) -> list[Document]:
        group, member = self._group_and_member(parameters)
        if member["id"] in group["members"]:
            raise ExchangeError(
                "Microsoft.Exchange.Management.Tasks.MemberAlreadyExistsException",
                f'The recipient "{member["name"]}" is already a member of the group '
                f'"{group["name"]}".',
            )
        group["members"].append(member["id"])
        self._recipients.put(group)
        return []

    def remove_member(self, parameters: Document) -> list[Document]:
        group, member = self._group_and_member(parameters)
        if member["id"] not in group["members"]:
            raise ExchangeError(
                "Microsoft.Exchange.Management.Tasks.MemberNotFoundException",
                f'The recipient "{member["name"]}" isn\'t a member of the group "{group["name"]}".',
            )
        group["members"].remove(member["id"])
        self._recipients.put(group)
        return []

    def update_members(self, parameters: Document) -> list[Document]:
        """Replaces the whole list."""
        group = self._managed_group(parameters)
        group["members"] = self._ids(parameters.get("Members", []), MEMBER_TYPES)
        self._recipients.put(group)
        return []

    def _group_and_member(self, parameters: Document) -> tuple[Document, Document]:
        if not parameters.get("Member"):
            raise NotSimulated(
                "The simulated tenant needs -Member: nobody joins or leaves himself."
            )
        group = self._managed_group(parameters)
        return group, self._recipients.find(parameters["Member"], MEMBER_TYPES)

    def _managed_group(self, parameters: Document) -> Document:
        """The group that a caller who is none of its owners may change."""
        group = self._recipients.find(parameters["Identity"], GROUP_TYPES)
        if not parameters.get("BypassSecurityGroupManagerCheck"):
            raise ExchangeError(
                "Microsoft.Exchange.Configuration.Tasks.OperationRequiresGroupManagerException",
                "You don't have sufficient permissions. This operation can only be performed by "
                "a manager of the group.",
            )
        return group

    def _ids(self, identities: list[str], types: tuple[str, ...]) -> list[str]:
        found = [self._recipients.find(identity, types)["id"] for identity in identities]
        return list(dict.fromkeys(found))
