import logging
import logging.config
import multiprocessing

import pushover_logging


def configure():
    # Replaces the handler that a forked child inherits; a spawned child inherits none.
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {
                "phone": {
                    "class": "pushover_logging.PushoverHandler",
                    "level": "ERROR",
                    "store": "local",
                },
            },
            "root": {"handlers": ["phone"]},
        }
    )


def check(order):
    if order % 10 == 0:
        logging.getLogger("shop").error("order %d is not paid", order)


if __name__ == "__main__":
    configure()
    with multiprocessing.Pool(2, initializer=configure) as pool:
        pool.map(check, range(100))
        pool.close()  # the end of "with" kills the children, so let them end before
        pool.join()
    pushover_logging.drain()
