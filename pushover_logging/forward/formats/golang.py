"""How Go programs log: klog, zap, logrus, zerolog, slog, gin, and the standard library."""

from __future__ import annotations

import logging
from typing import Final

from .format import Format, L, M, N, Sample, T

FORMATS: Final = (
    Format(
        "klog",
        r"(?P<level>[IWEF])(?P<time>(?:\d{4}|\d{8}) \d\d:\d\d:\d\d\.\d{1,9})\s+\d+ "
        rf"(?P<logger>[^:\]\s]{{1,100}})(?::\d+)?\] ?{M}",
        (
            Sample(
                "E0105 10:00:00.619632       1 reflector.go:138] Failed to watch *v1.Pod: no",
                *(logging.ERROR, "reflector.go", "0105 10:00:00.619632"),
                "Failed to watch *v1.Pod: no",
            ),
            Sample(
                "W20260105 23:47:32.089828 400441 config.cc:27] Loading takes long",
                *(logging.WARNING, "config.cc", "20260105 23:47:32.089828", "Loading takes long"),
            ),
            Sample(
                "I0105 10:00:00.619632 1 main.go:12] up",
                *(logging.INFO, "main.go", "0105 10:00:00.619632", "up"),
            ),
        ),
        begins="IWEF",
        hint="]",
    ),
    Format(
        "zap",
        rf"{T}\t{L}\t(?:(?P<logger>[A-Za-z_][\w.-]*)\t(?!\{{))?(?:(?P<caller>[^\t\n]{{1,200}}:\d+)\t)?{M}",
        (
            Sample(
                '2026-01-05T10:00:00.123Z\tERROR\tshop.db\tdb/pool.go:12\tno connection\t{"n": 3}',
                *(logging.ERROR, "shop.db", "2026-01-05T10:00:00.123Z"),
                'no connection\t{"n": 3}',
            ),
            Sample(
                "2026-01-05T10:00:00.123+0100\twarn\tcmd/main.go:12\tslow",
                *(logging.WARNING, None, "2026-01-05T10:00:00.123+0100", "slow"),
            ),
            Sample(
                "1767607200.123\tinfo\tstarted",
                *(logging.INFO, None, "1767607200.123", "started"),
            ),
        ),
        begins="0-9",
        hint="\t",
    ),
    Format(
        "logrus",
        rf"(?P<level>[A-Z]{{4}})\[(?P<time>[^\]\s]{{1,40}}(?: [^\]\s]{{1,20}})?)\] ?{M}",
        (
            Sample(
                "ERRO[0012] cannot connect                                host=db1",
                *(logging.ERROR, None, "0012"),
                "cannot connect                                host=db1",
            ),
            Sample(
                "WARN[2026-01-05T10:00:00Z] slow",
                *(logging.WARNING, None, "2026-01-05T10:00:00Z", "slow"),
            ),
            Sample("FATA[0000] no config", *(logging.CRITICAL, None, "0000", "no config")),
        ),
        begins="A-Z",
        hint="[",
    ),
    Format(
        "gin, access",
        rf"\[GIN\] (?P<time>\d{{4}}/\d\d/\d\d - \d\d:\d\d:\d\d) \| {M}",
        (
            Sample(
                '[GIN] 2026/01/05 - 10:00:00 | 500 | 1.2ms | 10.0.0.7 | GET  "/items"',
                *(logging.INFO, None, "2026/01/05 - 10:00:00"),
                '500 | 1.2ms | 10.0.0.7 | GET  "/items"',
            ),
        ),
        begins=r"\[",
        hint="[GIN] ",
        level=logging.INFO,
    ),
    Format(
        "gin, recovery",
        rf"(?:{T} )?\[Recovery\] (?P<message>.*panic recovered:.*)",
        (
            Sample(
                "2026/01/05 10:00:00 [Recovery] 2026/01/05 - 10:00:00 panic recovered:",
                *(logging.ERROR, None, "2026/01/05 10:00:00"),
                "2026/01/05 - 10:00:00 panic recovered:",
            ),
        ),
        begins=r"0-9\[",
        hint="[Recovery]",
        level=logging.ERROR,
    ),
    Format(
        "net/http, panic",
        rf"(?:{T} )?(?P<message>http: panic serving .*)",
        (
            Sample(
                "2026/01/05 10:00:00 http: panic serving 10.0.0.7:5123: sold out",
                *(logging.ERROR, None, "2026/01/05 10:00:00"),
                "http: panic serving 10.0.0.7:5123: sold out",
            ),
        ),
        begins="0-9h",
        hint="http: panic",
        level=logging.ERROR,
    ),
    Format(
        "zerolog",
        rf"{T} (?P<level>TRC|DBG|INF|WRN|ERR|FTL|PNC|\?\?\?) {M}",
        (
            Sample(
                "10:00AM ERR cannot connect error=timeout host=db1",
                *(logging.ERROR, None, "10:00AM", "cannot connect error=timeout host=db1"),
            ),
            Sample(
                "2026-01-05T10:00:00Z WRN slow",
                *(logging.WARNING, None, "2026-01-05T10:00:00Z", "slow"),
            ),
        ),
    ),
    Format(
        "slog",
        rf"{T} {L} {M}",
        (
            Sample(
                '2026/01/05 10:00:00 ERROR cannot connect host=db1 err="timed out"',
                *(logging.ERROR, None, "2026/01/05 10:00:00"),
                'cannot connect host=db1 err="timed out"',
            ),
        ),
    ),
    Format(
        "rust",
        rf"\[?{T} +{L} {N}(?:\]|: ){M}",
        (
            Sample(
                "[2026-01-05T10:00:00Z ERROR shop::db] database gone",
                *(logging.ERROR, "shop::db", "2026-01-05T10:00:00Z", "database gone"),
            ),
            Sample(
                '2026-01-05T10:00:01.123456Z  WARN shop::db: slow host="db1"',
                *(logging.WARNING, "shop::db", "2026-01-05T10:00:01.123456Z", 'slow host="db1"'),
            ),
        ),
    ),
)
