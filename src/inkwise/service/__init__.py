"""The service: reading over HTTP for other programs, many at once."""

from inkwise.errors import needs_extra

with needs_extra("serve", "the service"):
    from inkwise.service.process import serve
    from inkwise.service.server import Settings, create_app
    from inkwise.service.tokens import Tokens
    from inkwise.service.work import Limits

__all__ = ["Limits", "Settings", "Tokens", "create_app", "serve"]
