"""What every HTTP server of Inkwise shares: sockets, foreign requests, bodies, and errors as JSON."""
