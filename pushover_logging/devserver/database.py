"""Keeps an inbox in a SQLite file, so that the next server finds what this one received."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pushover_logging.devserver.account import Account, ReceivedMessage
from pushover_logging.devserver.emergencies import Emergency
from pushover_logging.devserver.parameters import Attachment

_TABLES = ("message", "emergency", "allowance")
_ADD = "INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ALL = "SELECT * FROM message ORDER BY number"
_DROP_OLD_EMERGENCIES = (
    "DELETE FROM emergency WHERE receipt IN (SELECT receipt FROM message WHERE number < ?)"
)
_DROP_OLD = "DELETE FROM message WHERE number < ?"
_PUT_EMERGENCY = "INSERT OR REPLACE INTO emergency VALUES (?, ?)"
_DROP_EMERGENCY = "DELETE FROM emergency WHERE receipt = ?"
_PUT_QUOTA = "INSERT OR REPLACE INTO allowance VALUES (1, ?)"

# It means nothing to the next server, and JSON has no infinity.
_NOT_KEPT = {"polled_at"}
# Whatever a damaged row may raise on the way back to an object.
_DAMAGED = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


class InboxFile:
    """A SQLite file that holds messages, emergencies and the month's quota of one account.

    A failure to write, such as a full disk, ends the keeping and not the server: ``problem`` then
    says so, and ``report`` is called with the sentence. Takes no lock: the caller that shares it
    between threads holds the lock. One server uses a file at a time.
    """

    def __init__(self, path: str | Path, report: Callable[[str], None]) -> None:
        self.problem: str | None = None
        self._path = Path(path)
        self._report = report
        self._connection: sqlite3.Connection | None = None
        self._resets = 0
        self._number = 0
        self._quota = ""
        self._states: dict[str, tuple[object, ...]] = {}
        """The emergencies whose state may still change, as they were written."""

    def open(self) -> None:
        """Open the file, and create it if it is missing. Raises OSError if that fails."""
        if self._connection is not None or self.problem is not None:
            return
        try:
            # It holds user keys and the text of alerts: only its owner may read it.
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if os.name == "posix" and os.fstat(descriptor).st_mode & 0o077:
                    os.fchmod(descriptor, 0o600)
            finally:
                os.close(descriptor)
            self._connection = sqlite3.connect(
                self._path, timeout=1.0, check_same_thread=False, isolation_level=None
            )
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            tables = resources.files(__package__).joinpath("database.sql").read_text("utf-8")
            self._connection.executescript(tables)
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise OSError(f"cannot keep the inbox in {self._path}: {error}") from error

    def close(self) -> None:
        """Close the file; does nothing the second time."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def load(self, account: Account) -> None:
        """Fill the account from the file; damaged rows are skipped, counted and reported.

        Raises OSError if the file cannot be read at all.
        """
        damaged = 0
        try:
            for row in self._opened().execute(_ALL):
                try:
                    account.keep(_message(row))
                except _DAMAGED:
                    damaged += 1
            for receipt, fields in self._opened().execute("SELECT receipt, fields FROM emergency"):
                try:
                    account.emergencies[receipt] = _emergency(fields)
                    self._states[receipt] = ()
                except _DAMAGED:
                    damaged += 1
            for (fields,) in self._opened().execute("SELECT fields FROM allowance"):
                try:
                    account.quota.change(json.loads(fields))
                except _DAMAGED:
                    damaged += 1
        except sqlite3.Error as error:
            self.close()
            raise OSError(f"cannot keep the inbox in {self._path}: {error}") from error
        if damaged:
            rows = "1 damaged row" if damaged == 1 else f"{damaged} damaged rows"
            self._report(f"skipped {rows} of the inbox in {self._path}")
        self._resets = account.resets
        self._number = account.received

    def save(self, account: Account) -> None:
        """Write all changes; does nothing while the file is closed."""
        if self._connection is None:
            return
        try:
            with self._connection:
                self._connection.execute("BEGIN")
                self._save(account, self._connection)
        except (sqlite3.Error, OSError) as error:
            self.problem = (
                f"cannot keep the inbox in {self._path} any more: {error}; "
                "what arrives from now on is kept in memory only"
            )
            try:
                self.close()
            except sqlite3.Error:
                self._connection = None  # the first error is reported already
            self._report(self.problem)

    def _save(self, account: Account, database: sqlite3.Connection) -> None:
        if self._resets != account.resets:
            for table in _TABLES:
                database.execute(f"DELETE FROM {table}")
            self._number = 0
            self._states = {}
            self._quota = ""
            self._resets = account.resets
        fresh = account.messages_since(self._number)
        if fresh:
            database.executemany(_ADD, [_row(each) for each in fresh])
            oldest = (account.messages[0].number,)
            database.execute(_DROP_OLD_EMERGENCIES, oldest)
            database.execute(_DROP_OLD, oldest)
            self._states.update({each.receipt: () for each in fresh if each.receipt})
            self._number = account.received
        now = account.clock()
        for receipt, written in list(self._states.items()):
            found = account.emergencies.get(receipt)
            if found is None:
                database.execute(_DROP_EMERGENCY, (receipt,))
            elif found.state != written:
                database.execute(_PUT_EMERGENCY, (receipt, _emergency_text(found)))
                self._states[receipt] = found.state
            if found is None or found.is_settled(now):
                del self._states[receipt]
        text = json.dumps(account.quota.as_plain())
        if text != self._quota:
            database.execute(_PUT_QUOTA, (text,))
            self._quota = text

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
    texts = json.loads(params)
    if not all(isinstance(each, str) for each in (*texts.values(), texts["message"], request)):
        raise TypeError("a parameter is no text")
    json.dumps(texts, ensure_ascii=False).encode()  # raises at lone surrogates
    for number_name in ("timestamp", "priority", "ttl"):
        int(texts.get(number_name) or 0)
    return ReceivedMessage(
        number=int(number),
        params=texts,
        received_at=float(received_at),
        request=request,
        receipt=receipt,
        attachment=None if data is None else Attachment(name or "", type_, bytes(data)),
        recipients={user: tuple(names) for user, names in json.loads(recipients).items()},
    )


def _emergency_text(emergency: Emergency) -> str:
    fields = {**vars(emergency), "tags": sorted(emergency.tags)}
    return json.dumps({name: each for name, each in fields.items() if name not in _NOT_KEPT})


def _emergency(text: str) -> Emergency:
    fields = json.loads(text)
    emergency = Emergency(**{**fields, "tags": frozenset(fields["tags"])})
    emergency.as_answer(0.0)  # raises where a field has another type
    return emergency
