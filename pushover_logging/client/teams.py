"""Teams: the members of a Pushover for Teams account, which has an API token of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .application import Application, Retries
from .errors import TransportError
from .masking import mask
from .parameters import Value
from .transport import TIMEOUT, Transport

__all__ = ["Team", "TeamDevice", "TeamState", "TeamUser"]


@dataclass(frozen=True)
class TeamDevice:
    """A device of a team's member."""

    name: str
    os: str = ""
    os_version: str = ""
    enabled: bool = True
    administratively_disabled: bool = False
    """Whether an administrator of the team has disabled the device."""


@dataclass(frozen=True)
class TeamUser:
    """A member of a team, or somebody who is invited to it."""

    id: int | str | None
    """The service's number for the member; this is not a user key."""
    name: str
    email: str = field(repr=False)
    administrator: bool = False
    devices: tuple[TeamDevice, ...] = ()


@dataclass(frozen=True)
class TeamState:
    """A team as the service describes it in an answer."""

    name: str
    users: tuple[TeamUser, ...]


class Team:
    """A team, by the API token that its settings show; every property and method is a request.

    The token is not an application's token. A ``transport`` may be shared, and is closed by its
    owner. With a ``retry_policy`` questions are repeated as the policy says, changes only if the
    request certainly did not arrive.
    """

    def __init__(
        self,
        token: str,
        *,
        api_url: str | None = None,
        timeout: tuple[float, float] = TIMEOUT,
        transport: Transport | None = None,
        retry_policy: Retries | None = None,
    ) -> None:
        self._application = Application(
            token,
            api_url=api_url,
            timeout=timeout,
            transport=transport,
            retry_policy=retry_policy,
        )

    @property
    def token(self) -> str:
        """The team's API token."""
        return self._application.token

    @property
    def name(self) -> str:
        """The team's name; asks the service each time."""
        return self.read().name

    @property
    def users(self) -> tuple[TeamUser, ...]:
        """The members with their devices; asks the service each time."""
        return self.read().users

    def read(self) -> TeamState:
        """Ask for the team's name and members in a single request."""
        body = self._application.get("teams.json").body
        name, found = body.get("name"), body.get("users")
        if not isinstance(name, str):
            raise TransportError("the service's answer lacks name")
        listed = found if isinstance(found, list) else []
        return TeamState(name, tuple(_user(each) for each in listed if isinstance(each, Mapping)))

    def add_user(
        self,
        email: str,
        *,
        name: str | None = None,
        password: str | None = None,
        instant: bool = False,
        admin: bool = False,
        group: str | None = None,
    ) -> None:
        """Add a member by e-mail address.

        The service sends a welcome e-mail. Without a ``password`` it chooses a random password and
        puts that into the e-mail, in clear. With ``instant`` the e-mail holds a link that signs the
        member in, for 7 days. ``admin`` makes the member an administrator. ``group`` is the name of
        the delivery group to join, in place of the team's own; the service creates a group that
        does not exist. Raises APIError for a refusal. Source: https://pushover.net/api/teams
        """
        member: dict[str, Value] = {"email": _address(email), "name": name, "password": password}
        member |= {"group": group, "instant": "true" if instant else None}
        member["admin"] = "true" if admin else None
        request = self._application._request("POST", "teams/add_user.json", member)
        del email, name, password, member
        self._application._ask(request)

    def remove_user(self, email: str) -> None:
        """Remove a member by e-mail address. Raises APIError for an unknown address."""
        member = {"email": _address(email)}
        request = self._application._request("POST", "teams/remove_user.json", member)
        del email, member
        self._application._ask(request)

    def revoke_invitation(self, email: str) -> None:
        """Withdraw the invitation of an e-mail address. Raises APIError for an unknown address."""
        member = {"email": _address(email)}
        request = self._application._request("POST", "teams/revoke_invitation.json", member)
        del email, member
        self._application._ask(request)

    def close(self) -> None:
        """Close the connection; a later request opens another."""
        self._application.close()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Team) or type(other) is not type(self):
            return NotImplemented
        return self.token == other.token

    def __hash__(self) -> int:
        return hash((type(self), self.token))

    def __str__(self) -> str:
        return f"Pushover Team: {mask(self.token)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(token={mask(self.token)!r})"


def _address(email: object) -> str:
    if not isinstance(email, str):
        raise TypeError(f"email must be a text, not {type(email).__name__}")
    if not email.strip():
        raise ValueError("email is empty; give the address of a member")
    return email.strip()


def _user(found: Mapping[str, object]) -> TeamUser:
    number, devices = found.get("id"), found.get("devices")
    listed = devices if isinstance(devices, list) else []
    return TeamUser(
        id=number if isinstance(number, (int, str)) else None,
        name=str(found.get("name") or ""),
        email=str(found.get("email") or ""),
        administrator=bool(found.get("administrator")),
        devices=tuple(_device(each) for each in listed if isinstance(each, Mapping)),
    )


def _device(found: Mapping[str, object]) -> TeamDevice:
    return TeamDevice(
        name=str(found.get("name") or ""),
        os=str(found.get("os") or ""),
        os_version=str(found.get("os_version") or ""),
        enabled=bool(found.get("enabled", True)),
        administratively_disabled=bool(found.get("administratively_disabled")),
    )
