"""One call of the service: its parameters, and the objects of the account that they name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pushover_logging.devserver.account import Account, Group, Person
from pushover_logging.devserver.answers import Refusal, group_not_found, receipt_not_found
from pushover_logging.devserver.emergencies import Emergency
from pushover_logging.devserver.parameters import Parameters

Fields = dict[str, object]

# int() would also take blanks, underscores and the digits of other scripts, and any number of them.
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


def integer(text: str) -> int | None:
    """The whole number that a parameter spells, or None."""
    return int(text) if _INTEGER.fullmatch(text) else None


@dataclass(frozen=True)
class Call:
    """One request for one of the service's calls, with a valid token."""

    account: Account
    parameters: Parameters
    path: Mapping[str, str]
    now: float
    request: str

    def get(self, name: str) -> str:
        """A parameter's text; empty if it is missing."""
        return self.parameters.get(name)

    @property
    def emergency(self) -> Emergency:
        """The emergency whose receipt is in the address."""
        found = self.account.emergencies.get(self.path["receipt"])
        if found is None or not found.is_kept(self.now):
            raise receipt_not_found()
        return found

    @property
    def group(self) -> Group:
        """The group whose key is in the address."""
        found = self.account.groups.get(self.path["group"])
        if found is None:
            raise group_not_found()
        return found

    @property
    def person(self) -> Person:
        """The person whose key is the ``user`` parameter."""
        found = self.account.people.get(self.account.resolve(self.get("user")))
        if found is None:
            raise Refusal({"user": "invalid"}, ["user key is invalid"])
        return found

    def device_of(self, person: Person, parameter: str = "device") -> str | None:
        """The device of that person that a parameter names; None if it is empty."""
        name = self.get(parameter)
        if name and name not in person.devices:
            reason = "invalid for this user"
            raise Refusal({parameter: reason}, ["device name is not valid for user"])
        return name or None
