"""Groups: several users under one key, to which messages go as they go to a user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from . import parameters as fields
from .errors import TransportError
from .masking import mask

if TYPE_CHECKING:
    from .application import Application
    from .transport import Request

MEMO_LIMIT = 200


@dataclass(frozen=True)
class GroupUser:
    """A user's place in a group."""

    user: str = field(repr=False)
    """The user's key."""
    device: str | None = None
    """The only device that gets the group's messages; None for all of the user's devices."""
    memo: str = ""
    disabled: bool = False
    """Whether the user gets no messages until enabled again."""


@dataclass(frozen=True)
class Group:
    """A group of the account, under its name when you asked for it; every method is a request."""

    application: Application = field(repr=False, compare=False)
    key: str
    name: str

    @property
    def users(self) -> tuple[GroupUser, ...]:
        """The members; asks the service each time."""
        found = self.application.get(f"groups/{self.key}.json").body.get("users")
        members = found if isinstance(found, list) else []
        return tuple(_member(each) for each in members if isinstance(each, Mapping))

    def add(self, user: str, device: str | None = None, memo: str | None = None) -> None:
        """Send the group's messages to a user too, or to one device of the user."""
        if memo is not None and len(memo) > MEMO_LIMIT:
            raise ValueError(f"memo is {len(memo)} characters; at most {MEMO_LIMIT} fit")
        request = self._change("add_user", user, device, memo)
        del user
        self.application._ask(request)

    def remove(self, user: str, device: str | None = None) -> None:
        """Take a user, or one device of the user, out of the group."""
        request = self._change("remove_user", user, device)
        del user
        self.application._ask(request)

    def disable(self, user: str, device: str | None = None) -> None:
        """Send no more messages to a member for now."""
        request = self._change("disable_user", user, device)
        del user
        self.application._ask(request)

    def enable(self, user: str, device: str | None = None) -> None:
        """Send messages to a disabled member again."""
        request = self._change("enable_user", user, device)
        del user
        self.application._ask(request)

    def rename(self, name: str) -> Group:
        """Change the group's name, and return the group under that name."""
        self.application.post(f"groups/{self.key}/rename.json", {"name": name})
        return replace(self, name=name)

    def refreshed(self) -> Group:
        """Ask for the group's name now, and return the group under that name."""
        name = self.application.get(f"groups/{self.key}.json").body.get("name")
        if not isinstance(name, str):
            raise TransportError("the service's answer lacks name")
        return replace(self, name=name)

    def _change(self, verb: str, user: str, device: str | None, memo: str | None = None) -> Request:
        change = {"user": fields.token(user, "user"), "device": device, "memo": memo}
        return self.application._request("POST", f"groups/{self.key}/{verb}.json", change)

    def __repr__(self) -> str:
        return f"Group(key={mask(self.key)!r}, name={self.name!r})"


def _member(found: Mapping[str, object]) -> GroupUser:
    return GroupUser(
        user=str(found.get("user", "")),
        device=str(found.get("device") or "") or None,
        memo=str(found.get("memo") or ""),
        disabled=bool(found.get("disabled")),
    )
