"""Carries requests to the service over one kept-alive connection; the only user of requests."""

from __future__ import annotations

import logging
import os
import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlsplit

import requests
import requests.adapters
import requests.utils
from requests.structures import CaseInsensitiveDict
from urllib3 import exceptions as urllib3_errors

from .address import is_loopback, resolve_api_url
from .errors import TransportError
from .masking import mask_address

if TYPE_CHECKING:
    from urllib3 import HTTPResponse

TIMEOUT = (5.0, 10.0)
"""Seconds for the connection, and for each wait for something to be read."""

# Pushover's API documentation, "Being Friendly to our API": at most two connections at once.
_CONNECTIONS = 2
_SESSIONS_OWN = requests.Session.send
_LARGEST_ANSWER = 1_048_576
_HEADERS = {"User-Agent": "pushover-logging"}
_HEADERS_OF_A_FORM = {**_HEADERS, "Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
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


class Transport:
    """The way to the service; may be shared by applications and by threads.

    The address, the proxy and the trusted certificates are settled at construction. Redirects
    are never followed: they would carry the token elsewhere.
    """

    def __init__(self, api_url: str | None = None, timeout: tuple[float, float] = TIMEOUT) -> None:
        self.api_url = resolve_api_url(api_url)
        self.timeout = _checked(timeout)
        """Seconds for connecting and for reading; what is set here holds from the next request."""
        self._host = urlsplit(self.api_url).netloc
        self._proxies = _proxies_for(self.api_url)
        self._verify = _trusted_certificates()
        self._renew()

    def post(self, path: str, parameters: Mapping[str, str], file: File | None = None) -> Reply:
        """Send parameters in the body of a POST, and a file with them.

        Raises TransportError when no answer came.
        """
        if file is not None:
            return self._exchange(self._multipart(path, parameters, file))
        body = _form(parameters).encode("ascii")
        length = {"Content-Length": str(len(body))}
        request = _prepared("POST", self.api_url + path, {**_HEADERS_OF_A_FORM, **length})
        request.body = body
        return self._exchange(request)

    def get(self, path: str, parameters: Mapping[str, str]) -> Reply:
        """Ask with the parameters in the query, where the service wants the token of a GET.

        Raises TransportError when no answer came.
        """
        url = f"{self.api_url}{path}?{_form(parameters)}"
        return self._exchange(_prepared("GET", url, _HEADERS))

    def close(self) -> None:
        """Close the connection; a later request opens another."""
        session = self._current_session()
        self._renew()  # first: nobody is to find the way that is closed
        session.close()

    def _multipart(
        self, path: str, parameters: Mapping[str, str], file: File
    ) -> requests.PreparedRequest:
        part = (file.name, file.content, file.content_type)
        request = requests.Request(
            "POST", self.api_url + path, data=dict(parameters), files={"attachment": part}
        )
        prepared = request.prepare()
        prepared.headers.update(_HEADERS)
        return prepared

    def _exchange(self, request: requests.PreparedRequest) -> Reply:
        try:
            return self._answer(request)
        except (OSError, urllib3_errors.HTTPError) as error:
            failure = self._translated(error)
        # Raised out here, the foreign exception is not its context: that one's text or request
        # would hold the token.
        raise failure

    def _answer(self, request: requests.PreparedRequest) -> Reply:
        url = request.url or self.api_url
        send = self._way(request, url)
        slots = self._slots
        slot = slots.get()
        try:
            response = send(
                request,
                stream=True,
                timeout=self.timeout,
                verify=self._verify,
                proxies=self._proxies,
            )
            body = _body(response.raw)
            # What was read to its end has given its connection back already; this ends the others.
            response.close()
        finally:
            slots.put(slot)
        if len(body) > _LARGEST_ANSWER:
            raise TransportError(f"{self._host} answered with more than {_LARGEST_ANSWER} bytes")
        return Reply(url.partition("?")[0], response.status_code, response.headers, body)

    def _way(self, request: requests.PreparedRequest, url: str) -> Callable[..., requests.Response]:
        """What sends a request: the adapter, or what somebody's tests put in the place of one."""
        session = self._current_session()
        adapter = session.get_adapter(url)
        if type(session).send is _SESSIONS_OWN and isinstance(adapter, _Adapter):
            # Session.send would look up proxies and collect cookies for each request.
            return adapter.send
        request.headers = CaseInsensitiveDict(request.headers)
        if type(session).send is _SESSIONS_OWN:
            return adapter.send
        return partial(session.send, allow_redirects=False)

    def _current_session(self) -> requests.Session:
        # A forked child must not write into the connection that its parent goes on using. Without
        # a lock two threads may both renew it; the loser's is closed once its request is answered.
        if self._pid != os.getpid():
            self._renew()
        return self._session

    def _renew(self) -> None:
        self._session, self._pid = _new_session(), os.getpid()
        # Holds the number of connections down. urllib3's pool could (pool_block), but it empties
        # itself when the interpreter exits, and whoever sends from a later exit hook would wait
        # for ever for a connection to come back.
        slots: queue.SimpleQueue[int] = queue.SimpleQueue()  # a semaphore written in C
        for slot in range(_CONNECTIONS):
            slots.put(slot)
        self._slots = slots

    def _translated(self, error: Exception) -> TransportError:
        connect, read = self.timeout
        reason = _reason(error)
        if isinstance(error, requests.ConnectTimeout):
            text = f"no connection to {self._host} within {connect:g} seconds"
        elif isinstance(error, requests.exceptions.SSLError):
            text = f"no trusted connection to {self._host}: {reason}"
        elif isinstance(error, requests.exceptions.ProxyError):
            text = f"the proxy gave no connection to {self._host}: {reason}"
        elif _never_connected(error):
            text = f"cannot connect to {self._host}: {reason}"
        elif isinstance(error, (requests.Timeout, urllib3_errors.TimeoutError)):
            return TransportError(f"no answer from {self._host} within {read:g} seconds")
        else:
            return TransportError(f"the connection to {self._host} broke: {reason}")
        return TransportError(text, may_have_arrived=False)


class _Adapter(requests.adapters.HTTPAdapter):
    """requests' adapter for one address, which settles once what that settles for each request.

    Only what requests gives to subclasses is overridden: sending, and what becomes of errors, stay
    as they are. Together it is a third of what a request costs the processor.
    """

    _pool: Any = None
    _trusting: Any = None

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **kwargs)
        return self._pool

    def get_connection(self, *args: Any, **kwargs: Any) -> Any:
        """What requests before 2.32 asks for in place of the above."""
        if self._pool is None:
            self._pool = super().get_connection(*args, **kwargs)
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
    """An answer of which nobody asks for cookies, its encoding or its history."""

    def __init__(self, raw: Any) -> None:
        self.raw, self.status_code, self.headers = raw, raw.status, raw.headers
        self._content_consumed = False  # so that closing it closes what was not read


def _body(raw: HTTPResponse) -> bytes:
    """The whole body, or more than the largest there may be; what is compressed counts unpacked."""
    length = raw.length_remaining
    if length is None or length > _LARGEST_ANSWER or raw.headers.get("Content-Encoding"):
        return raw.read(_LARGEST_ANSWER + 1, decode_content=True)
    return raw.read()  # to a known end: one look at the connection less


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


def _trusted_certificates() -> str | bool:
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True


def _form(parameters: Mapping[str, str]) -> str:
    """What urlencode makes of them."""
    return "&".join([f"{_quoted(name)}={_quoted(text)}" for name, text in parameters.items()])


def _quoted(text: str) -> str:
    """The text as a form holds it; names, keys and numbers are so already."""
    return text if text.isascii() and text.isalnum() else quote_plus(text)


def _prepared(method: str, url: str, headers: Mapping[str, str]) -> requests.PreparedRequest:
    """A request of parts that are as they must be; requests would look at each of them."""
    request = requests.PreparedRequest()
    request.method, request.url = method, url
    # urllib3 copies them and walks over them, which a plain dict makes cheap.
    request.headers = dict(headers)  # type: ignore[assignment]
    return request


def _new_session() -> requests.Session:
    logging.getLogger("urllib3.connectionpool").addFilter(_mask_addresses)
    session = requests.Session()
    adapter = _Adapter(1, _CONNECTIONS, max_retries=0, pool_block=False)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _mask_addresses(record: logging.LogRecord) -> bool:
    """Keep tokens and keys out of urllib3's debug records, which quote path and query whole."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            mask_address(value) if isinstance(value, str) else value for value in record.args
        )
    return True


def _never_connected(error: BaseException) -> bool:
    return any(isinstance(e, urllib3_errors.NewConnectionError) for e in _chain(error))


def _reason(error: BaseException) -> str:
    """What the innermost error says about itself, never with a URL in it."""
    innermost = _chain(error)[-1]
    said = getattr(innermost, "verify_message", None) or getattr(innermost, "strerror", None)
    return str(said) if said else type(innermost).__name__


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what caused it, down to the system's own; requests and urllib3 wrap it deep."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        wrapped = [getattr(following, "reason", None), *reversed(following.args)]
        inner = [e for e in wrapped if isinstance(e, BaseException)]
        following = inner[0] if inner else following.__cause__ or following.__context__
    return chain
