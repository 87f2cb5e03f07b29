"""Requests as the HTTP services take them apart."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """A method with the parts of its path and its query options, percent-decoded."""

    method: str
    segments: tuple[str, ...]
    query: dict[str, str]

    @classmethod
    def parse(cls, method: str, path: str) -> "Request":
        """Takes ``/a/b?c=d`` apart."""
        parts = urlsplit(path)
        return cls(
            method.upper(),
            tuple(unquote(segment) for segment in parts.path.strip("/").split("/")),
            dict(parse_qsl(parts.query, keep_blank_values=True)),
        )
