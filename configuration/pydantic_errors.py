"""What pydantic finds wrong, as a mistake that a person can mend."""

from typing import Any, get_args

from pydantic_core import ErrorDetails

from configuration.keys import HttpRequestTrigger, RecurrenceTrigger, StackConfiguration
from configuration.mistakes import ABSENT, KeyPath, Mistake, RefusedError, did_you_mean, listed
from configuration.values import Keys

_TRIGGERS: dict[str | int, type[Keys]] = {
    "httpRequest": HttpRequestTrigger,
    "recurrence": RecurrenceTrigger,
}


# What pydantic checks by itself: its kind of error, what is wrong, and what to write.
_WRONG_TYPES = {
    "string_type": ("is not text", "Write text; in quotes, where it looks like something else."),
    "string_unicode": (
        "holds half of a character (a surrogate), which cannot be sent anywhere",
        "Write the whole character.",
    ),
    "bool_type": ("is neither true nor false", "Write true or false, without quotes."),
    "int_type": ("is not a whole number", "Write a whole number, without quotes."),
    "tuple_type": ("is not a list", "Write a list: each item on a line that begins with '- '."),
    "dict_type": ("is not a group of keys", "Write below it, a key a line: each with its value."),
}


def _place(location: KeyPath) -> tuple[KeyPath, type[Keys], type[Keys]]:
    """The path of pydantic's location, the group of keys it is in, and the one that it leads to.

    Pydantic's location of a key of a trigger also names the trigger's type; a person's does not.
    """
    path: list[str | int] = []
    parent: type[Keys] = StackConfiguration
    group = parent
    for step in location:
        if path and path[-1] == "trigger" and step in _TRIGGERS:
            group = _TRIGGERS[step]
            continue
        path.append(step)
        if isinstance(step, str):
            parent = group
            group = _group_below(parent, step)
    return tuple(path), parent, group


def _group_below(group: type[Keys], key: str) -> type[Keys]:
    """The group of keys that stands below a key, or the same one where none does."""
    pending: list[Any] = [
        field.annotation for field in group.model_fields.values() if field.alias == key
    ]
    while pending:
        annotation = pending.pop()
        if isinstance(annotation, type) and issubclass(annotation, Keys):
            return annotation
        pending.extend(get_args(annotation))
    return group


def mistake_of(error: ErrorDetails) -> Mistake:
    path, parent, group = _place(error["loc"])
    kind, given, keys = error["type"], error["input"], parent.keys()
    last = next(step for step in reversed(path) if isinstance(step, str))
    # The names of policies and claims are a person's own: what is described is the key above them.
    described = [step for step in path if step in keys]
    description = keys[str(described[-1])] if described else None
    refusal = error.get("ctx", {}).get("error")
    if kind == "missing":
        return Mistake(path, ABSENT, "is missing", f"Write {description}.")
    if kind == "extra_forbidden":
        return Mistake(
            path,
            given,
            "is a key that does not exist here",
            f"Write {listed(list(keys))}.{did_you_mean(last, list(keys))}",
        )
    if given is None:
        return Mistake(path, given, "has no value", f"Write {description}.")
    if isinstance(refusal, RefusedError):
        return Mistake(path, given, refusal.problem, refusal.remedy)
    if path[-1] == "trigger":
        known = [str(tag) for tag in _TRIGGERS]
        tag = given.get("type", ABSENT) if isinstance(given, dict) else ABSENT
        remedy = f"Write {listed(known)}.{did_you_mean(tag, known)}"
        return Mistake((*path, "type"), tag, "is no kind of trigger", remedy)
    if kind == "model_type":
        remedy = f"Write below it, a key a line: {', '.join(group.keys())}."
        return Mistake(path, given, "is not a group of keys", remedy)
    return Mistake(path, given, *_WRONG_TYPES[kind])
