"""The web app: a page to draw on, and the HTTP server behind it, which keeps and learns what is answered."""

from inkwise._util.errors import requires_extra

with requires_extra("app", "the app"):
    from inkwise.app.form_routes import FormEditor
    from inkwise.app.launch import run, serve
    from inkwise.app.pages import create_app, create_editor_app, create_review_app
    from inkwise.app.review_routes import ReviewSession

__all__ = [
    "FormEditor",
    "ReviewSession",
    "create_app",
    "create_editor_app",
    "create_review_app",
    "run",
    "serve",
]
