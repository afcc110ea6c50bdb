import logging
import threading

import pushover_logging

logging.getLogger().addHandler(pushover_logging.PushoverHandler(level="ERROR"))
pushover_logging.install_hooks()

for order in range(3):
    logging.getLogger("shop").error("order %d is not paid", order)
threading.Event().wait()
