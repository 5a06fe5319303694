"""A minimal asynchronous HTTP client, and requests to the service with images of digits."""

from __future__ import annotations

import asyncio

import cv2
import httptools
import numpy as np
from numpy.typing import NDArray

from inkwise.recognition.adaptation import reference_strokes


def digit_requests(port: int) -> list[bytes]:
    """Return a request to read each of the ten digits."""
    return [
        http_request(port, "/v1/read?expect=digit", "image/png", encode_png(image))
        for image in digit_images()
    ]


def digit_images() -> list[NDArray[np.uint8]]:
    """Draw each digit once with a dark pen, (100, 100) uint8."""
    drawn = []
    for strokes in reference_strokes():
        paper = np.full((100, 100), 230, np.uint8)
        for stroke in strokes:
            points = np.rint(np.array(stroke) * 3 + [35, 20]).astype(np.int32)
            cv2.polylines(paper, [points[:, None]], False, 30, 5, cv2.LINE_AA)
        drawn.append(paper)
    return drawn


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Encode an image, (h, w) uint8, as PNG."""
    return cv2.imencode(".png", image)[1].tobytes()


def http_request(port: int, path: str, content_type: str = "", body: bytes | None = None) -> bytes:
    """Return the bytes of a POST request with a body, or of a GET request without one."""
    head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    if body is not None:
        head += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode() + (body or b"")


class ServiceConnection(asyncio.Protocol):
    """A persistent connection with little overhead, since the client is measured along with the service."""

    @classmethod
    async def open(cls, port: int) -> ServiceConnection:
        """Connect to the service."""
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(cls, "127.0.0.1", port))[1]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; return status and body of the response, or status 0 if the connection breaks."""
        self._answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        if self._transport.is_closing():
            return 0, b""
        self._parser, self._body = httptools.HttpResponseParser(self), b""
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Parse a part of a response."""
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        """Append a part of the body."""
        self._body += data

    def on_message_complete(self) -> None:
        """Return the response to `ask`."""
        self._answer.set_result((self._parser.get_status_code(), self._body))

    def connection_lost(self, error: Exception | None) -> None:
        """Return status 0 to `ask`."""
        if hasattr(self, "_answer") and not self._answer.done():
            self._answer.set_result((0, b""))
