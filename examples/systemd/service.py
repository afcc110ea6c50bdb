import logging
import os
import threading

import pushover_logging

state = os.environ["STATE_DIRECTORY"]
logging.getLogger().addHandler(
    pushover_logging.PushoverHandler(level="ERROR", store=f"sqlite:///{state}/alerts.sqlite")
)
pushover_logging.install_hooks()

for order in range(3):
    logging.getLogger("shop").error("order %d is not paid", order)
threading.Event().wait()
