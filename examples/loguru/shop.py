from loguru import logger

from pushover_logging import PushoverHandler

logger.add(PushoverHandler(title="{levelname} shop"), level="WARNING", format="{message}")

logger.info("open")
for order in range(3):
    logger.error("order {} is not paid", order)
try:
    1 / 0
except ZeroDivisionError:
    logger.exception("the price is wrong")
