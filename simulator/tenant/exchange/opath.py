"""The OPATH filters that the simulated tenant understands.

``Property -eq 'value'`` and ``Property -like 'beginning*'``, joined by -or.

A closed set. What is no OPATH at all is refused in Exchange's words; what Exchange would accept
and this module does not is ``NotSimulated``, never a guess.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simulator.tenant.answers import ExchangeError, NotSimulated

TERM = re.compile(
    r"\s*(?P<property>[A-Za-z0-9]+)\s+-(?P<operator>\w+)\s+'(?P<value>(?:[^']|'')*)'\s*"
)
JOINT = re.compile(r"-(?P<joint>\w+)(?=\s)")


@dataclass(frozen=True)
class Condition:
    """What one property is compared with.

    Attributes:
        value: The whole value, or how it begins.
        is_beginning: Whether it is how it begins.
    """

    property: str
    value: str
    is_beginning: bool


def parse(text: str, filterable: Iterable[str]) -> list[Condition]:
    """The alternatives of a filter.

    Args:
        text: The filter, such as ``CustomAttribute15 -eq 'x' -or DisplayName -eq 'it''s'``.
        filterable: The properties that may be filtered on, in their own spelling.

    Raises:
        ExchangeError: The text is no filter, or names a property that cannot be filtered on.
        NotSimulated: The filter is beyond the closed set.
    """
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]  # As Exchange itself spells the filter of a scope.
    spelling = {name.casefold(): name for name in filterable}
    alternatives: list[Condition] = []
    position = 0
    while True:
        term = TERM.match(text, position)
        if term is None:
            raise ExchangeError(
                "Microsoft.Exchange.Configuration.Tasks.ParsingException",
                f"Invalid filter syntax. For a description of the filter parameter syntax see "
                f'the command help. "{text}" at position {position + 1}.',
            )
        name = term["property"]
        if name.casefold() not in spelling:
            raise ExchangeError(
                "Microsoft.Exchange.Configuration.Tasks.ParsingException",
                f'"{name}" is not a recognized filterable property. For a complete list of '
                "filterable properties see the command help.",
            )
        operator, value = term["operator"].casefold(), term["value"].replace("''", "'")
        if operator not in ("eq", "like"):
            raise NotSimulated(
                f"The simulated tenant filters by -eq and -like only, not by -{operator}: {text}"
            )
        # "The wildcard character is supported only as a suffix in most parameters", and it takes
        # -like: learn.microsoft.com/powershell/exchange/recipient-filters.
        is_beginning = operator == "like" and value.endswith("*")
        value = value.removesuffix("*") if is_beginning else value
        if "*" in value or "?" in value or (operator == "like" and not is_beginning):
            raise NotSimulated(
                f"The simulated tenant knows one wildcard, a * after -like at the end: {text}"
            )
        alternatives.append(Condition(spelling[name.casefold()], value, is_beginning))
        position = term.end()
        if position == len(text):
            return alternatives
        joint = JOINT.match(text, position)
        if joint is None:
            raise ExchangeError(
                "Microsoft.Exchange.Configuration.Tasks.ParsingException",
                f"Invalid filter syntax. For a description of the filter parameter syntax see "
                f'the command help. "{text}" at position {position + 1}.',
            )
        if joint["joint"].casefold() != "or":
            raise NotSimulated(
                f"The simulated tenant joins conditions by -or only, not by -{joint['joint']}: "
                f"{text}"
            )
        position = joint.end()


def matches(properties: Mapping[str, object], alternatives: Iterable[Condition]) -> bool:
    """Whether an object, given by its output properties, satisfies one of the alternatives.

    Case does not count. Of a property with several values one has to match.
    """
    for condition in alternatives:
        held, wanted = properties[condition.property], condition.value.casefold()
        for value in map(str, held if isinstance(held, list) else [held]):
            if value.casefold() == wanted:
                return True
            if condition.is_beginning and value.casefold().startswith(wanted):
                return True
    return False
