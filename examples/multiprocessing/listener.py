import logging
import multiprocessing
from logging.handlers import QueueHandler, QueueListener

import pushover_logging


def configure(queue):
    logging.getLogger().addHandler(QueueHandler(queue))


def check(order):
    if order % 10 == 0:
        logging.getLogger("shop").error("order %d is not paid", order)


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    listener = QueueListener(queue, pushover_logging.PushoverHandler(level="ERROR"))
    listener.start()
    with context.Pool(2, initializer=configure, initargs=(queue,)) as pool:
        pool.map(check, range(100))
        pool.close()
        pool.join()
    listener.stop()
