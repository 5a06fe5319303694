"""The web app: pages to draw on, to review a table and to edit a form, and the HTTP server behind them."""

from inkwise._util.errors import requires_extra

with requires_extra("app", "the app"):
    from inkwise.app.form_routes import FormEditor
    from inkwise.app.pages import create_app, create_editor_app, create_review_app, run, serve
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
