"""A backend of Label Studio: numbers in pictures are boxed and read before a person labels them.

pip install "inkwise[serve]"
export LABEL_STUDIO_URL=http://localhost:8080 LABEL_STUDIO_API_KEY=...   # where the pictures are
python examples/label_studio_backend.py [PORT]                           # 9090; add it under Settings, Model

It is for projects with this labeling interface:

<View>
  <Image name="image" value="$image"/>
  <Rectangle name="box" toName="image"/>
  <TextArea name="number" toName="image" perRegion="true" editable="true"/>
</View>
"""

import os
import sys
from typing import Any
from urllib.parse import urljoin
from urllib.request import Request, urlopen

import uvicorn
from fastapi import FastAPI, HTTPException

from inkwise import Number, Recognizer
from inkwise.image import load_image

STUDIO = os.environ.get("LABEL_STUDIO_URL", "http://localhost:8080").rstrip("/") + "/"
KEY = os.environ.get("LABEL_STUDIO_API_KEY", "")

app = FastAPI(title="Inkwise for Label Studio")
recognizer = Recognizer()


@app.get("/health")
@app.get("/")
def health() -> dict[str, str]:
    """Tell Label Studio that the backend runs."""
    return {"status": "UP", "model_class": "Inkwise"}


@app.post("/setup")
def setup() -> dict[str, str]:
    """Name the model when the backend is added to a project."""
    return {"model_version": recognizer.model.name}


@app.post("/webhook")
def webhook() -> dict[str, str]:
    """Ignore what is labelled: `inkwise learn` adapts to a writer."""
    return {}


@app.post("/predict")
def predict(body: dict[str, Any]) -> dict[str, Any]:
    """Read the picture of each task."""
    return {"results": [prediction(task["data"]["image"]) for task in body["tasks"]]}


def prediction(address: str) -> dict[str, Any]:
    """Read a picture and return its regions."""
    reading = recognizer.read(load_image(fetch(address)))
    assert reading.picture is not None
    height, width = reading.picture.shape[:2]
    regions = [region for number in reading for region in regions_of(number, width, height)]
    return {"model_version": recognizer.model.name, "score": reading.confidence, "result": regions}


def fetch(address: str) -> bytes:
    """Download a picture from Label Studio, and from nowhere else."""
    url = urljoin(STUDIO, address)
    if not url.startswith(STUDIO):
        raise HTTPException(422, f"{address[:80]}: not a picture of {STUDIO}")
    request = Request(url, headers={"Authorization": f"Token {KEY}"} if KEY else {})
    with urlopen(request, timeout=30) as answer:
        return bytes(answer.read())


def regions_of(number: Number, width: int, height: int) -> list[dict[str, Any]]:
    """A rectangle in percent of the picture, and the text in it, which Label Studio joins by their id."""
    assert number.box is not None
    x, y, w, h = number.box
    place = {"x": x / width, "y": y / height, "width": w / width, "height": h / height}
    value: dict[str, Any] = {"rotation": 0, **{name: 100 * share for name, share in place.items()}}
    common = {"id": f"{x}-{y}-{w}-{h}", "to_name": "image", "score": number.confidence}
    common |= {"original_width": width, "original_height": height}
    box = {**common, "from_name": "box", "type": "rectangle", "value": value}
    text = {**value, "text": [number.text]}
    return [box, {**common, "from_name": "number", "type": "textarea", "value": text}]


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 9090)
