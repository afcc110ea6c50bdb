import logging

from pushover_logging import PushoverHandler

handler = PushoverHandler(level="ERROR")
logging.getLogger().addHandler(handler)
log = logging.getLogger("shop")


def lambda_handler(event, context):
    try:
        log.error("order %d is not paid", event["order"])
        return {"statusCode": 200}
    finally:
        handler.flush(timeout=3)
