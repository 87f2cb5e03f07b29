"""Property bags: the way over the wire, and how two of them differ."""

from typing import Any

import pytest

from simulator.providers.properties import UNKNOWN, Change, differences, from_wire, to_wire


class TestWhatTravelsArrives:
    def test_nested_values_survive_the_wire(self):
        bag = {"a": {"b": ["x", 1, 2.5, True, {}]}, "c": UNKNOWN}

        assert from_wire(to_wire(bag)) == bag

    def test_whole_numbers_arrive_as_integers(self):
        assert type(from_wire(to_wire({"interval": 3}))["interval"]) is int

    def test_properties_without_a_value_are_left_out(self):
        assert from_wire(to_wire({"a": None, "b": "x"})) == {"b": "x"}


class TestDifferencesAreTheSmallestParts:
    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            ({"a": 1}, {"a": 1}, {}),
            ({"a": 1}, {"a": 2}, {"a": Change.UPDATE}),
            ({"a": 1}, {}, {"a": Change.DELETE}),
            ({}, {"a": 1}, {"a": Change.ADD}),
            ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a.c": Change.UPDATE}),
            ({"a": ["x", "y"]}, {"a": ["x"]}, {"a[1]": Change.DELETE}),
            (
                {"a": [{"b": 1}]},
                {"a": [{"b": 2}, 5]},
                {"a[0].b": Change.UPDATE, "a[1]": Change.ADD},
            ),
            ({"a": True}, {"a": 1}, {"a": Change.UPDATE}),
            ({"a": {"b": 1}}, {"a": UNKNOWN}, {"a": Change.UPDATE}),
            ({"a": {"$x.y": 1}}, {"a": {"$x.y": 2}}, {'a["$x.y"]': Change.UPDATE}),
        ],
    )
    def test_path_and_kind(self, old: Any, new: Any, expected: dict[str, Change]):
        assert dict(differences(old, new)) == expected
