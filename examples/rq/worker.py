import logging.config
import os

from redis import Redis
from rq import Queue, Worker

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

connection = Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost:6379/0"))
Worker([Queue(connection=connection)], connection=connection).work(burst=True)
