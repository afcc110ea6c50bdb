import os

from jobs import charge
from redis import Redis
from rq import Queue

queue = Queue(connection=Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost:6379/0")))
for order in range(1, 5):
    queue.enqueue(charge, order)
