"""How databases and queues log: PostgreSQL, MySQL, MongoDB, Redis."""

from __future__ import annotations

import logging
from typing import Final

from .format import Format, L, M, Sample, T

_PG = r"(?P<level>LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG[1-5]?)"
_ANY_LEVEL = (
    r"(?:debug|verbose|info|trace|notice|success|warn(?:ing)?|err(?:or)?|critical|fatal|panic|log)"
)
_PG_PREFIX = rf"(?:(?!\b(?i:{_ANY_LEVEL})\d?\b| \d{{4}}-\d\d-| \[-\] )[^\n]){{0,200}}?"
"""Anything but another level or date, or Twisted's mark: another program's line may quote one."""
_MORE = "DETAIL|HINT|STATEMENT|CONTEXT|QUERY|LOCATION|BACKTRACE"

FORMATS: Final = (
    Format(
        "mysql",
        rf"{T} (?P<thread>\d+) \[{L}\] {M}",
        (
            Sample(
                "2026-01-05T10:00:00.123456Z 0 [ERROR] [MY-010119] [Server] Aborting",
                *(logging.ERROR, None, "2026-01-05T10:00:00.123456Z"),
                "[MY-010119] [Server] Aborting",
            ),
            Sample(
                "2026-01-05 10:00:00 140 [Warning] Aborted connection 140 to db: 'stock'",
                *(logging.WARNING, None, "2026-01-05 10:00:00"),
                "Aborted connection 140 to db: 'stock'",
            ),
            Sample(
                "2026-01-05T10:00:00.123456Z 0 [System] [MY-010116] [Server] starting",
                *(logging.INFO, None, "2026-01-05T10:00:00.123456Z"),
                "[MY-010116] [Server] starting",
            ),
        ),
        begins="0-9",
        hint=" [",
    ),
    Format(
        "mysql 5.5",
        rf"(?P<time>\d{{6}} {{1,2}}\d{{1,2}}:\d\d:\d\d) \[{L}\] {M}",
        (
            Sample(
                "260105  9:00:00 [ERROR] /usr/sbin/mysqld: Can't open file: 'items.frm'",
                *(logging.ERROR, None, "260105  9:00:00"),
                "/usr/sbin/mysqld: Can't open file: 'items.frm'",
            ),
        ),
        begins="0-9",
        hint=" [",
    ),
    Format(
        "mongodb before 4.4",
        rf"{T} (?P<level>[FEWID])[1-5]? +(?P<logger>[A-Z_]{{2,20}}|-) +\[[^\]]{{0,80}}\] {M}",
        (
            Sample(
                "2026-01-05T10:00:00.123+0000 E STORAGE  [initandlisten] WiredTiger error (2)",
                *(logging.ERROR, "STORAGE", "2026-01-05T10:00:00.123+0000"),
                "WiredTiger error (2)",
            ),
            Sample(
                "2026-01-05T10:00:00.123+0000 W -        [conn12] no replica set",
                *(logging.WARNING, "-", "2026-01-05T10:00:00.123+0000", "no replica set"),
            ),
        ),
        begins="0-9",
        hint=" [",
    ),
    Format(
        "redis",
        r"(?:\d+:[XCSM] |\[\d+\] )(?P<time>\d\d \w{3} (?:\d{4} )?\d\d:\d\d:\d\d\.\d{3}) "
        rf"(?P<level>[.*#-]) {M}",
        (
            Sample(
                "1:M 05 Jan 2026 10:00:00.123 # Can't save in background: fork: out of memory",
                *(logging.WARNING, None, "05 Jan 2026 10:00:00.123"),
                "Can't save in background: fork: out of memory",
            ),
            Sample(
                "[71] 05 Jan 10:00:00.123 * DB loaded from disk: 0.001 seconds",
                *(logging.INFO, None, "05 Jan 10:00:00.123"),
                "DB loaded from disk: 0.001 seconds",
            ),
        ),
        begins=r"0-9\[",
        hint=".",
    ),
    Format(
        "postgresql",
        rf"{T}{_PG_PREFIX}[ :\]\d]{_PG}:  (?! ){M}",
        (
            Sample(
                '2026-01-05 10:00:00.212 UTC [12389] ERROR:  relation "items" does not exist',
                *(logging.ERROR, None, "2026-01-05 10:00:00.212 UTC"),
                'relation "items" does not exist',
            ),
            Sample(
                "2026-01-05 10:00:00 CET [71]: [3-1] user=shop,db=stock FATAL:  no such role",
                *(logging.CRITICAL, None, "2026-01-05 10:00:00 CET", "no such role"),
            ),
            Sample(
                "2026-01-05 10:00:00 UTC:10.0.0.7(52314):shop@stock:[71]:ERROR:  deadlock detected",
                *(logging.ERROR, None, "2026-01-05 10:00:00 UTC", "deadlock detected"),
            ),
            Sample(
                "2026-01-05 10:00:00.212 UTC [1] LOG:  database system is ready",
                *(logging.INFO, None, "2026-01-05 10:00:00.212 UTC", "database system is ready"),
            ),
        ),
        begins="0-9",
        hint=":  ",
    ),
    Format(
        "postgresql, more of a record",
        rf"{T}{_PG_PREFIX}[ :\]](?P<message>(?:{_MORE}):  .*)",
        (
            Sample(
                "2026-01-05 10:00:00.212 UTC [12389] STATEMENT:  SELECT * FROM items;",
                *(None, None, "2026-01-05 10:00:00.212 UTC", "STATEMENT:  SELECT * FROM items;"),
            ),
        ),
        begins="0-9",
        hint=":  ",
        is_more=True,
    ),
    Format(
        "postgresql, without a time",
        rf"{_PG}:  (?! ){M}",
        (
            Sample(
                "FATAL:  the database system is starting up",
                *(logging.CRITICAL, None, None, "the database system is starting up"),
            ),
        ),
        begins="A-Z",
        hint=":  ",
    ),
)
