import logging
import logging.config

logging.config.fileConfig("logging.ini", disable_existing_loggers=False)

log = logging.getLogger("shop")
log.info("open")
log.warning("%s is sold out", "tea")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("the price is wrong")
