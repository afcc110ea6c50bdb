import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI

import pushover_logging

log = logging.getLogger("shop")


@asynccontextmanager
async def lifespan(app):
    yield
    log.error("closing with unpaid orders")
    pushover_logging.drain()


app = FastAPI(lifespan=lifespan)


@app.get("/order/{number}")
async def order(number: int):
    prices = {1: 7, 2: 15}
    return {"price": prices[number]}
