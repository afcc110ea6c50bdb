"""Log records as ``logging`` makes them, for the tests of what becomes of them."""

from __future__ import annotations

import logging

__all__ = ["record"]


def record(
    msg: object = "hello",
    *args: object,
    name: str = "shop",
    level: int = logging.ERROR,
    exc_info: object = None,
    **extra: object,
) -> logging.LogRecord:
    return logging.getLogger(name).makeRecord(
        name,
        level,
        "/srv/shop/cart.py",
        7,
        msg,
        args,
        exc_info,
        "add",
        extra or None,
    )
