import logging.config

import structlog
from structlog.stdlib import ProcessorFormatter


def as_push(logger, method, event):
    text = event.pop("event")
    return "\n".join([text, *(f"{name}: {value}" for name, value in event.items())])


logging.config.dictConfig(
    {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": ProcessorFormatter, "processor": structlog.dev.ConsoleRenderer()},
            "push": {"()": ProcessorFormatter, "processor": as_push},
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line"},
            "phone": {
                "class": "pushover_logging.PushoverHandler",
                "level": "WARNING",
                "formatter": "push",
            },
        },
        "root": {"level": "INFO", "handlers": ["console", "phone"]},
    }
)
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.format_exc_info,
        ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)

log = structlog.get_logger("shop")
log.info("open")
for order in range(3):
    log.error("order not paid", order=order, customer="Ada")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("wrong price", item="tea")
