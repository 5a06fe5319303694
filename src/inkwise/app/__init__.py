"""The web app: a page to draw on, and the HTTP server behind it, which keeps and learns what is answered."""

from inkwise._util.errors import needs_extra

with needs_extra("app", "the app"):
    from inkwise.app.form_routes import Editor
    from inkwise.app.launch import run, serve
    from inkwise.app.pages import create_app, create_editor, create_review
    from inkwise.app.review_routes import Desk

__all__ = ["Desk", "Editor", "create_app", "create_editor", "create_review", "run", "serve"]
