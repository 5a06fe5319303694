"""HTTP layer shared by the app and the service: connections, middleware, request bodies, server processes."""
