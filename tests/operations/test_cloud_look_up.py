"""What tells an object of this stack from somebody else's."""

import pytest

from operations.cloud_look_up import AzureResource, Kind, _difference

FOUND = AzureResource(
    id="/subscriptions/s/resourceGroups/g",
    type="Microsoft.Resources/resourceGroups",
    location="westeurope",
    tags={"costCenter": "4711", "addedByPolicy": "yes"},
)


@pytest.mark.parametrize("tags", [None, {}, {"costCenter": "4711"}])
def test_tags_that_others_added_are_no_objection(tags: dict[str, str] | None):
    inputs = {"location": "West Europe", "tags": tags}
    assert _difference(Kind.RESOURCE_GROUP, inputs, FOUND) == ""


@pytest.mark.parametrize("tags", [{"costCenter": "4712"}, {"owner": "finance"}])
def test_one_of_ours_that_is_missing_is(tags: dict[str, str]):
    inputs = {"location": "westeurope", "tags": tags}
    assert "has tags" in _difference(Kind.RESOURCE_GROUP, inputs, FOUND)
