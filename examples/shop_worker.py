"""One worker of the shop. Several run at the same time, and all of them meet the same trouble.

    python shop_worker.py [logging.json]

With SHOP_MEMORY=none in the environment it is killed in the end, as the kernel does without memory.
"""

import json
import logging
import logging.config
import os
import signal
import sys
import time
from pathlib import Path

logger = logging.getLogger("shop.worker")

TRIES = 250


def main() -> None:
    config = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("logging.json")
    logging.config.dictConfig(json.loads(config.read_text("utf-8")))

    for _ in range(TRIES):
        logger.error("the database does not answer")
        time.sleep(0.004)
    if os.environ.get("SHOP_MEMORY") == "none":
        time.sleep(0.5)
        logger.critical("out of memory")
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(3)


if __name__ == "__main__":
    main()
