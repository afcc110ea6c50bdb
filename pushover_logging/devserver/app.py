"""The routes: the service's calls below ``/1/``, the controls below ``/dev/``, and the page."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pushover_logging.devserver.answers import Answer, Refusal, no_such_call
from pushover_logging.devserver.calls import CALLS, answer
from pushover_logging.devserver.inbox import inbox_routes
from pushover_logging.devserver.loopback import OnlyThisMachine
from pushover_logging.devserver.parameters import Attachment
from pushover_logging.devserver.traffic import Recorder, read_body, response_to, seen_request

if TYPE_CHECKING:
    from pushover_logging.devserver.server import DevServer

Endpoint = Callable[[Request], Awaitable[Response]]

OPTIONS_LIMIT = 64 * 1024
"""A control call with a larger body is refused."""


def make_app(server: DevServer, hosts: Iterable[str]) -> tuple[ASGIApp, Recorder]:
    """The whole app of a server, and the recorder of requests to the service inside it."""
    recorder = Recorder(_service_app(server), server.traffic, server.faults, server.changed)
    pages = _page_app(server)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        is_page = path in ("/", "/favicon.ico") or path.startswith(("/dev/", "/inbox/"))
        inside = pages if is_page else recorder
        await inside(scope, receive, send)

    def refuse(scope: Scope, sentence: str) -> ASGIApp:
        seen = seen_request(scope)
        return _rejected(server, seen, Answer.refusing(Refusal({}, [sentence], http_status=403)))

    return OnlyThisMachine(app, hosts, refuse), recorder


def _service_app(server: DevServer) -> Starlette:
    """The calls of the service, without simulated faults."""

    def endpoint(method: str, call: str) -> Endpoint:
        async def respond(request: Request) -> Response:
            parameters = request.scope["parameters"]
            if isinstance(parameters, Refusal):
                given = Answer.refusing(parameters)
            else:
                with server.changed:
                    path = request.path_params
                    given = answer(method, call, server.account, parameters, path)
                    server.changed.notify_all()
            if given.http_status == 200:
                return response_to(given)
            return _rejected(server, request.scope["seen"], given)

        return respond

    async def refuse_address(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        sentence = no_such_call(request.method, request.scope["path"])
        refusal = Refusal({}, [sentence], http_status=status)
        return _rejected(server, request.scope["seen"], Answer.refusing(refusal))

    routes = [
        Route(f"/1/{call}", endpoint(method, call), methods=[method]) for method, call in CALLS
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: refuse_address})
    app.router.redirect_slashes = False
    return app


def _rejected(server: DevServer, seen: Any, given: Answer) -> Response:
    """The response of a refusal, which the inbox page then lists."""
    with server.changed:
        now = server.account.clock()
        server.traffic.reject(seen, given.http_status, given.sentences, now)
        server.changed.notify_all()
    return response_to(given)


def _page_app(server: DevServer) -> Starlette:
    """The controls and the inbox page."""

    def control(function: Callable[..., object]) -> Endpoint:
        names = set(inspect.signature(function).parameters)

        async def respond(request: Request) -> Response:
            try:
                options = await _options(request)
                unknown = options.keys() - (names - request.path_params.keys())
                if unknown:
                    return _problem(f"{min(unknown)[:80]!r} is not an option of this call")
                function(**options, **request.path_params)
            except Refusal as refusal:
                return _problem(str(refusal.errors[0]), refusal.http_status)  # type: ignore[index]
            except TypeError as error:  # also raised where a needed option is missing
                return _problem(str(error).partition("() ")[2] or str(error))
            except (ValueError, LookupError) as error:
                return _problem(str(error.args[0] if error.args else error))
            return JSONResponse(server.state())

        return respond

    async def state(_request: Request) -> Response:
        return JSONResponse(server.state())

    async def list_messages(_request: Request) -> Response:
        return StreamingResponse(_json_list(server.messages), media_type="application/json")

    async def list_requests(_request: Request) -> Response:
        return StreamingResponse(_json_list(server.requests), media_type="application/json")

    async def refuse_address(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        path = request.scope["path"][:200]
        return _problem(f"{request.method} {path} is not a call of the dev server", status)

    routes = [
        Route("/dev/messages", list_messages),
        Route("/dev/requests", list_requests),
        Route("/dev/state", state),
        Route("/dev/faults", control(server.fault), methods=["POST"]),
        Route("/dev/faults", control(server.clear_faults), methods=["DELETE"]),
        Route("/dev/acknowledge/{receipt}", control(server.acknowledge), methods=["POST"]),
        Route("/dev/expire/{receipt}", control(server.expire), methods=["POST"]),
        Route("/dev/quota", control(server.set_quota), methods=["POST"]),
        Route("/dev/reset", control(server.reset), methods=["POST"]),
        *inbox_routes(server),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: refuse_address})
    app.router.redirect_slashes = False
    return app


async def _options(request: Request) -> dict[str, Any]:
    body = await read_body(request, OPTIONS_LIMIT)
    try:
        options = json.loads(body) if body else {}
        json.dumps(options, ensure_ascii=False).encode()  # raises at lone surrogates
    except (ValueError, RecursionError):
        raise ValueError("the body is not valid JSON") from None
    if not isinstance(options, dict):
        raise TypeError("the body must be a JSON object of options")
    return options


def _problem(sentence: str, status: int = 400) -> Response:
    return JSONResponse({"error": sentence, "errors": [sentence], "status": 0}, status)


async def _json_list(values: list[Any]) -> AsyncIterator[str]:
    """A JSON list, one element at a time: together they may be large."""
    yield "["
    for number, value in enumerate(values):
        yield (", " if number else "") + json.dumps(_plain(value))
    yield "]"


def _plain(value: Any) -> Any:
    """A value as JSON has it; bytes as text, with what is no UTF-8 replaced."""
    if isinstance(value, Attachment):
        return {"name": value.name, "type": value.type, "size": len(value.data)}
    if dataclasses.is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value
