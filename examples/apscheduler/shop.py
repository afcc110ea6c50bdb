import logging.config
import threading

from apscheduler.schedulers.background import BackgroundScheduler

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


def stocktaking():
    return {"tea": 20}["kettle"]


def billing():
    raise ConnectionError("the bank does not answer")


scheduler = BackgroundScheduler()
scheduler.add_job(stocktaking, "interval", seconds=0.5)
scheduler.add_job(billing, "interval", seconds=0.5)
scheduler.start()
threading.Event().wait()
