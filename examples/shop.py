"""A shop that takes orders and logs what happens, as any application does.

    python shop.py [logging.json]

It has never heard of Pushover: where its log goes is said in that file, for
``logging.config.dictConfig``.
"""

import itertools
import json
import logging
import logging.config
import sys
import time
from pathlib import Path

logger = logging.getLogger("shop")
stock_logger = logging.getLogger("shop.stock")
payment_logger = logging.getLogger("shop.payment")

PRICES = {"tea": 7, "cups": 15, "kettle": 40}
STOCK = {"tea": 20, "cups": 20, "kettle": 1}
PAYMENT_OUTAGE = range(1045, 1055)


class PaymentError(Exception):
    """The card was not charged."""


def take_from_stock(item: str) -> bool:
    stock_logger.debug("%d of %s in stock", STOCK[item], item)
    if not STOCK[item]:
        stock_logger.warning("%s is sold out", item)
        return False
    STOCK[item] -= 1
    return True


def charge(number: int, amount: int) -> None:
    if number in PAYMENT_OUTAGE:
        raise PaymentError(f"the card reader does not answer, {amount} EUR are not paid")


def handle(number: int, item: str) -> bool:
    """Sell it; whether the order needs somebody's hand."""
    if not take_from_stock(item):
        return False
    try:
        charge(number, PRICES[item])
    except PaymentError:
        payment_logger.exception("order %d is not paid", number)
        return True
    logger.info("order %d: %s sold", number, item)
    return False


def main() -> None:
    config = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("logging.json")
    logging.config.dictConfig(json.loads(config.read_text("utf-8")))

    unpaid = 0
    for number, item in zip(range(1041, 1061), itertools.cycle(PRICES)):
        unpaid += handle(number, item)
        time.sleep(0.2)
    logger.critical("closing with %d orders unpaid", unpaid)


if __name__ == "__main__":
    main()
