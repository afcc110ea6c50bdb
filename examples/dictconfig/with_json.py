import json
import logging
import logging.config

with open("logging.json") as file:
    logging.config.dictConfig(json.load(file))

log = logging.getLogger("shop")
log.info("open")
log.warning("%s is sold out", "tea")
for order in range(3):
    log.error("order %d is not paid", order)
