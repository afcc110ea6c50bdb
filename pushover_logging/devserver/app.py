"""The routes: the service's calls below ``/1/``, the controls below ``/dev/``, and the page."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from pushover_logging.devserver.api import CALLS, Answer, CallFunction, answer, refuse
from pushover_logging.devserver.inbox import inbox_routes
from pushover_logging.devserver.parameters import Attachment
from pushover_logging.devserver.refusals import Refusal

if TYPE_CHECKING:
    from pushover_logging.devserver.server import DevServer

Endpoint = Callable[[Request], Awaitable[Response]]


def service_app(server: DevServer) -> Starlette:
    """The calls of the service, without what may go wrong on the way."""
    routes = [
        Route(f"/{path}", _service_endpoint(server, function), methods=[method])
        for (method, path), function in CALLS.items()
    ]
    mount = Mount("/1", routes=routes)
    return Starlette(routes=[mount], exception_handlers={HTTPException: _refuse_address})


def control_app(server: DevServer, service: Any) -> Starlette:
    """The controls, the inbox page, and the service below them."""
    routes = [
        Route("/dev/messages", _list(server, "messages")),
        Route("/dev/requests", _list(server, "requests")),
        Route("/dev/state", _state(server)),
        Route("/dev/faults", _control(server, server.fault), methods=["POST"]),
        Route("/dev/faults", _control(server, server.clear_faults), methods=["DELETE"]),
        Route("/dev/acknowledge/{receipt}", _control(server, server.acknowledge), methods=["POST"]),
        Route("/dev/expire/{receipt}", _control(server, server.expire), methods=["POST"]),
        Route("/dev/quota", _control(server, server.set_quota), methods=["POST"]),
        Route("/dev/reset", _control(server, server.reset), methods=["POST"]),
        *inbox_routes(server),
        Mount("/", app=service),
    ]
    return Starlette(routes=routes)


def _service_endpoint(server: DevServer, function: CallFunction) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        parameters = request.scope["parameters"]
        if isinstance(parameters, Refusal):
            return _response(refuse(parameters))
        with server.changed:
            given = answer(function, server.account, parameters, request.path_params)
            server.changed.notify_all()
        return _response(given)

    return endpoint


async def _refuse_address(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    sentence = f"{request.method} {request.url.path} is no call of the service"
    return _response(refuse(Refusal({}, [sentence], http_status=status)))


def _response(given: Answer) -> Response:
    return Response(given.as_json(), given.http_status, given.headers, "application/json")


def _list(server: DevServer, name: str) -> Endpoint:
    async def endpoint(_request: Request) -> Response:
        return JSONResponse([_plain(each) for each in getattr(server, name)])

    return endpoint


def _state(server: DevServer) -> Endpoint:
    async def endpoint(_request: Request) -> Response:
        return JSONResponse(server.state())

    return endpoint


def _control(server: DevServer, method: Callable[..., object]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            method(**await _options(request), **request.path_params)
        except (TypeError, ValueError, LookupError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(server.state())

    return endpoint


async def _options(request: Request) -> dict[str, Any]:
    body = await request.body()
    options = json.loads(body) if body else {}
    if not isinstance(options, dict):
        raise TypeError("the body must be a JSON object of options")
    return options


def _plain(value: Any) -> Any:
    """A value as JSON can say it; bytes as text, what is none in them replaced."""
    if isinstance(value, Attachment):
        return {"name": value.name, "type": value.type, "size": len(value.data)}
    if dataclasses.is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value
