"""How .NET programs log, and others that the general header does not read."""

from __future__ import annotations

import logging
from typing import Final

from .format import Format, L, M, Sample, T

FORMATS: Final = (
    Format(
        ".net",
        rf"(?:\[?{T}\]? ?)?(?P<level>trce|dbug|info|warn|fail|crit): "
        rf"(?P<logger>[\w.`+<>-]{{1,200}})\[-?\d+\](?P<message>.*)",
        (
            Sample(
                "fail: Microsoft.AspNetCore.Server.Kestrel[13]",
                *(logging.ERROR, "Microsoft.AspNetCore.Server.Kestrel", None, ""),
            ),
            Sample(
                "2026-01-05T10:00:00 warn: Shop.Stock[0] low",
                *(logging.WARNING, "Shop.Stock", "2026-01-05T10:00:00", "low"),
            ),
        ),
        begins=r"0-9\[tdiwfc",
        hint="]",
    ),
    Format(
        "serilog",
        rf"\[{T} {L}\] {M}",
        (
            Sample(
                "[10:00:00 ERR] no stock",
                *(logging.ERROR, None, "10:00:00", "no stock"),
            ),
        ),
    ),
    Format(
        "twelve-factor",
        rf"\[{L}\] {M}",
        (
            Sample("[error] no stock", *(logging.ERROR, None, None, "no stock")),
            Sample("[WARNING] low stock", *(logging.WARNING, None, None, "low stock")),
        ),
    ),
    Format(
        "winston",
        rf"{L}: {M}",
        (
            Sample("error: no stock", *(logging.ERROR, None, None, "no stock")),
            Sample("warn: low stock", *(logging.WARNING, None, None, "low stock")),
        ),
    ),
)
