import logging.config
import os

import sentry_sdk

logging.config.dictConfig(
    {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {
            "console": {"class": "logging.StreamHandler"},
            "phone": {"class": "pushover_logging.PushoverHandler", "level": "ERROR"},
        },
        "root": {"level": "INFO", "handlers": ["console", "phone"]},
    }
)
sentry_sdk.init(dsn=os.environ.get("SENTRY_DSN"))

for order in range(3):
    logging.getLogger("shop").error("order %d is not paid", order)
