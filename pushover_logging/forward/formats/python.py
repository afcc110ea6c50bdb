"""How Python programs log: logging's usual formats, servers, workers, notebooks."""

from __future__ import annotations

import logging
from typing import Final

from .format import Format, L, M, N, Sample, T

FORMATS: Final = (
    Format(
        "python, basic",
        r"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL):(?P<logger>[\w.\-]{1,200}):"
        r"(?P<message>(?!\d).*)",
        (
            Sample("ERROR:root:no stock", *(logging.ERROR, "root", None, "no stock")),
            Sample("WARNING:shop.db:slow: 3 s", *(logging.WARNING, "shop.db", None, "slow: 3 s")),
        ),
        begins="DIWEC",
        hint=":",
    ),
    Format(
        "django, errors on the console",
        r"(?P<message>(?:Internal Server Error|Service Unavailable|Bad Gateway|Gateway Timeout"
        r"|Not Implemented): /\S*)\s*\Z",
        (
            Sample(
                "Internal Server Error: /boom",
                *(logging.ERROR, None, None, "Internal Server Error: /boom"),
            ),
        ),
        begins="ISBGN",
        hint=": /",
        level=logging.ERROR,
    ),
    Format(
        "flask",
        rf"\[{T}\] {L} in (?P<logger>[\w.]{{1,100}}): {M}",
        (
            Sample(
                "[2026-01-05 10:00:00,123] ERROR in app: Exception on /boom [GET]",
                *(logging.ERROR, "app", "2026-01-05 10:00:00,123", "Exception on /boom [GET]"),
            ),
        ),
        begins=r"\[",
        hint="] ",
    ),
    Format(
        "python, warnings",
        r"(?P<logger>[\w./@-]{1,300}\.py):\d+: (?P<message>\w{0,60}Warning: .*)",
        (
            Sample(
                "/srv/shop/app.py:3: DeprecationWarning: sell() is old",
                *(logging.WARNING, "/srv/shop/app.py", None, "DeprecationWarning: sell() is old"),
            ),
        ),
        begins=r"/\w.",
        hint="Warning: ",
        level=logging.WARNING,
    ),
    Format(
        "django, access",
        r"\[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4} \d\d:\d\d:\d\d)\] (?P<message>\".*)",
        (
            Sample(
                '[25/Nov/2026 22:55:23] "GET /boom HTTP/1.1" 500 54214',
                *(logging.INFO, None, "25/Nov/2026 22:55:23"),
                '"GET /boom HTTP/1.1" 500 54214',
            ),
        ),
        begins=r"\[",
        hint='] "',
        level=logging.INFO,
    ),
    Format(
        "jupyter, tornado",
        r"\[(?P<level>[DIWEC]) (?P<time>(?:(?:\d{6}|\d{4}-\d\d-\d\d) )?\d\d:\d\d:\d\d(?:\.\d+)?) "
        rf"(?P<logger>[A-Za-z_][\w.-]*)(?::\d+)?\] ?{M}",
        (
            Sample(
                "[E 260105 10:00:00 web:1870] Uncaught exception GET / (127.0.0.1)",
                *(logging.ERROR, "web", "260105 10:00:00"),
                "Uncaught exception GET / (127.0.0.1)",
            ),
            Sample(
                "[W 2026-01-05 10:00:00.123 ServerApp] No such kernel",
                *(logging.WARNING, "ServerApp", "2026-01-05 10:00:00.123", "No such kernel"),
            ),
            Sample(
                "[I 10:00:00.123 NotebookApp] Use Control-C",
                *(logging.INFO, "NotebookApp", "10:00:00.123", "Use Control-C"),
            ),
        ),
        begins=r"\[",
        hint="]",
    ),
    Format(
        "twisted",
        rf"{T} \[(?P<logger>[^\]#\s]{{1,100}})#(?P<level>[a-z]+)\] {M}",
        (
            Sample(
                "2026-01-05T10:00:00+0000 [shop.protocol#critical] Unhandled error in Deferred",
                *(logging.CRITICAL, "shop.protocol", "2026-01-05T10:00:00+0000"),
                "Unhandled error in Deferred",
            ),
            Sample(
                "2026-01-05T10:00:00+0000 [-#info] Main loop terminated.",
                *(logging.INFO, "-", "2026-01-05T10:00:00+0000", "Main loop terminated."),
            ),
        ),
        begins="0-9",
        hint="#",
    ),
    Format(
        "twisted, unhandled",
        rf"{T} \[[^\]]{{1,100}}\] (?P<message>Unhandled [Ee]rror.*)",
        (
            Sample(
                "2026-01-05 10:00:00+0000 [-] Unhandled Error",
                *(logging.ERROR, None, "2026-01-05 10:00:00+0000", "Unhandled Error"),
            ),
        ),
        begins="0-9",
        hint="] Unhandled",
        level=logging.ERROR,
    ),
    Format(
        "twisted, legacy",
        rf"{T} \[(?P<logger>-|[^\]]{{1,100}},[^\]]{{0,60}},[^\]]{{0,60}})\] "
        rf"(?!Unhandled [Ee]rror){M}",
        (
            Sample(
                "2026-01-05 10:00:00+0000 [HTTPChannel,7,10.0.0.7] connection lost",
                *(logging.INFO, "HTTPChannel,7,10.0.0.7", "2026-01-05 10:00:00+0000"),
                "connection lost",
            ),
        ),
        begins="0-9",
        hint=" [",
        level=logging.INFO,
    ),
    Format(
        "rich, same second",
        r" {11,24}(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL) {1,10}(?P<message>\S.*\S)\s+"
        r"(?P<logger>[\w-]+)\.py:\d+\s*\Z",
        (
            Sample(
                "                    WARNING  disk is slow                              app.py:13",
                *(logging.WARNING, "app", None, "disk is slow"),
            ),
        ),
        begins=" ",
        hint=".py:",
    ),
    Format(
        "rich",
        rf"\[{T}\] {L} +(?P<message>\S.*\S)\s+(?P<logger>[\w-]+)\.py:\d+\s*\Z",
        (
            Sample(
                "[01/05/26 10:00:00] ERROR    no stock                                  app.py:12",
                *(logging.ERROR, "app", "01/05/26 10:00:00", "no stock"),
            ),
        ),
        begins=r"\[",
        hint=".py:",
    ),
    Format(
        "structlog, named",
        rf"{T} \[(?P<level>[a-z]+) *\] (?P<message>[^\[\]\n]{{1,300}}?) +"
        r"\[(?P<logger>[A-Za-z_][\w.]*)\](?P<more>(?: .*)?)\Z",
        (
            Sample(
                "2026-01-05T10:00:00.123456Z [warning  ] slow                [shop.db] ms=12",
                *(logging.WARNING, "shop.db", "2026-01-05T10:00:00.123456Z", "slow ms=12"),
            ),
        ),
        begins="0-9",
        hint="] ",
    ),
    Format(
        "structlog",
        rf"{T} \[{L} *\] {M}",
        (
            Sample(
                "2026-01-05 10:00:00 [error    ] database gone                  host=db1",
                *(logging.ERROR, None, "2026-01-05 10:00:00"),
                "database gone                  host=db1",
            ),
        ),
    ),
    Format(
        "python",
        rf"{T}[\s|-]+(?:{N}[\s|:-]+)?\[?{L}\]?[\s|:-]+{M}",
        (
            Sample(
                "2026-01-05 10:00:00,123 - shop.db - ERROR - no stock",
                *(logging.ERROR, "shop.db", "2026-01-05 10:00:00,123", "no stock"),
            ),
        ),
    ),
    Format(
        "uvicorn",
        rf"(?P<level>[A-Z]{{4,8}}): +{M}",
        (
            Sample(
                "ERROR:    Exception in ASGI application",
                *(logging.ERROR, None, None, "Exception in ASGI application"),
            ),
            Sample(
                'INFO:     10.0.0.7:51234 - "GET / HTTP/1.1" 500 Internal Server Error',
                *(logging.INFO, None, None),
                '10.0.0.7:51234 - "GET / HTTP/1.1" 500 Internal Server Error',
            ),
        ),
    ),
    Format(
        "gunicorn",
        rf"\[{T}\] \[\d+\] \[{L}\] {M}",
        (
            Sample(
                "[2026-01-05 10:00:00 +0000] [71] [CRITICAL] WORKER TIMEOUT (pid:72)",
                *(logging.CRITICAL, None, "2026-01-05 10:00:00 +0000"),
                "WORKER TIMEOUT (pid:72)",
            ),
        ),
    ),
    Format(
        "celery",
        rf"\[{T}: {L}/[\w-]+\] {M}",
        (
            Sample(
                "[2026-01-05 10:00:00,123: ERROR/ForkPoolWorker-1] Task shop.pay[7c] raised: X()",
                *(logging.ERROR, None, "2026-01-05 10:00:00,123", "Task shop.pay[7c] raised: X()"),
            ),
        ),
    ),
    Format(
        "loguru",
        rf"{T} \| {L} +\| (?P<logger>[\w.<>]+):[\w<>.]+:\d+ - {M}",
        (
            Sample(
                "2026-01-05 10:00:00.123 | SUCCESS  | shop.db:<module>:19 - stored",
                *(logging.INFO, "shop.db", "2026-01-05 10:00:00.123", "stored"),
            ),
            Sample(
                "2026-01-05 10:00:00.123 | CRITICAL | __main__:run:19 - out of stock",
                *(logging.CRITICAL, "__main__", "2026-01-05 10:00:00.123", "out of stock"),
            ),
        ),
    ),
    Format(
        "airflow",
        rf"\[{T}\] \{{(?P<logger>[\w.]+):\d+\}} {L} - {M}",
        (
            Sample(
                "[2026-01-05T10:00:00.123+0000] {taskinstance.py:1150} ERROR - Task failed",
                *(logging.ERROR, "taskinstance.py", "2026-01-05T10:00:00.123+0000", "Task failed"),
            ),
        ),
    ),
)
