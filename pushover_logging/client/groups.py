"""Groups: several users under one key, which messages are sent to like to a user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import parameters as fields
from .masking import mask

if TYPE_CHECKING:
    from .application import Application

MEMO_LIMIT = 200


@dataclass(frozen=True)
class GroupUser:
    """A user's place in a group."""

    user: str = field(repr=False)
    """The user's key."""
    device: str | None = None
    """The only device that gets the group's messages; None for all of the user's."""
    memo: str = ""
    disabled: bool = False
    """Gets nothing until enabled again."""


@dataclass(frozen=True)
class Group:
    """A group of the account, as it was called when it was asked for; every verb is a request."""

    application: Application = field(repr=False, compare=False)
    key: str
    name: str

    @property
    def users(self) -> tuple[GroupUser, ...]:
        """Who is in it now; asks the service each time."""
        found = self.application.get(f"groups/{self.key}.json").body.get("users")
        members = found if isinstance(found, list) else []
        return tuple(_member(each) for each in members if isinstance(each, Mapping))

    def add(self, user: str, device: str | None = None, memo: str | None = None) -> None:
        """Let a user, or only one device of theirs, get the group's messages."""
        if memo is not None and len(memo) > MEMO_LIMIT:
            raise ValueError(f"memo is {len(memo)} characters; at most {MEMO_LIMIT} fit")
        self._change("add_user", user, device, memo)

    def remove(self, user: str, device: str | None = None) -> None:
        """Take a user, or one device of theirs, out of the group."""
        self._change("remove_user", user, device)

    def disable(self, user: str, device: str | None = None) -> None:
        """Let a member get nothing for now."""
        self._change("disable_user", user, device)

    def enable(self, user: str, device: str | None = None) -> None:
        """Let a disabled member get messages again."""
        self._change("enable_user", user, device)

    def rename(self, name: str) -> Group:
        """Give it another name; returns the group under that name."""
        self.application.post(f"groups/{self.key}/rename.json", {"name": name})
        return Group(self.application, self.key, name)

    def _change(self, verb: str, user: str, device: str | None, memo: str | None = None) -> None:
        change = {"user": fields.token(user, "user"), "device": device, "memo": memo}
        self.application.post(f"groups/{self.key}/{verb}.json", change)

    def __repr__(self) -> str:
        return f"Group(key={mask(self.key)!r}, name={self.name!r})"


def _member(found: Mapping[str, object]) -> GroupUser:
    return GroupUser(
        user=str(found.get("user", "")),
        device=str(found.get("device") or "") or None,
        memo=str(found.get("memo") or ""),
        disabled=bool(found.get("disabled")),
    )
