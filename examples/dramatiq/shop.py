import logging.config
import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

logging.config.dictConfig(
    {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {
            "console": {"class": "logging.StreamHandler"},
            "phone": {
                "class": "pushover_logging.PushoverHandler",
                "level": "ERROR",
                "store": "local",
            },
        },
        "root": {"level": "INFO", "handlers": ["console", "phone"]},
    }
)
dramatiq.set_broker(RedisBroker(url=os.environ.get("REDIS_URL", "redis://localhost:6379/0")))


@dramatiq.actor(max_retries=0)
def charge(order):
    logging.getLogger("shop").error("order %d is not paid", order)
    return {1: 7, 2: 15}[order]
