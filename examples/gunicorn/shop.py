import logging

PRICES = {"/order/1": 7, "/order/2": 15}
log = logging.getLogger("shop")


def wsgi(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/missing/"):
        log.error("%s is missing", path.rpartition("/")[2])
        body = b"ordered"
    else:
        body = str(PRICES[path]).encode()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body]


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    path = scope["path"]
    if path.startswith("/missing/"):
        log.error("%s is missing", path.rpartition("/")[2])
        body = b"ordered"
    else:
        body = str(PRICES[path]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
