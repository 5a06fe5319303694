"""Separate accepted digits from those that a person must check, with the reason for each.

python examples/review_doubtful.py [PICTURE]
"""

import sys

from inkwise import Recognizer

picture = sys.argv[1] if len(sys.argv) > 1 else "docs/doubtful.png"
reading = Recognizer().read(picture, expect="number")
print(f"{reading.text}: {reading.reason or 'accepted'}")
for position, digit in enumerate(reading.digits, 1):
    if digit.accepted:
        print(f"digit {position}: {digit.label} ({digit.probability:.0%})")
    else:
        guesses = ", ".join(f"{label} {share:.0%}" for label, share in digit.alternatives[:3])
        print(f"digit {position}: check by hand, {digit.doubt}; best guesses {guesses}")
