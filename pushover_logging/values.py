"""``NamedTuple`` for the modules that a program loads when it configures logging.

Importing ``typing`` takes longer than importing everything else that a handler needs.
"""

from __future__ import annotations

from collections import namedtuple

__all__ = ["NamedTuple"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:

    class _FromAnnotations(type):
        def __new__(cls, name, bases, namespace):
            fields = namespace.pop("__annotations__", {})
            if not bases:
                return super().__new__(cls, name, bases, namespace)
            defaults = [namespace.pop(field) for field in fields if field in namespace]
            values = namedtuple(name, fields, defaults=defaults, module=namespace["__module__"])  # noqa: PYI024
            return type(name, (values,), {**namespace, "__slots__": ()})

    class NamedTuple(metaclass=_FromAnnotations):
        """A base for immutable values; fields are annotated as for ``typing.NamedTuple``."""
