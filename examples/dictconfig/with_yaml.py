import logging
import logging.config

import yaml  # pip install PyYAML

with open("logging.yaml") as file:
    logging.config.dictConfig(yaml.safe_load(file))

log = logging.getLogger("shop")
log.info("open")
log.warning("%s is sold out", "tea")
for order in range(3):
    log.error("order %d is not paid", order)
