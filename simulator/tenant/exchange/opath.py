"""The OPATH filters that the simulated tenant understands: ``Property -eq 'value'``, joined by -or.

A closed set. What is no OPATH at all is refused in Exchange's words; what Exchange would accept
and this module does not is ``NotSimulated``, never a guess.
"""

import re
from collections.abc import Iterable, Mapping

from simulator.tenant.answers import ExchangeError, NotSimulated

TERM = re.compile(
    r"\s*(?P<property>[A-Za-z0-9]+)\s+-(?P<operator>\w+)\s+'(?P<value>(?:[^']|'')*)'\s*"
)
JOINT = re.compile(r"-(?P<joint>\w+)(?=\s)")


def parse(text: str, filterable: Iterable[str]) -> list[tuple[str, str]]:
    """The alternatives of a filter, as pairs of property and value.

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
    alternatives: list[tuple[str, str]] = []
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
        if term["operator"].casefold() != "eq":
            raise NotSimulated(
                f"The simulated tenant filters by -eq only, not by -{term['operator']}: {text}"
            )
        if "*" in term["value"]:
            raise NotSimulated(f"The simulated tenant knows no wildcards in a filter: {text}")
        alternatives.append((spelling[name.casefold()], term["value"].replace("''", "'")))
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


def matches(properties: Mapping[str, object], alternatives: Iterable[tuple[str, str]]) -> bool:
    """Whether an object, given by its output properties, satisfies one of the alternatives.

    Case does not count. Of a property with several values one has to match.
    """
    for name, wanted in alternatives:
        held = properties[name]
        values = held if isinstance(held, list) else [held]
        if any(str(value).casefold() == wanted.casefold() for value in values):
            return True
    return False
