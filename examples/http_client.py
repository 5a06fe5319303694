"""Send a picture to a running `inkwise serve` with the standard library alone.

python examples/http_client.py [URL] [PICTURE]
"""

import json
import sys
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

if {"-h", "--help"} & {*sys.argv}:
    print(__doc__)
    sys.exit()
url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
picture = Path(sys.argv[2] if len(sys.argv) > 2 else "docs/seven.jpg")

request = Request(f"{url}/v1/read?expect=digit", picture.read_bytes(), {"Content-Type": "image/jpeg"})
try:
    with urlopen(request, timeout=15) as answer:
        reading = json.load(answer)
except HTTPError as error:  # the body of an error is {"error": "one line"}
    sys.exit(f"{error.code}: {json.load(error)['error']}")
except URLError as error:
    sys.exit(f"{url}: no service answers ({error.reason}); start it with: inkwise serve")
print(f"{reading['text']}, confidence {reading['confidence']}")
