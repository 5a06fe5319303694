"""The reading service: HTTP for other programs, with many requests at once."""

from inkwise._util.errors import requires_extra

with requires_extra("serve", "the service"):
    from inkwise.http.tokens import Tokens
    from inkwise.service.api import Settings, create_app, serve
    from inkwise.service.executor import RequestLimits

__all__ = ["RequestLimits", "Settings", "Tokens", "create_app", "serve"]
