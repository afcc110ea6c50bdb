"""The shop's stocktaking at night, which runs into a loop: the warehouse does not answer, and it
asks again at once, a hundred thousand times, and logs an error each time.

    python stocktaking.py [logging.json]

It has never heard of Pushover either.
"""

import json
import logging
import logging.config
import sys
from pathlib import Path

logger = logging.getLogger("shop.stock")

MOST_TRIES = 100_000


def ask_warehouse() -> dict[str, int] | None:
    return None


def count_stock() -> dict[str, int]:
    for number in range(1, MOST_TRIES + 1):
        stock = ask_warehouse()
        if stock is not None:
            return stock
        logger.error("try %d: the warehouse does not answer", number)
    return {}


def main() -> None:
    config = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("logging.json")
    logging.config.dictConfig(json.loads(config.read_text("utf-8")))

    count_stock()


if __name__ == "__main__":
    main()
