"""The service: reading over HTTP for other programs, many at once."""

from inkwise._util.errors import needs_extra

with needs_extra("serve", "the service"):
    from inkwise.service.api import Settings, create_app
    from inkwise.service.executor import Limits
    from inkwise.service.tokens import Tokens
    from inkwise.service.worker_processes import serve

__all__ = ["Limits", "Settings", "Tokens", "create_app", "serve"]
