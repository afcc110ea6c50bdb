"""How web servers and the programs behind them log: nginx, Apache, PHP, Ruby, npm."""

from __future__ import annotations

import logging
from typing import Final

from .format import Format, L, M, Sample, T

_PHP = (
    r"(?P<level>(?:Recoverable |Catchable )?[Ff]atal error|(?:Core |Compile )?(?:[Ww]arning|error)"
    r"|Parse error|Notice|Deprecated|Strict Standards)"
)

FORMATS: Final = (
    Format(
        "access",
        r"(?:\S{1,100} )?\S{1,100} +\S{1,100} +\S{0,100} ?"
        r"\[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}[: ]\d\d:\d\d:\d\d(?: [+-]\d{4})?)\] "
        r"(?P<message>\".*)",
        (
            Sample(
                '10.0.0.7 - ada [05/Jan/2026:10:00:00 +0000] "GET /error HTTP/1.1" 500 12 "-" "-"',
                *(logging.INFO, None, "05/Jan/2026:10:00:00 +0000"),
                '"GET /error HTTP/1.1" 500 12 "-" "-"',
            ),
        ),
        begins=r"\w:\[-",
        hint='] "',
        level=logging.INFO,
    ),
    Format(
        "uwsgi, access",
        rf"\[pid: \d+\|app: [\d-]+\|req: [\d/-]+\] {M}",
        (
            Sample(
                "[pid: 71|app: 0|req: 1/1] 10.0.0.7 () {38 vars in 696 bytes} GET / => 500",
                *(logging.INFO, None, None),
                "10.0.0.7 () {38 vars in 696 bytes} GET / => 500",
            ),
        ),
        begins=r"\[",
        hint="[pid: ",
        level=logging.INFO,
    ),
    Format(
        "apache",
        r"\[(?P<time>[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? \d{4})\] "
        r"\[(?:(?P<logger>\w*):)?(?P<level>[a-z]+\d?)\] "
        rf"(?:\[pid [^\]]{{1,60}}\] )?(?:\[client [^\]]{{1,80}}\] )?{M}",
        (
            Sample(
                "[Mon Jan 05 10:00:00.123456 2026] [core:error] [pid 71:tid 140] "
                "[client 10.0.0.7:60444] AH00135: Invalid method in request FOO /",
                *(logging.ERROR, "core", "Mon Jan 05 10:00:00.123456 2026"),
                "AH00135: Invalid method in request FOO /",
            ),
            Sample(
                "[Mon Jan 05 10:00:00 2026] [notice] Digest: generating secret",
                *(logging.INFO, None, "Mon Jan 05 10:00:00 2026", "Digest: generating secret"),
            ),
        ),
        begins=r"\[",
        hint="] [",
    ),
    Format(
        "nginx",
        rf"(?P<time>\d{{4}}/\d\d/\d\d \d\d:\d\d:\d\d) \[{L}\] {M}",
        (
            Sample(
                "2026/01/05 10:00:00 [error] 71#71: *12 open() failed (2: No such file)",
                *(logging.ERROR, None, "2026/01/05 10:00:00"),
                "71#71: *12 open() failed (2: No such file)",
            ),
        ),
        begins="0-9",
        hint=" [",
    ),
    Format(
        "monolog, laravel",
        rf"\[{T}\] (?P<logger>[\w-]{{1,80}}(?:\.[\w-]{{1,80}}){{0,3}})\."
        rf"(?P<level>[A-Z]{{4,9}}): {M}",
        (
            Sample(
                '[2026-01-05 10:00:00] production.ERROR: Connection refused {"exception":"x"}',
                *(logging.ERROR, "production", "2026-01-05 10:00:00"),
                'Connection refused {"exception":"x"}',
            ),
            Sample(
                "[2026-01-05T10:00:01.123456+00:00] app.WARNING: slow [] []",
                *(logging.WARNING, "app", "2026-01-05T10:00:01.123456+00:00", "slow [] []"),
            ),
        ),
        begins=r"\[",
        hint=": ",
    ),
    Format(
        "php",
        rf"(?:\[{T}(?: [\w/+-]{{1,40}})?\] )?(?:PHP )?{_PHP}:  ?{M}",
        (
            Sample(
                "[05-Jan-2026 10:00:00 UTC] PHP Fatal error:  Uncaught Exception: x in /a.php:3",
                *(logging.CRITICAL, None, "05-Jan-2026 10:00:00 UTC"),
                "Uncaught Exception: x in /a.php:3",
            ),
            Sample(
                "PHP Warning:  Undefined variable $x in /a.php on line 3",
                *(logging.WARNING, None, None, "Undefined variable $x in /a.php on line 3"),
            ),
            Sample(
                "PHP Notice:  Undefined index: x in /a.php on line 3",
                *(logging.INFO, None, None, "Undefined index: x in /a.php on line 3"),
            ),
        ),
        begins=r"\[PFPWNDSRC",
        hint=": ",
    ),
    Format(
        "php-fpm",
        rf"\[{T}\] {L}: {M}",
        (
            Sample(
                "[05-Jan-2026 10:00:00] WARNING: [pool www] child 71 exited on signal 11",
                *(logging.WARNING, None, "05-Jan-2026 10:00:00"),
                "[pool www] child 71 exited on signal 11",
            ),
        ),
        begins=r"\[",
        hint="]",
    ),
    Format(
        "ruby",
        r"(?P<level>[DIWEFA]), \[(?P<time>[^ \]]{1,40}) ?#\d+\] +[A-Z]+ -- (?P<logger>[^:]{0,80}):"
        rf" ?{M}",
        (
            Sample(
                "E, [2026-01-05T10:00:00.123456 #4711] ERROR -- : the printer is on fire",
                *(logging.ERROR, None, "2026-01-05T10:00:00.123456", "the printer is on fire"),
            ),
            Sample(
                "W, [2026-01-05T10:00:01.123456 #4711]  WARN -- shop: low on paper",
                *(logging.WARNING, "shop", "2026-01-05T10:00:01.123456", "low on paper"),
            ),
        ),
        begins="DIWEFA",
        hint=" -- ",
    ),
    Format(
        "rails",
        r"(?P<message>[A-Z]\w{1,60}(?:::\w{1,60}){1,6} \(.*\):)\s*\Z",
        (
            Sample(
                "ActiveRecord::RecordNotFound (Couldn't find Item with 'id'=7):",
                *(logging.ERROR, None, None),
                "ActiveRecord::RecordNotFound (Couldn't find Item with 'id'=7):",
            ),
        ),
        begins="A-Z",
        hint=" (",
        level=logging.ERROR,
    ),
    Format(
        "npm",
        rf"npm (?P<level>ERR!|WARN|error|warn|notice|info|verb|http|sill)(?: |\Z){M}",
        (
            Sample("npm ERR! code ENOENT", *(logging.ERROR, None, None, "code ENOENT")),
            Sample("npm WARN deprecated x", *(logging.WARNING, None, None, "deprecated x")),
        ),
        begins="n",
        hint="npm ",
    ),
    Format(
        "node, warning",
        r"\(node:\d+\) (?P<message>(?:\[\w+\] )?\w*Warning: .*)",
        (
            Sample(
                "(node:71) [DEP0005] DeprecationWarning: Buffer() is deprecated",
                *(logging.WARNING, None, None),
                "[DEP0005] DeprecationWarning: Buffer() is deprecated",
            ),
        ),
        begins=r"\(",
        hint="Warning",
        level=logging.WARNING,
    ),
)
