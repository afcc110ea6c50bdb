"""Pairs of messages that real libraries log, and whether both are about the same problem."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["PAIRS", "Pair"]


class Pair(NamedTuple):
    """Two texts, and whether people expect one group or two."""

    source: str
    first: str
    second: str
    verdict: Literal["same", "different"]


def _same(source: str, first: str, second: str) -> Pair:
    return Pair(source, first, second, "same")


def _different(source: str, first: str, second: str) -> Pair:
    return Pair(source, first, second, "different")


PAIRS = [
    # Django
    _same(
        "django: path with a number",
        "Internal Server Error: /orders/1042/pay",
        "Internal Server Error: /orders/77/pay",
    ),
    _same(
        "django: path with a UUID",
        "Not Found: /files/9f8e7d6c-1a2b-4c3d-8e4f-5a6b7c8d9e0f",
        "Not Found: /files/00000000-aaaa-4bbb-8ccc-dddddddddddd",
    ),
    _different(
        "django: status phrases",
        "Not Found: /orders/1042",
        "Forbidden: /orders/1042",
    ),
    _different(
        "django: paths of words",
        "Internal Server Error: /orders/1042/pay",
        "Internal Server Error: /orders/1042/refund",
    ),
    _same(
        "django: invalid host",
        "Invalid HTTP_HOST header: '10.0.0.3:8000'. You may need to add '10.0.0.3' to "
        "ALLOWED_HOSTS.",
        "Invalid HTTP_HOST header: 'shop.example'. You may need to add 'shop.example' to "
        "ALLOWED_HOSTS.",
    ),
    _same(
        "django: slow query",
        "(0.532) SELECT COUNT(*) FROM shop_order WHERE id = 1042; args=(1042,); alias=default",
        "(12.004) SELECT COUNT(*) FROM shop_order WHERE id = 9; args=(9,); alias=default",
    ),
    _different(
        "django: other table",
        "(0.532) SELECT COUNT(*) FROM shop_order WHERE id = 1042",
        "(0.532) SELECT COUNT(*) FROM shop_customer WHERE id = 1042",
    ),
    _same(
        "django: development server",
        '"GET /cart/?item=4 HTTP/1.1" 500 145',
        '"GET /cart/?item=lamp HTTP/1.1" 500 99120',
    ),
    _different(
        "django: development server, other path",
        '"GET /cart/ HTTP/1.1" 500 145',
        '"GET /search/ HTTP/1.1" 500 145',
    ),
    # Flask and Werkzeug
    _same(
        "flask: path with a number",
        "Exception on /user/42 [GET]",
        "Exception on /user/43 [GET]",
    ),
    _different(
        "flask: methods",
        "Exception on /user/42 [GET]",
        "Exception on /user/42 [DELETE]",
    ),
    _same(
        "werkzeug: access line",
        '127.0.0.1 - - [03/Feb/2025 10:00:01] "POST /pay HTTP/1.1" 500 -',
        '10.1.2.3 - - [28/Nov/2026 23:59:59] "POST /pay HTTP/1.1" 500 -',
    ),
    _same(
        "werkzeug: address of the server",
        "Running on http://127.0.0.1:5000",
        "Running on http://192.168.178.20:8080",
    ),
    # FastAPI and uvicorn
    _same(
        "uvicorn: access line",
        '127.0.0.1:52110 - "GET /items/5?q=lamp HTTP/1.1" 500',
        '10.0.0.7:41000 - "GET /items/6?q=chair HTTP/1.1" 500',
    ),
    _same(
        "uvicorn: process id",
        "Finished server process [4711]",
        "Finished server process [12]",
    ),
    _different(
        "uvicorn: start and end",
        "Finished server process [4711]",
        "Started server process [4711]",
    ),
    _same(
        "fastapi: upstream URL",
        "HTTP Request: GET https://api.example/v1/users/42?token=abc&page=2 returned 503",
        "HTTP Request: GET https://api.example/v1/users/7?token=xyz&page=11 returned 503",
    ),
    _different(
        "fastapi: validation of other fields",
        "1 validation error for Order: quantity must be positive (input_value=-3)",
        "1 validation error for Order: price must be positive (input_value=-3)",
    ),
    # Celery
    _same(
        "celery: task id",
        "Task shop.tasks.bill[9f8e7d6c-1a2b-4c3d-8e4f-5a6b7c8d9e0f] raised unexpected: "
        "ValueError('no customer 5')",
        "Task shop.tasks.bill[0a1b2c3d-ffff-4eee-9ddd-cccccccccccc] raised unexpected: "
        "ValueError('no customer 123')",
    ),
    _different(
        "celery: other task",
        "Task shop.tasks.bill[9f8e7d6c-1a2b-4c3d-8e4f-5a6b7c8d9e0f] raised unexpected: "
        "ValueError()",
        "Task shop.tasks.ship[9f8e7d6c-1a2b-4c3d-8e4f-5a6b7c8d9e0f] raised unexpected: "
        "ValueError()",
    ),
    _different(
        "celery: other exception",
        "Task shop.tasks.bill[9f8e7d6c-1a2b-4c3d-8e4f-5a6b7c8d9e0f] raised unexpected: "
        "ValueError()",
        "Task shop.tasks.bill[9f8e7d6c-1a2b-4c3d-8e4f-5a6b7c8d9e0f] raised unexpected: KeyError()",
    ),
    _same(
        "celery: retry in seconds",
        "Task shop.tasks.bill[1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed] retry: Retry in 180s",
        "Task shop.tasks.bill[6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b] retry: Retry in 5s",
    ),
    _same(
        "celery: lost worker",
        "Process 'ForkPoolWorker-3' pid:8123 exited with 'signal 9 (SIGKILL)'",
        "Process 'ForkPoolWorker-12' pid:91 exited with 'signal 15 (SIGTERM)'",
    ),
    _same(
        "celery: broker address",
        "consumer: Cannot connect to amqp://guest:**@10.0.0.5:5672//: timed out. Trying again in "
        "2.00 seconds... (1/100)",
        "consumer: Cannot connect to amqp://guest:**@10.0.0.6:5672//: timed out. Trying again in "
        "32.00 seconds... (16/100)",
    ),
    _same(
        "celery: missed heartbeat",
        "missed heartbeat from celery@web-1",
        "missed heartbeat from celery@batch.example.com",
    ),
    # gunicorn
    _same(
        "gunicorn: worker timeout",
        "WORKER TIMEOUT (pid:4711)",
        "WORKER TIMEOUT (pid:90210)",
    ),
    _same(
        "gunicorn: killed worker",
        "Worker (pid:4711) was sent SIGKILL! Perhaps out of memory?",
        "Worker (pid:8) was sent SIGKILL! Perhaps out of memory?",
    ),
    _different(
        "gunicorn: signals",
        "Worker (pid:4711) was sent SIGKILL! Perhaps out of memory?",
        "Worker (pid:4711) was sent SIGTERM!",
    ),
    _same(
        "gunicorn: error line with a date",
        "[2026-11-26 00:20:37 +0000] [4711] [ERROR] Error handling request /pay",
        "[2025-01-02 13:01:00 -0800] [12] [ERROR] Error handling request /pay",
    ),
    # urllib3, requests
    _same(
        "urllib3: address of a connection",
        "Retrying (Retry(total=2, connect=None)) after connection broken by "
        "'NewConnectionError('<urllib3.connection.HTTPSConnection object at 0x7f3a5c1d2e50>')'"
        ": /api",
        "Retrying (Retry(total=0, connect=None)) after connection broken by "
        "'NewConnectionError('<urllib3.connection.HTTPSConnection object at 0x10a4b2f40>')'"
        ": /api",
    ),
    _same(
        "urllib3: full pool",
        "Connection pool is full, discarding connection: api.example. Connection pool size: 10",
        "Connection pool is full, discarding connection: api.example. Connection pool size: 1",
    ),
    _different(
        "urllib3: full pool of another host",
        "Connection pool is full, discarding connection: api.example. Connection pool size: 10",
        "Connection pool is full, discarding connection: mail.example. Connection pool size: 10",
    ),
    _same(
        "requests: status of a URL with a query",
        "503 Server Error: Service Unavailable for url: https://api.example/rates?base=EUR&at=12",
        "503 Server Error: Service Unavailable for url: https://api.example/rates?base=USD&at=3",
    ),
    _different(
        "requests: reasons",
        "503 Server Error: Service Unavailable for url: https://api.example/rates",
        "502 Server Error: Bad Gateway for url: https://api.example/rates",
    ),
    _same(
        "requests: read timeout",
        "HTTPSConnectionPool(host='api.example', port=443): Read timed out. (read timeout=10)",
        "HTTPSConnectionPool(host='api.example', port=443): Read timed out. (read timeout=2.5)",
    ),
    # SQLAlchemy, psycopg
    _same(
        "sqlalchemy: parameters",
        "(sqlite3.IntegrityError) UNIQUE constraint failed: users.email "
        "[parameters: ('ada@x.com', 7)]",
        "(sqlite3.IntegrityError) UNIQUE constraint failed: users.email "
        "[parameters: ('bob@y.org', 12)]",
    ),
    _different(
        "sqlalchemy: constraints",
        "(sqlite3.IntegrityError) UNIQUE constraint failed: users.email",
        "(sqlite3.IntegrityError) UNIQUE constraint failed: users.phone",
    ),
    _same(
        "sqlalchemy: pool limit",
        "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00",
        "QueuePool limit of size 20 overflow 0 reached, connection timed out, timeout 5.00",
    ),
    _same(
        "sqlalchemy: cached statement",
        "[cached since 0.001234s ago] (42, 'ada')",
        "[cached since 3.4s ago] (7, 'bob')",
    ),
    _same(
        "psycopg: server address",
        'connection to server at "10.0.0.12", port 5432 failed: Connection refused',
        'connection to server at "db.example", port 5433 failed: Connection refused',
    ),
    _same(
        "psycopg: duplicate key",
        'duplicate key value violates unique constraint "users_email_key": Key (id)=(42) exists',
        'duplicate key value violates unique constraint "users_email_key": Key (id)=(9000) exists',
    ),
    _different(
        "psycopg: reasons",
        'connection to server at "10.0.0.12", port 5432 failed: Connection refused',
        'connection to server at "10.0.0.12", port 5432 failed: timeout expired',
    ),
    _same(
        "psycopg: deadlock",
        "deadlock detected: Process 8211 waits for ShareLock on transaction 991; blocked by 8209.",
        "deadlock detected: Process 17 waits for ShareLock on transaction 1004532; blocked by 3.",
    ),
    # asyncio
    _same(
        "asyncio: slow callback",
        "Executing <Task pending name='Task-12' coro=<poll() running at /srv/app/poll.py:31>> took "
        "0.153 seconds",
        "Executing <Task pending name='Task-7' coro=<poll() running at /srv/app/poll.py:31>> took "
        "2.000 seconds",
    ),
    _different(
        "asyncio: slow callbacks of other coroutines",
        "Executing <Task pending name='Task-12' coro=<poll() running at /srv/app/poll.py:31>>",
        "Executing <Task pending name='Task-12' coro=<sync() running at /srv/app/sync.py:31>>",
    ),
    _same(
        "asyncio: unclosed transport",
        "unclosed transport <_SelectorSocketTransport fd=7 read=polling>",
        "unclosed transport <_SelectorSocketTransport fd=112 read=polling>",
    ),
    _same(
        "asyncio: address of a future",
        "Future exception was never retrieved: <Future at 0x7f8a1b2c3d40>",
        "Future exception was never retrieved: <Future at 0x7fffdeadbeef>",
    ),
    _different(
        "asyncio: task and future",
        "Task exception was never retrieved",
        "Future exception was never retrieved",
    ),
    # boto
    _same(
        "boto: request id",
        "An error occurred (Throttling) when calling the PutItem operation (reached max retries: 9"
        ", request id 4442587FB7D0A2F9): Rate exceeded",
        "An error occurred (Throttling) when calling the PutItem operation (reached max retries: 4"
        ", request id C3D4AB0011223344): Rate exceeded",
    ),
    _different(
        "boto: operations",
        "An error occurred (Throttling) when calling the PutItem operation: Rate exceeded",
        "An error occurred (Throttling) when calling the GetItem operation: Rate exceeded",
    ),
    _different(
        "boto: error codes",
        "An error occurred (NoSuchKey) when calling the GetObject operation",
        "An error occurred (AccessDenied) when calling the GetObject operation",
    ),
    # redis
    _same(
        "redis: refused",
        "Error 111 connecting to 10.0.0.9:6379. Connection refused.",
        "Error 111 connecting to 10.0.0.10:6380. Connection refused.",
    ),
    _same(
        "redis: IPv6",
        "Timeout reading from [fe80::1ff:fe23:4567:890a]:6379",
        "Timeout reading from [2001:db8::2]:6379",
    ),
    _same(
        "redis: moved slot",
        "MOVED 3999 127.0.0.1:6381",
        "MOVED 12 10.2.0.1:7000",
    ),
    _different(
        "redis: moved and asked",
        "MOVED 3999 127.0.0.1:6381",
        "ASK 3999 127.0.0.1:6381",
    ),
    # APScheduler
    _same(
        "apscheduler: missed run",
        'Run time of job "backup (trigger: interval[0:01:00], next run at: '
        '2026-11-26 00:20:00 UTC)"'
        " was missed by 0:00:12.345678",
        'Run time of job "backup (trigger: interval[0:01:00], next run at: '
        '2026-11-27 01:00:00 UTC)"'
        " was missed by 1 day, 3:00:01",
    ),
    _different(
        "apscheduler: missed and skipped",
        'Run time of job "backup" was missed by 0:00:12',
        'Execution of job "backup" skipped: maximum number of running instances reached (1)',
    ),
    # aiohttp
    _same(
        "aiohttp: unclosed session",
        "Unclosed client session client_session: <aiohttp.client.ClientSession object at 0x7fab12>",
        "Unclosed client session client_session: <aiohttp.client.ClientSession object at 0x7fcdef>",
    ),
    _different(
        "aiohttp: session and connector",
        "Unclosed client session",
        "Unclosed connector",
    ),
    _same(
        "aiohttp: cannot connect",
        "Cannot connect to host api.example:443 ssl:default "
        "[Connect call failed ('10.0.0.1', 443)]",
        "Cannot connect to host api.example:443 ssl:default "
        "[Connect call failed ('::1', 443, 0, 0)]",
    ),
    # An application of your own
    _same("own: attempts", "try 9", "try 10"),
    _same("own: thousands", "moved 1,234,567 rows", "moved 12 rows"),
    _same("own: percentage", "disk 91% full", "disk 100.0% full"),
    _same("own: signs", "temperature is -12.5 here", "temperature is +3 here"),
    _same("own: units", "request took 12.3ms", "request took 3s"),
    _same("own: units as words", "request took 1 second", "request took 350 milliseconds"),
    _same("own: sizes", "wrote 4KB", "wrote 1.5 MiB"),
    _same("own: exponents", "residual 1e-05 is too large", "residual 0.25 is too large"),
    _same("own: composed durations", "job ran for 1h3m5s", "job ran for 12s"),
    _same("own: commits", "deploy of 3fa9c2e failed", "deploy of 00d1f5ab failed"),
    _same(
        "own: full commit and short",
        "bad commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "bad commit 4b825dc",
    ),
    _same("own: prefixed id", "charge ch_9f8e7d6c5b declined", "charge ch_00ab12cd34 declined"),
    _same(
        "own: e-mail", "no mailbox for ada@example.com", "no mailbox for bob.b+x@mail.example.org"
    ),
    _same(
        "own: RFC 2822 date",
        "expired on Mon, 12 Jan 2026 10:00:00 +0000",
        "expired on Tue, 3 Feb 2026 23:01:00 +0000",
    ),
    _same(
        "own: ISO date", "expired at 2026-11-26T00:20:37Z", "expired at 2025-01-02T03:04:05.678901Z"
    ),
    _same(
        "own: syslog date", "Jan  2 03:04:05 host cron failed", "Nov 26 00:20:37 host cron failed"
    ),
    _same(
        "own: log line",
        "2026-11-26 00:20:37,123 cron failed",
        "2025-01-02 03:04:05,007 cron failed",
    ),
    _same("own: quoted value", "cannot open 'a b.txt'", "cannot open 'c.txt'"),
    _same("own: quotes of Python", 'bad field "it\'s here"', "bad field 'there'"),
    _same("own: back quotes", "unknown column `total`", "unknown column `sum`"),
    _same("own: bytes", "bad header b'abc'", "bad header b'\\xff'"),
    _same("own: list of numbers", "missing ids [1, 2, 3]", "missing ids [44]"),
    _same(
        "own: MAC address",
        "device 00:1a:2b:3c:4d:5e is offline",
        "device f8:ff:c2:01:00:9d is offline",
    ),
    _same(
        "own: path with a date",
        "cannot read /var/log/app-2026-11-26.log",
        "cannot read /var/log/app-2025-1-2.log",
    ),
    _same(
        "own: JSON line",
        '{"event": "payment failed", "user": "ada", "n": 3}',
        '{"event": "payment failed", "user": "bob", "n": 44}',
    ),
    _different(
        "own: JSON lines of two events",
        '{"event": "payment failed", "n": 3}',
        '{"event": "disk full", "n": 3}',
    ),
    _different("own: JSON lines of other keys", '{"error": "x"}', '{"warning": "x"}'),
    _same("own: logfmt", "event='disk full' path='/srv' n=3", "event='disk full' path='/tmp' n=99"),
    _different("own: logfmt of two events", "event='disk full' n=3", "event='login failed' n=3"),
    _same("own: quoted name of an event", "unknown event 'login'", "unknown event 'logout'"),
    _same(
        "own: many digits and a unit", "ran for 1000000 days, 0:00:00", "ran for 3 days, 1:00:00"
    ),
    _same("own: decimals before other letters", "image 12,345px wide", "image 9px wide"),
    _same(
        "own: UUID after a number",
        "lost 5, 7c1b8d61-65e8-5424-8a4e-2da6427105bb",
        "lost 12, 9f8e7d6c-1a2b-4c3d-8e4f-5a6b7c8d9e0f",
    ),
    _different("own: only a quoted value", "'customer'", "'order'"),
    _different("own: apostrophes", "can't read the user's file", "can't read the team's file"),
    _different("own: words", "disk full", "disk failing"),
    _different("own: digits in words", "HTTP is down", "HTTP2 is down"),
    _different("own: names with numbers", "replica of db-1 is late", "replica of cache-1 is late"),
    _different("own: short hex words", "face 5", "cafe 5"),
    _different("own: words like months", "Marathon 5 failed", "Maybe 5 failed"),
]
