"""Read a file: print each line of digits and save the picture with boxes.

python examples/read_file.py [PICTURE] [OUTPUT]
"""

import sys

import inkwise

picture = sys.argv[1] if len(sys.argv) > 1 else "docs/sample-sheet.jpg"
output = sys.argv[2] if len(sys.argv) > 2 else "read.png"

reading = inkwise.read(picture)
print(reading.text)
print(f"confidence {reading.confidence:.2f}, accepted: {reading.accepted}, {reading.elapsed_ms:.0f} ms")
reading.overlay().save(output)
