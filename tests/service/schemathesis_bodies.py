"""Additional request bodies for schemathesis: glyphs and images."""

import cv2
import numpy as np
import schemathesis
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

glyphs = arrays(np.uint8, st.tuples(st.integers(1, 9), st.just(784)))
pictures = arrays(np.uint8, st.tuples(*[st.integers(2, 50)] * 2))

schemathesis.openapi.media_type("application/octet-stream", glyphs.map(np.ndarray.tobytes))
for kind in ("png", "jpeg", "webp", "tiff", "bmp"):
    encoded = pictures.map(lambda picture, end=f".{kind}": cv2.imencode(end, picture)[1].tobytes())
    schemathesis.openapi.media_type(f"image/{kind}", encoded)
