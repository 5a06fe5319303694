"""The service: reading over HTTP for other programs, many at once."""

from inkwise._util.errors import requires_extra

with requires_extra("serve", "the service"):
    from inkwise.service.api import Settings, create_app
    from inkwise.service.executor import RequestLimits
    from inkwise.service.tokens import Tokens
    from inkwise.service.worker_processes import serve

__all__ = ["RequestLimits", "Settings", "Tokens", "create_app", "serve"]
