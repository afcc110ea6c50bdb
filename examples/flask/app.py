import logging.config

from flask import Flask

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

app = Flask(__name__)


@app.route("/order/<int:number>")
def order(number):
    prices = {1: 7, 2: 15}
    return f"{prices[number]} EUR"
