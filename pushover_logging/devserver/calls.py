"""What every call of the service is given, and the questions that several of them ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pushover_logging.devserver.emergencies import Emergency
from pushover_logging.devserver.parameters import Parameters
from pushover_logging.devserver.refusals import Refusal, group_not_found, receipt_not_found
from pushover_logging.devserver.state import Account, Group, Person

Fields = dict[str, object]


@dataclass(frozen=True)
class Call:
    """One request for one of the service's calls, after its token was found right."""

    account: Account
    parameters: Parameters
    path: Mapping[str, str]
    now: float
    request: str

    def get(self, name: str) -> str:
        """A parameter's text; empty where it is missing."""
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
        """The one person whose key is the ``user`` parameter."""
        found = self.account.people.get(self.account.resolve(self.get("user")))
        if found is None:
            raise Refusal({"user": "invalid"}, ["user key is invalid"])
        return found

    def device_of(self, person: Person, parameter: str = "device") -> str | None:
        """The device of that person that a parameter names, None where it names none."""
        name = self.get(parameter)
        if name and name not in person.devices:
            reason = "invalid for this user"
            raise Refusal({parameter: reason}, ["device name is not valid for user"])
        return name or None
