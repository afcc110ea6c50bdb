"""The files of the inbox page, and the headers that keep a browser from anything else."""

from __future__ import annotations

from importlib import resources

from starlette.responses import Response

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    # No text ever becomes markup, whoever wrote it: the browser refuses innerHTML and its like.
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def read_files() -> dict[str, Response]:
    """Every file of the page by its name, ready to be sent; there is no way to any other file."""
    return {
        each.name: Response(each.read_bytes(), headers=HEADERS, media_type=_type(each.name))
        for each in resources.files(__name__).iterdir()
        if _type(each.name)
    }


def _type(name: str) -> str | None:
    return next((type_ for ending, type_ in _TYPES.items() if name.endswith(ending)), None)
