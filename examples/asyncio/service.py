import asyncio
import logging.config

import pushover_logging

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
pushover_logging.install_hooks()
log = logging.getLogger("shop")


async def billing(order):
    log.error("order %d is not paid", order)
    raise ConnectionError("the bank does not answer")


async def main():
    for order in range(4):
        asyncio.create_task(billing(order))
    await asyncio.Event().wait()


asyncio.run(main())
