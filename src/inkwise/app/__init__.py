"""The web app: a page to draw on, and the HTTP server behind it, which keeps and learns what is answered."""

from inkwise.errors import needs_extra

with needs_extra("app", "the app"):
    from inkwise.app.process import serve
    from inkwise.app.server import create_app

__all__ = ["create_app", "serve"]
