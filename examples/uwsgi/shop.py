import logging.config

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
log = logging.getLogger("shop")


def application(environ, start_response):
    log.error("%s is missing", environ["PATH_INFO"].rpartition("/")[2])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ordered"]
