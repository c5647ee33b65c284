"""Serves the static files, whose URL contains a hash of their content."""

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope


class ImmutableStaticFiles(StaticFiles):
    """Static files that clients may cache for ever, since a change also changes the URL."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
