"""Write docs/openapi.json, the OpenAPI description of the service; a test compares it.

python docs/openapi.py
"""

from __future__ import annotations

import json
from pathlib import Path

from inkwise.service import Settings, create_app

FILE = Path(__file__).parent / "openapi.json"


def description() -> str:
    """Return the description of a service without tokens."""
    return json.dumps(create_app(Settings()).openapi(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(description())
