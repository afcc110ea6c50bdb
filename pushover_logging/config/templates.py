"""Stand-in until the real module lands."""

from __future__ import annotations

from string import Formatter

from ..values import NamedTuple

__all__ = ["STANDARD", "Placeholder", "Template"]

STANDARD = frozenset(
    (
        *("levelname", "levelno", "name", "message", "created", "asctime", "lineno", "pathname"),
        *("filename", "module", "funcName", "hostname", "msecs"),
    )
)


class Placeholder(NamedTuple):
    """A field in braces."""

    source: str
    field: str
    keys: tuple[str, ...] = ()
    conversion: str | None = None
    spec: str = ""


class Template:
    """A text with fields in braces."""

    def __init__(self, option: str, text: str, *, address: bool = False) -> None:
        self.address = address
        parts: list[tuple[str, Placeholder | None]] = []
        try:
            for literal, field, spec, conversion in Formatter().parse(text):
                placeholder = None
                if field is not None:
                    name, *keys = field.replace("]", "").split("[")
                    if not name.isidentifier():
                        raise ValueError(f"{{{name}}} is not a field")
                    source = field + (f"!{conversion}" if conversion else "")
                    source += f":{spec}" if spec else ""
                    placeholder = Placeholder(source, name, tuple(keys), conversion, spec or "")
                parts.append((literal, placeholder))
        except ValueError as error:
            raise ValueError(f"{option} is not a template: {error}") from None
        self.parts = tuple(parts)
