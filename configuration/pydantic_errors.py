"""What pydantic finds wrong, as a mistake that a person can mend."""

import re
from typing import Any, get_args, get_origin

from pydantic_core import ErrorDetails

from configuration.keys import HttpRequestTrigger, RecurrenceTrigger, StackConfiguration
from configuration.mistakes import ABSENT, KeyPath, Mistake, did_you_mean, listed
from configuration.values import HALF_A_CHARACTER, Keys

_TRIGGERS: dict[str | int, type[Keys]] = {
    "httpRequest": HttpRequestTrigger,
    "recurrence": RecurrenceTrigger,
}

# Of each key that takes one of several words, what is said of any other.
_NONE_OF_THE_WORDS = {
    "cloud": "is not a cloud that this program knows",
    "contentType": "is not a type of text that Graph knows",
    "deletion": "says nothing about mailboxes and groups",
    "frequency": "is not a frequency that Logic Apps knows",
    "identity": "is not a kind of managed identity",
    "importance": "is not an importance that Graph knows",
    "permissions": "is not one of the eleven permissions that an application access policy "
    "confines: granted, it would reach every mailbox of the organisation",
    "scoping": "is nothing that confines an identity",
    "signature": "says nothing about the signature",
    "type": "is not a type of value",
    "weekDays": "is not a day",
}

# By pydantic's kind of error, what is wrong, and what to write: ``{}`` is what the key takes.
_SAID = {
    "missing": ("is missing", "Write {}."),
    "string_type": ("is not text", "Write text; in quotes, where it looks like something else."),
    "string_unicode": HALF_A_CHARACTER,
    "bool_type": ("is neither true nor false", "Write true or false, without quotes."),
    "int_type": ("is not a whole number", "Write a whole number, without quotes."),
    "greater_than_equal": ("is out of range", "Write {}."),
    "less_than_equal": ("is out of range", "Write {}."),
    "tuple_type": ("is not a list", "Write a list: each item on a line that begins with '- '."),
    "dict_type": ("is not a group of keys", "Write below it, a key a line: each with its value."),
}


def _place(location: KeyPath) -> tuple[KeyPath, type[Keys], str | None, type[Keys] | None]:
    """Where pydantic's location leads.

    Returns:
        The path, without the type of a trigger, which pydantic's location also names; the group of
        keys that the last known key of it is in; that key, none if the first is unknown; and the
        group that stands below it, none where a person chooses the names, as of policies.
    """
    path: list[str | int] = []
    parent: type[Keys] = StackConfiguration
    key: str | None = None
    group: type[Keys] | None = parent
    named = False
    for step in location:
        if path and path[-1] == "trigger" and step in _TRIGGERS:
            group = _TRIGGERS[step]
            continue
        path.append(step)
        if named:
            # What a person chose, as the name of a parameter.
            named = False
            continue
        if isinstance(step, str) and group is not None:
            parent, key = group, step if step in group.by_key() else None
            group = _group_below(parent, step)
            named = key is not None and get_origin(parent.by_key()[key].annotation) is dict
    return tuple(path), parent, key, group


def _group_below(group: type[Keys], key: str) -> type[Keys] | None:
    pending: list[Any] = [field.annotation for name, field in group.by_key().items() if name == key]
    while pending:
        annotation = pending.pop()
        if isinstance(annotation, type) and issubclass(annotation, Keys):
            return annotation
        pending.extend(get_args(annotation))
    return None


def mistake_of(error: ErrorDetails) -> Mistake:
    """What pydantic found wrong, in words for the person who wrote it."""
    path, parent, key, group = _place(error["loc"])
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    takes = parent.by_key()[key].title if key else ""
    if kind == "extra_forbidden":
        problem = "is a key that does not exist here"
        keys = [*parent.by_key()]
        remedy = f"Write {listed(keys)}.{did_you_mean(path[-1], keys)}"
    elif given is None:
        problem, remedy = "has no value", f"Write {takes}."
    elif kind == "refused":
        problem, remedy = context["problem"], context["remedy"]
    elif kind == "enum":
        problem, words = _NONE_OF_THE_WORDS[str(key)], context["expected"].replace("'", "")
        remedy = f"Write {words}.{did_you_mean(given, re.split(', | or ', words))}"
    elif path[-1] == "trigger" and kind != "missing":
        path, known = (*path, "type"), [str(tag) for tag in _TRIGGERS]
        given = given.get("type", ABSENT) if isinstance(given, dict) else ABSENT
        problem = "is no kind of trigger"
        remedy = f"Write {listed(known)}.{did_you_mean(given, known)}"
    elif kind == "model_type" and group is not None:
        problem = "is not a group of keys"
        remedy = f"Write below it, a key a line: {', '.join(group.by_key())}."
    else:
        problem, remedy = _SAID[kind]
        remedy = remedy.format(takes)
    return Mistake(path, ABSENT if kind == "missing" else given, problem, remedy)
