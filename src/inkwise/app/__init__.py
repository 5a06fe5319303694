"""The web app: a page to draw on, and the HTTP server behind it, which keeps and learns what is answered."""

from inkwise.errors import needs_extra

with needs_extra("app", "the app"):
    from inkwise.app.editing import Editor
    from inkwise.app.process import run, serve
    from inkwise.app.reviewing import Desk
    from inkwise.app.server import create_app, create_editor, create_review

__all__ = ["Desk", "Editor", "create_app", "create_editor", "create_review", "run", "serve"]
