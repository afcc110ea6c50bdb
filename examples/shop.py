"""A shop that takes orders and logs what happens, as any application does.

    python shop.py [logging.json]

It has never heard of Pushover: where its log goes is said in that file, for
``logging.config.dictConfig``.
"""

import json
import logging
import logging.config
import sys
import time
from pathlib import Path

logger = logging.getLogger("shop")
stock_logger = logging.getLogger("shop.stock")
payment_logger = logging.getLogger("shop.payment")

STOCK = {"tea": 3, "cups": 8, "kettle": 0}
CREDIT = {"Ada": 100, "Grace": 100, "Alan": 5}
PRICES = {"tea": 7, "cups": 15, "kettle": 40}
ORDERS = [
    (1041, "Ada", "tea"),
    (1042, "Alan", "cups"),
    (1043, "Grace", "cups"),
    (1044, "Ada", "kettle"),
    (1045, "Grace", "tea"),
]


class PaymentError(Exception):
    """The card was not charged."""


def take_from_stock(item: str) -> bool:
    stock_logger.debug("%d of %s in stock", STOCK[item], item)
    if not STOCK[item]:
        stock_logger.warning("%s is sold out", item)
        return False
    STOCK[item] -= 1
    return True


def charge(customer: str, amount: int) -> None:
    if amount > CREDIT[customer]:
        raise PaymentError(f"{customer}'s card was refused for {amount} EUR")
    CREDIT[customer] -= amount


def handle(number: int, customer: str, item: str) -> None:
    if not take_from_stock(item):
        return
    try:
        charge(customer, PRICES[item])
    except PaymentError:
        payment_logger.exception("order %d is not paid", number)
    else:
        logger.info("order %d: %s for %s", number, item, customer)


def main() -> None:
    config = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("logging.json")
    logging.config.dictConfig(json.loads(config.read_text("utf-8")))

    for order in ORDERS:
        handle(*order)
        time.sleep(0.5)
    logger.critical("the shop closes, unpaid is %d", 1042)


if __name__ == "__main__":
    main()
