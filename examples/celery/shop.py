import logging.config
import os

from celery import Celery
from celery.signals import setup_logging

app = Celery("shop", broker=os.environ.get("BROKER_URL", "redis://localhost:6379/0"))


@setup_logging.connect  # Celery then leaves logging alone
def configure_logging(**options):
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
                    "title": "{levelname} {name} {data[name]}",
                },
            },
            "root": {"level": "INFO", "handlers": ["console", "phone"]},
        }
    )


@app.task
def charge(order):
    logging.getLogger("shop").error("order %d is not paid", order)
    return {1: 7, 2: 15}[order]
