"""Sends requests to the service over a kept-alive connection; the only user of requests."""

from __future__ import annotations

import http.client
import io
import logging
import os
import queue
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote_plus, urlsplit
from weakref import WeakSet

import requests
import requests.adapters
import requests.utils
from requests.structures import CaseInsensitiveDict
from urllib3 import connection as urllib3_connection
from urllib3 import exceptions as urllib3_errors
from urllib3.util.connection import create_connection

from .address import is_loopback, resolve_api_url
from .errors import TransportError
from .masking import mask_address

if TYPE_CHECKING:
    from urllib3 import HTTPResponse

    from .parameters import Value

TIMEOUT = (5.0, 10.0)
"""Seconds for connecting and for the answer; their sum is the limit of a whole request."""

# Pushover's API documentation, "Being Friendly to our API": at most two connections at once.
_CONNECTIONS = 2
_SESSIONS_OWN = "requests.sessions"
"""The module of ``Session.send``. A test may have put another function in its place, even before
this module was loaded."""
_LARGEST_ANSWER = 1_048_576
_LONGEST_WAIT = 1e8  # seconds; sockets refuse much longer timeouts
_HEADERS = {"User-Agent": "pushover-logging"}
_FORM_HEADERS = {**_HEADERS, "Content-Type": "application/x-www-form-urlencoded"}


@dataclass(slots=True)
class Reply:
    """An answer as it came over the wire, not yet understood."""

    url: str = field(repr=False)
    """Where the request went, without its query."""
    http_status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class File:
    """A file part of a request."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


class Request:
    """A request to the service, as one opaque value.

    Error reporters walk the local variables of every frame. They find no token or user key here:
    this is no mapping, and its ``repr`` shows neither the path nor any parameter. Code that has
    made a Request deletes the variables that it was made of.
    """

    __slots__ = ("_file", "_parameters", "method", "path")

    def __init__(
        self, method: str, path: str, parameters: Mapping[str, Value], file: File | None = None
    ) -> None:
        self.method: str = method
        self.path: str = path
        self._parameters = parameters
        self._file = file

    def fields(self) -> dict[str, str]:
        """The form fields as texts, without those that are None. Raises TypeError for others."""
        return {n: _field(n, value) for n, value in self._parameters.items() if value is not None}

    def prepare(self, api_url: str) -> requests.PreparedRequest:
        """The same in requests' form, of parts that need none of requests' checks."""
        if self._file is not None:
            part = (self._file.name, self._file.content, self._file.content_type)
            prepared = requests.Request(
                self.method, api_url + self.path, data=self.fields(), files={"attachment": part}
            ).prepare()
            prepared.headers.update(_HEADERS)
            return prepared
        form = "&".join([f"{_quoted_name(n)}={_quoted(t)}" for n, t in self.fields().items()])
        prepared = requests.PreparedRequest()
        prepared.method = self.method
        # urllib3 copies the headers and walks over them, which a plain dict makes cheap.
        if self.method == "GET":  # where the service wants the token in the query
            prepared.url, headers = f"{api_url}{self.path}?{form}", {**_HEADERS}
        else:
            prepared.url, prepared.body = api_url + self.path, form.encode("ascii")
            headers = {**_FORM_HEADERS, "Content-Length": str(len(form))}
        prepared.headers = headers  # type: ignore[assignment]
        return prepared

    def __repr__(self) -> str:
        return f"<{self.method} request to Pushover>"


class Transport:
    """The connection to the service; applications and threads may share it.

    The address, the proxy and the trusted certificates are settled at construction. Redirects
    are never followed: they would carry the token elsewhere.
    """

    def __init__(self, api_url: str | None = None, timeout: tuple[float, float] = TIMEOUT) -> None:
        self.api_url: str = resolve_api_url(api_url)
        self.timeout: tuple[float, float] = _checked(timeout)
        """Seconds for connecting and for the answer; a new value holds from the next request.

        A whole request takes no longer than their sum, however slowly the server sends. Only the
        system's name resolution has a limit of its own (see resolv.conf).
        """
        self._host = urlsplit(self.api_url).netloc
        self._proxies = _proxies_for(self.api_url)
        self._ca_bundle = _ca_bundle()
        self._renew()
        _transports.add(self)

    def post(
        self,
        path: str,
        parameters: Mapping[str, Value],
        file: File | None = None,
        *,
        timeout: float | None = None,
    ) -> Reply:
        """Send parameters in the body of a POST, and a file with them; raises as ``exchange``."""
        request = Request("POST", path, parameters, file)
        del path, parameters, file
        return self.exchange(request, timeout)

    def get(
        self, path: str, parameters: Mapping[str, Value], *, timeout: float | None = None
    ) -> Reply:
        """Send a GET with the parameters in its query; raises as ``exchange``."""
        request = Request("GET", path, parameters)
        del path, parameters
        return self.exchange(request, timeout)

    def exchange(self, request: Request, timeout: float | None = None) -> Reply:
        """Send a request once and return the answer.

        ``timeout`` is the limit for all of it in seconds, where that is less than the sum of the
        transport's own. Raises TransportError when no answer came.
        """
        connect, read = self.timeout
        total = min(connect + read, _LONGEST_WAIT)
        if timeout is not None:
            total = min(total, timeout) if timeout > 0 else 0.0
        if not total:
            raise TransportError(f"no time was left to ask {self._host}", may_have_arrived=False)
        limits = (min(connect, total), min(read, total))
        attempt = _Attempt(time.monotonic() + total)
        try:
            return self._send(request, limits, attempt)
        except TransportError as error:
            error.__context__ = None
            failure = error.with_traceback(None)
        except (OSError, urllib3_errors.HTTPError) as error:
            failure = self._explained(error, limits, attempt)
        except BaseException as error:  # noqa: BLE001 - raised again, without its frames
            # An interrupt or a defect. Its frames in requests and urllib3 hold the request in
            # clear, and an error reporter would show them.
            error.__cause__ = error.__context__ = None
            raise error.with_traceback(None)  # noqa: B904 - it is that error
        # Raised out here, the foreign exception is not its context: that exception's text or
        # request would hold the token.
        raise failure

    def close(self) -> None:
        """Close the connection; a later request opens another."""
        session = self._current_session()
        self._renew()  # first, so that no thread finds the session that is being closed
        session.close()

    def _drop_connections(self) -> None:
        """Close the idle connections without a word; in a forked child these are the parent's."""
        for adapter in self._session.adapters.values():
            pool = getattr(getattr(adapter, "_pool", None), "pool", None)
            for connection in list(pool.queue) if pool is not None else ():
                if connection is not None and connection.sock is not None:
                    with suppress(OSError):
                        connection.sock.close()

    def _send(self, request: Request, limits: tuple[float, float], attempt: _Attempt) -> Reply:
        prepared = request.prepare(self.api_url)
        session = self._current_session()
        adapter = session.get_adapter(prepared.url or "")
        send: Callable[..., requests.Response] = adapter.send
        is_stand_in = getattr(type(session).send, "__module__", None) != _SESSIONS_OWN
        if is_stand_in or not isinstance(adapter, _Adapter):
            # A test's stand-in for the service. Session.send itself is avoided otherwise: it looks
            # up proxies and collects cookies for each request.
            prepared.headers = CaseInsensitiveDict(prepared.headers)
            if is_stand_in:
                send = partial(session.send, allow_redirects=False)
        slots = self._slots
        try:
            slot = slots.get(timeout=_left(attempt.ends))
        except (queue.Empty, TimeoutError):
            raise TransportError(
                f"no connection to {self._host} was free in time", may_have_arrived=False
            ) from None
        try:
            _attempt.set(attempt)
            response = send(
                prepared,
                stream=True,
                timeout=limits,
                verify=self._ca_bundle.path if self._ca_bundle else True,
                proxies=self._proxies,
            )
            body = _body(response.raw)
            # A body that was read to its end has given its connection back already; this closes
            # the connection of any other.
            response.close()
        finally:
            slots.put(slot)
        if len(body) > _LARGEST_ANSWER:
            raise self._too_much()
        return Reply(self.api_url + request.path, response.status_code, response.headers, body)

    def _current_session(self) -> requests.Session:
        # A forked child must not write into the connection that its parent goes on using. Without
        # a lock two threads may both renew it; the loser's is closed once its request is answered.
        if self._pid != os.getpid():
            self._renew()
        return self._session

    def _renew(self) -> None:
        logging.getLogger("urllib3.connectionpool").addFilter(_mask_addresses)
        session = requests.Session()
        adapter = _Adapter(1, _CONNECTIONS, max_retries=0, pool_block=False)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        self._session, self._pid = session, os.getpid()
        # Limits the number of connections. urllib3's pool could (pool_block), but it empties
        # itself when the interpreter exits, and a later exit hook that sends would wait for ever
        # for a connection to come back.
        slots: queue.SimpleQueue[int] = queue.SimpleQueue()  # a semaphore written in C
        for slot in range(_CONNECTIONS):
            slots.put(slot)
        self._slots = slots

    def _explained(
        self, error: Exception, limits: tuple[float, float], attempt: _Attempt
    ) -> TransportError:
        from .reasons import bundle_problem, is_missing_bundle, reason  # only failures need them

        chain = _chain(error)
        if any(isinstance(e, _TooMuch) for e in chain):
            return self._too_much()
        said = reason(chain)
        never_connected = attempt.connecting or any(
            isinstance(e, urllib3_errors.NewConnectionError) for e in chain
        )
        # The system's own TimeoutError has a number: it gave up sooner than the limit.
        out_of_time = isinstance(
            error, (requests.Timeout, urllib3_errors.TimeoutError, TimeoutError)
        ) or (isinstance(chain[-1], TimeoutError) and chain[-1].errno is None)
        untrusted = isinstance(error, requests.exceptions.SSLError)
        if (untrusted and attempt.connecting is not False) or is_missing_bundle(error):
            problem = self._ca_bundle and bundle_problem(*self._ca_bundle, chain[-1])
            text = problem or f"no trusted connection to {self._host}: {said}"
        elif isinstance(chain[-1], http.client.InvalidURL) or isinstance(
            error, (requests.exceptions.InvalidSchema, requests.exceptions.InvalidURL)
        ):
            text = f"the proxy that the environment names cannot be used: {said}"
        elif isinstance(error, requests.exceptions.ProxyError):
            text = f"the proxy gave no connection to {self._host}: {said}"
        elif isinstance(error, requests.ConnectTimeout) or (out_of_time and never_connected):
            text = f"no connection to {self._host} within {limits[0]:g} seconds"
        elif never_connected:
            text = f"cannot connect to {self._host}: {said}"
        elif out_of_time:
            return TransportError(f"no answer from {self._host} within {limits[1]:g} seconds")
        else:
            return TransportError(f"the connection to {self._host} broke: {said}")
        return TransportError(text, may_have_arrived=False)

    def _too_much(self) -> TransportError:
        return TransportError(f"{self._host} answered with more than {_LARGEST_ANSWER} bytes")


class _Attempt:
    """A request that is under way: when it must be over, and how far it is."""

    __slots__ = ("connecting", "ends")

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.connecting: bool | None = None
        """None until a connection of ours takes the request, which a test's stand-in never does."""


_attempt: ContextVar[_Attempt] = ContextVar("_attempt")
"""The request that this thread is sending, for the connection that sends it."""


_transports: WeakSet[Transport] = WeakSet()


def after_fork() -> None:
    """In a forked child: close its copies of the parent's connections.

    At once: the garbage collector, or the next request, would do so when a daemon has closed all
    descriptors, and their numbers are those of files of its own.
    """
    for transport in list(_transports):
        if transport._pid != os.getpid():
            transport._drop_connections()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork)


class _Adapter(requests.adapters.HTTPAdapter):
    """requests' adapter for a single address, which looks things up once and not per request.

    Only the methods that requests offers to subclasses are overridden. Together they are a third
    of a request's CPU time.
    """

    _pool: Any = None
    _trusting: Any = None

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        if self._pool is None:
            self._pool = _bounded(super().get_connection_with_tls_context(*args, **kwargs))
        return self._pool

    def get_connection(self, *args: Any, **kwargs: Any) -> Any:
        """The name of the method above in requests before 2.32."""
        if self._pool is None:
            self._pool = _bounded(super().get_connection(*args, **kwargs))
        return self._pool

    def cert_verify(self, conn: Any, *args: Any) -> None:
        if conn is not self._trusting:
            super().cert_verify(conn, *args)  # type: ignore[no-untyped-call]
            self._trusting = conn

    def request_url(self, request: requests.PreparedRequest, *_: Any) -> str:
        # Whole addresses are for proxies that see plain http, and ours never leaves this machine.
        return request.path_url

    def build_response(self, _: requests.PreparedRequest, resp: Any) -> requests.Response:
        return _Response(resp)


class _Response(requests.Response):
    """requests' response, without the cookies and the history that nobody asks for."""

    _content: Any = False
    _content_consumed: bool = False

    def __init__(self, raw: Any) -> None:
        self.raw, self.status_code, self.headers = raw, raw.status, raw.headers


def _bounded(pool: Any) -> Any:
    """The pool with connections that keep the time limit of the request under way."""
    kind = pool.ConnectionCls
    if issubclass(kind, _Connection):
        return pool  # another thread had the same first request
    if issubclass(kind, urllib3_connection.HTTPConnection):  # and not a recorder's stand-in
        direct = kind._new_conn is urllib3_connection.HTTPConnection._new_conn
        ours = _DirectConnection if direct else _Connection  # the others go through SOCKS
        pool.ConnectionCls = type(kind.__name__, (ours, kind), {})
    return pool


class _Connection(urllib3_connection.HTTPConnection if TYPE_CHECKING else object):  # type: ignore[misc]
    """What our connections add to urllib3's: the limits of time, and addresses without secrets.

    urllib3 limits each wait for a byte, so a server that sends a byte now and then would hold a
    request for ever.
    """

    _ends = 0.0
    _masked = _target = ""
    _parts: list[bytes] | None = None
    """Head and body of a request, which leave together: as one packet, with one system call."""

    def connect(self) -> None:
        attempt = _attempt.get()
        attempt.connecting = True
        self._ends = min(attempt.ends, time.monotonic() + float(self.timeout or 0))
        super().connect()
        self._ends, attempt.connecting = attempt.ends, False

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        # Tracing tools wrap http.client, and urllib3 logs: both get to see a masked address.
        self._target = self._masked = url
        if "token=" in url or "/groups/" in url:
            self._masked = mask_address(url)
        attempt = _attempt.get()
        self._ends, attempt.connecting = attempt.ends, False
        parts: list[bytes] = []
        self._parts = parts
        try:
            super().request(method, self._masked, *args, **kwargs)
        finally:
            self._parts = None
        self.send(b"".join(parts))

    def _encode_request(self, request: str) -> bytes:
        return request.replace(self._masked, self._target, 1).encode("ascii")

    def send(self, data: Any) -> None:
        if self._parts is not None:  # urllib3 has made bytes of every kind of body
            self._parts.append(data)
            return
        if self.sock is None:
            self.connect()
        self.sock.settimeout(_left(self._ends))
        super().send(data)


class _DirectConnection(_Connection):
    def _new_conn(self) -> socket.socket:
        """Connect to an address of the host; all of them together have the limit of one."""
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise urllib3_errors.NewConnectionError(self, "name not resolved") from error
        failed: OSError = TimeoutError()
        for tried, (*_, address) in enumerate(found):
            share = _left(self._ends) / (len(found) - tried)
            try:
                sock = create_connection(
                    (str(address[0]), self.port), share, socket_options=self.socket_options
                )
            except OSError as error:
                failed = error
            else:
                sock.settimeout(_left(self._ends))
                return sock
        if isinstance(failed, TimeoutError):
            raise urllib3_errors.ConnectTimeoutError(self, "no connection in time") from failed
        raise urllib3_errors.NewConnectionError(self, "no connection") from failed


class _Answer(http.client.HTTPResponse):
    """http.client's response, which skips every 1xx and keeps the request's time limit."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        ends = min(_attempt.get().ends, time.monotonic() + float(sock.gettimeout() or 0))
        self._reader = _Reader(self.fp.detach(), sock, ends)
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        super().begin()
        while 101 < self.status < 200:  # http.client skips 100 by itself
            self.headers = None  # type: ignore[assignment]
            super().begin()
        if self.status == 101:
            self.will_close = True  # from now on it speaks something else
        self._reader.allowed += 2 * _LARGEST_ANSWER


_Connection.response_class = _Answer


class _TooMuch(http.client.HTTPException):
    """More came than any answer of the service holds."""


class _Reader(io.RawIOBase):
    """Reads from a socket until a point in time, and only so many bytes."""

    allowed = 262_144
    """Bytes that may still come; at first those of the headers."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, ends: float) -> None:
        self._raw, self._sock, self._ends = raw, sock, ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_left(self._ends))
        count = self._raw.readinto(buffer)
        self.allowed -= count or 0
        if self.allowed < 0:
            raise _TooMuch
        return count

    def fileno(self) -> int:
        return self._raw.fileno()

    def close(self) -> None:
        self._raw.close()
        super().close()


def _left(ends: float) -> float:
    """The seconds until a point on the monotonic clock. Raises TimeoutError when it is past."""
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _body(raw: HTTPResponse) -> bytes:
    """The whole body, or more than the largest that is allowed, counted after decompression."""
    length = raw.length_remaining
    if length is None or length > _LARGEST_ANSWER or raw.headers.get("Content-Encoding"):
        return raw.read(_LARGEST_ANSWER + 1, decode_content=True)
    return raw.read()  # to a known end, which saves a look at the connection


def _field(name: str, value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        # Not str(): of True and of an IntEnum it is the name.
        return str(int(value))
    if isinstance(value, float):
        return str(value)
    if isinstance(value, Iterable):
        return ",".join(value)
    raise TypeError(f"{name} must be a text, a number or a list of texts, not {type(value)}")


def _quoted(text: str) -> str:
    """The text as a form holds it; names, keys and numbers stay as they are."""
    return text if text.isascii() and text.isalnum() else quote_plus(text)


_quoted_name = lru_cache(maxsize=64)(_quoted)


def _checked(timeout: tuple[float, float]) -> tuple[float, float]:
    try:
        connect, read = timeout
        valid = connect > 0 and read > 0
    except (TypeError, ValueError):
        raise TypeError(
            f"timeout must be two numbers of seconds, for connecting and reading, not {timeout!r}"
        ) from None
    if not valid:
        raise ValueError(f"timeout must be two numbers above 0, not {timeout!r}")
    return float(connect), float(read)


def _proxies_for(api_url: str) -> dict[str, str]:
    if is_loopback(api_url):
        # Through a proxy the request would leave this machine, and over http in clear.
        return {}
    proxy = requests.utils.select_proxy(api_url, requests.utils.get_environ_proxies(api_url))
    return {urlsplit(api_url).scheme: proxy} if proxy else {}


class _Bundle(NamedTuple):
    """The certificates that the environment names, and the variable that names them."""

    path: str
    variable: str


def _ca_bundle() -> _Bundle | None:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        path = os.environ.get(variable)
        if path:
            return _Bundle(path, variable)
    return None


def _mask_addresses(record: logging.LogRecord) -> bool:
    """Keep tokens and keys out of urllib3's debug records, which quote path and query whole."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            mask_address(value) if isinstance(value, str) else value for value in record.args
        )
    return True


def _chain(error: BaseException) -> list[BaseException]:
    """The error and its causes, down to the system's own; requests and urllib3 wrap it deep."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        wrapped = [getattr(following, "reason", None), *reversed(following.args)]
        inner = [e for e in wrapped if isinstance(e, BaseException)]
        following = inner[0] if inner else following.__cause__ or following.__context__
    return chain
