"""The gate's own scripts and styles, for anyone: they hold no data. An address carries its content's hash."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PREFIX = "/gate/"
_FOLDER = Path(__file__).with_name("static")
_KINDS = {".js": "text/javascript", ".css": "text/css"}


@cache
def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.suffix in _KINDS}


def versioned(name: str) -> str:
    """The address of a file, new whenever its content is."""
    return f"{PREFIX}{name}?v={hashlib.sha256(_files()[name]).hexdigest()[:16]}"


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    content = _files().get(name)
    if content is None:
        return Response(status_code=404)
    kept = (
        "public, immutable, max-age=31536000" if request.url.query == versioned(name).partition("?")[2] else "no-store"
    )
    return Response(content, media_type=_KINDS[Path(name).suffix], headers={"cache-control": kept})


STATIC = Route(f"{PREFIX}{{name}}", _file, methods=["GET"])
