"""``NamedTuple`` for the modules that a program loads when it configures logging.

Importing ``typing`` takes longer than importing everything else that a handler needs, and
``collections.namedtuple`` compiles a function for each class.
"""

from __future__ import annotations

from operator import itemgetter

__all__ = ["NamedTuple"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    try:
        from _collections import _tuplegetter as _getter  # as collections.namedtuple does
    except ImportError:

        def _getter(index, doc):
            return property(itemgetter(index), doc=doc)

    class _FromAnnotations(type):
        def __new__(cls, name, bases, namespace):
            fields = tuple(namespace.get("__annotations__", ()))
            namespace["_fields"] = fields
            namespace["_defaults"] = {f: namespace.pop(f) for f in fields if f in namespace}
            namespace["__slots__"] = ()
            for index, field in enumerate(fields):
                namespace[field] = _getter(index, None)
            made = type.__new__(cls, name, bases or (tuple,), namespace)
            made._make = classmethod(tuple.__new__)
            return made

    class NamedTuple(metaclass=_FromAnnotations):
        """A base for immutable values; fields are annotated as for ``typing.NamedTuple``."""

        def __new__(cls, *values, **named):
            if len(values) < len(cls._fields) or named:
                rest = cls._fields[len(values) :]
                values += tuple(
                    named.pop(field) if field in named else cls._defaults[field] for field in rest
                )
            if named or len(values) > len(cls._fields):
                raise TypeError(f"{cls.__name__} takes {', '.join(cls._fields)}")
            return tuple.__new__(cls, values)

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            values = map("{}={!r}".format, self._fields, self)
            return f"{type(self).__name__}({', '.join(values)})"

        def _replace(self, **values):
            return tuple.__new__(type(self), map(values.pop, self._fields, self))
