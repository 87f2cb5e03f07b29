"""Tags of resources in Azure: what they may be, and what Azure Policy says of them.

Sources: https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources; Azure
PowerShell (``src/RecoveryServices``), which has the service's texts; and reports of
``RequestDisallowedByPolicy``. Ours are the texts about the number and the case of tags, and about
reserved prefixes.
"""

import json
import re
from typing import Any

from simulator.tenant.answers import CloudError
from simulator.tenant.arm.exceptions import invalid_content
from simulator.tenant.identifiers import SUBSCRIPTION_ID
from simulator.tenant.store import Document

NO_TAG_POLICIES: Document = {"require": [], "add": {}}
MOST_TAGS = 50
LONGEST_NAME = 512
LONGEST_VALUE = 256
RESERVED_PREFIXES = ("microsoft", "azure", "windows")
# Of Azure Policy's built-in definition "Require a tag on resources".
REQUIRE_A_TAG = "871b6d14-10aa-478d-b590-94f262ecfa99"


def written_tags(name: str, given: Any, policies: Document) -> Document:
    """The tags of what a PUT writes, by that name, after the policies of the subscription."""
    tags = dict(_checked(given))
    # Azure Policy changes a request before it judges it.
    for tag, value in policies["add"].items():
        if tag.casefold() not in {each.casefold() for each in tags}:
            tags[tag] = value
    for tag in policies["require"]:
        if tag.casefold() not in {each.casefold() for each in tags}:
            raise CloudError(403, "RequestDisallowedByPolicy", _disallowed(name, tag))
    return tags


def _checked(tags: Any) -> dict[str, str]:
    if not isinstance(tags, dict) or any(not isinstance(value, str) for value in tags.values()):
        raise invalid_content("the value of 'tags' is not a mapping of texts.")
    if len(tags) > MOST_TAGS:
        raise CloudError(
            400,
            "InvalidTags",
            f"The resource has {len(tags)} tags. The maximum number of tags is {MOST_TAGS}.",
        )
    for name, value in tags.items():
        _check_name(name)
        if len(value) > LONGEST_VALUE:
            raise CloudError(
                400,
                "InvalidTagValueLength",
                f"Tag value too large. Following tag value '{value}' exceeded the maximum length. "
                f"Maximum allowed length for tag value - '{LONGEST_VALUE}' characters.",
            )
    folded = [name.casefold() for name in tags]
    if twice := [name for name in tags if folded.count(name.casefold()) > 1]:
        raise CloudError(
            400, "InvalidTags", f"The tag names '{', '.join(twice)}' differ in case only."
        )
    return tags


def _check_name(name: str) -> None:
    if not name or re.search(r"[<>%&\\?/\x00-\x1f\x7f]", name):
        raise CloudError(
            400,
            "InvalidTagNameCharacters",
            f"The tag names '{name}' have reserved characters '<,>,%,&,\\,?,/' or control "
            "characters.",
        )
    if len(name) > LONGEST_NAME:
        raise CloudError(
            400,
            "InvalidTagName",
            f"Tag key too large. Following tag name '{name}' exceeded the maximum length. Maximum "
            f"allowed length for tag name - '{LONGEST_NAME}' characters.",
        )
    if name.casefold().startswith(RESERVED_PREFIXES):
        raise CloudError(
            400,
            "InvalidTagNamePrefix",
            f"The tag name '{name}' begins with one of the reserved prefixes "
            f"'{','.join(RESERVED_PREFIXES)}'.",
        )


def _disallowed(name: str, tag: str) -> str:
    """What Azure Policy says of a resource that lacks a tag."""
    policies = [
        {
            "policyAssignment": {
                "name": f"Require the tag {tag}",
                "id": (
                    f"/subscriptions/{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/"
                    f"policyAssignments/require-{tag.lower()}"
                ),
            },
            "policyDefinition": {
                "name": "Require a tag on resources",
                "id": f"/providers/Microsoft.Authorization/policyDefinitions/{REQUIRE_A_TAG}",
            },
        }
    ]
    shown = json.dumps(policies, separators=(",", ":"))
    return f"Resource '{name}' was disallowed by policy. Policy identifiers: '{shown}'."
