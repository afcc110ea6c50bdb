"""Keeps an inbox in a file, so that the next server finds what this one received."""

from __future__ import annotations

import dataclasses
import json
import os
import sqlite3
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pushover_logging.devserver.allowance import Allowance
from pushover_logging.devserver.changes import Changes
from pushover_logging.devserver.emergencies import Emergency
from pushover_logging.devserver.parameters import Attachment
from pushover_logging.devserver.state import Account, ReceivedMessage

_TABLES = ("message", "emergency", "allowance")
_ADD = "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ALL = "SELECT * FROM message ORDER BY number"
_DROP_OLD = "DELETE FROM message WHERE number < ?"
_NOTE_EMERGENCY = "INSERT OR REPLACE INTO emergency VALUES (?, ?)"
_DROP_EMERGENCY = "DELETE FROM emergency WHERE receipt = ?"
_NOTE_ALLOWANCE = "INSERT OR REPLACE INTO allowance VALUES (1, ?)"

# A moment ago means nothing to the next server, and JSON has no infinity.
_PASSING = {"polled_at"}


def open_inbox(path: str | Path, account: Account, changed: Changes) -> InboxFile:
    """Fill the account from the file, and write down all that happens to it from now on."""
    file = InboxFile(path)
    file.open()
    file.load(account)
    changed.follow(lambda: file.save(account))
    return file


class InboxFile:
    """A SQLite file that holds messages, emergencies and the month's allowance of one account.

    Takes no lock: whoever shares it between threads brings the lock. One server uses it at a time.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._connection: sqlite3.Connection | None = None
        self._life = 0
        self._number = 0
        self._allowance = ""
        self._fates: dict[str, tuple[object, ...]] = {}
        """The emergencies of which something may still become, as they were written."""

    def open(self) -> None:
        """Take the file, which is made where there is none. Raises OSError where that fails."""
        if self._connection is not None:
            return
        try:
            # It holds user keys and whatever the alerts say: for the owner's eyes.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                self._path, timeout=1.0, check_same_thread=False, isolation_level=None
            )
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            tables = resources.files(__package__).joinpath("inbox.sql").read_text("utf-8")
            self._connection.executescript(tables)
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise OSError(f"cannot keep the inbox in {self._path}: {error}") from error

    def close(self) -> None:
        """Let go of the file; a second time does nothing."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def load(self, account: Account) -> None:
        """Give the account what the file holds."""
        database = self._opened()
        for row in database.execute(_ALL):
            account.keep(_message(row))
        for receipt, fields in database.execute("SELECT receipt, fields FROM emergency"):
            account.emergencies[receipt] = _emergency(fields)
            self._fates[receipt] = ()
        for (fields,) in database.execute("SELECT fields FROM allowance"):
            account.allowance.change(json.loads(fields))
        self._life = account.life
        self._number = account.received

    def save(self, account: Account) -> None:
        """Take over what has changed; nothing while the file is closed."""
        if self._connection is None:
            return
        with self._connection:
            self._connection.execute("BEGIN")
            if self._life != account.life:
                self._clear()
                self._life = account.life
            self._add_messages(account)
            self._note_emergencies(account)
            self._note_allowance(account.allowance)

    def _clear(self) -> None:
        for table in _TABLES:
            self._opened().execute(f"DELETE FROM {table}")
        self._number = 0
        self._fates = {}

    def _add_messages(self, account: Account) -> None:
        fresh = account.messages_since(self._number)
        if not fresh:
            return
        self._opened().executemany(_ADD, [_row(each) for each in fresh])
        self._opened().execute(_DROP_OLD, (account.messages[0].number,))
        self._fates.update({each.receipt: () for each in fresh if each.receipt})
        self._number = account.received

    def _note_emergencies(self, account: Account) -> None:
        now = account.clock()
        for receipt, written in list(self._fates.items()):
            found = account.emergencies.get(receipt)
            if found is None:
                self._opened().execute(_DROP_EMERGENCY, (receipt,))
            elif found.fate != written:
                self._opened().execute(_NOTE_EMERGENCY, (receipt, _emergency_text(found)))
                self._fates[receipt] = found.fate
            if found is None or found.is_settled(now):
                del self._fates[receipt]

    def _note_allowance(self, allowance: Allowance) -> None:
        text = json.dumps(dataclasses.asdict(allowance))
        if text != self._allowance:
            self._opened().execute(_NOTE_ALLOWANCE, (text,))
            self._allowance = text

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError(f"the inbox in {self._path} is not open")
        return self._connection


def _row(message: ReceivedMessage) -> tuple[object, ...]:
    image = message.attachment
    return (
        message.number,
        message.received_at,
        message.request,
        message.receipt,
        json.dumps(dict(message.params)),
        json.dumps(dict(message.recipients)),
        *((image.name, image.type, image.data) if image else (None, None, None)),
    )


def _message(row: Sequence[Any]) -> ReceivedMessage:
    number, received_at, request, receipt, params, recipients, name, type_, data = row
    return ReceivedMessage(
        number=number,
        params=json.loads(params),
        received_at=received_at,
        request=request,
        receipt=receipt,
        attachment=None if data is None else Attachment(name, type_, data),
        recipients={user: tuple(names) for user, names in json.loads(recipients).items()},
    )


def _emergency_text(emergency: Emergency) -> str:
    fields = {**vars(emergency), "tags": sorted(emergency.tags)}
    return json.dumps({name: each for name, each in fields.items() if name not in _PASSING})


def _emergency(text: str) -> Emergency:
    fields = json.loads(text)
    return Emergency(**{**fields, "tags": frozenset(fields["tags"])})
