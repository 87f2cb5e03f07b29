"""Requests as the HTTP services take them apart."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from simulator.tenant.answers import CloudError


@dataclass(frozen=True)
class Request:
    """A method with the parts of its path and its query options, percent-decoded.

    Attributes:
        repeated: Names of the options that are given more than once, of which ``query`` has one.
    """

    method: str
    segments: tuple[str, ...]
    query: dict[str, str]
    repeated: tuple[str, ...] = ()

    @classmethod
    def parse(cls, method: str, path: str) -> "Request":
        """Takes ``/a/b?c=d`` apart."""
        parts = urlsplit(path)
        options = parse_qsl(parts.query, keep_blank_values=True)
        given = Counter(name for name, _ in options)
        return cls(
            method.upper(),
            tuple(unquote(segment) for segment in parts.path.strip("/").split("/")),
            dict(options),
            tuple(name for name, count in given.items() if count > 1),
        )

    def names(self, template: str, *, any_case: bool = False) -> dict[str, str] | None:
        """What the path has in the places of the names in braces; ``None`` if it is another one.

        Args:
            template: A path in which ``{name}`` stands for one segment, whatever it is.
            any_case: Whether upper and lower case count as one.
        """
        names, parts = {}, template[1:].split("/")
        if len(parts) != len(self.segments):
            return None
        for part, segment in zip(parts, self.segments, strict=True):
            if part.startswith("{"):
                names[part[1:-1]] = segment
            elif part != segment and not (any_case and part.casefold() == segment.casefold()):
                return None
        return names

    @property
    def path(self) -> str:
        """The path without the query, decoded."""
        return "/" + "/".join(self.segments)

    def check_options(self, known: Collection[str] = ()) -> None:
        """Refuses what would change the answer and is not followed here.

        Raises:
            CloudError: An option is not among the known ones, or is given more than once.
        """
        if self.repeated:
            raise CloudError(
                400,
                "BadRequest",
                f"Query option '{self.repeated[0]}' was specified more than once, but it must be "
                "specified at most once.",
            )
        for name in self.query:
            if name not in known:
                raise CloudError(
                    501,
                    "NotSimulated",
                    f"The simulated tenant does not follow the query option {name} of "
                    f"{self.method} {self.path}.",
                )


# Each makes a request conditional, or partial; nothing here would obey.
_CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "range")


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuses headers that would change the answer and are not followed here.

    Args:
        headers: By their names in lower case.

    Raises:
        CloudError: There is one.
    """
    for name in _CONDITIONS:
        if name in headers:
            raise CloudError(
                501, "NotSimulated", f"The simulated tenant does not follow the header {name}."
            )
