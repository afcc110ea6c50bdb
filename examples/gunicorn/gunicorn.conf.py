import pushover_logging

logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s [%(process)d] %(levelname)s %(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "phone": {"class": "pushover_logging.PushoverHandler", "level": "ERROR", "store": "local"},
    },
    "root": {"level": "INFO", "handlers": ["console", "phone"]},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": ["console", "phone"], "propagate": False},
        "gunicorn.access": {"level": "INFO", "handlers": ["console"], "propagate": False},
    },
}


def on_exit(server):
    pushover_logging.drain()
