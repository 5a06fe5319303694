"""The net that reads a line of digits."""

from __future__ import annotations

from torch import Tensor, nn

from inkwise._util.errors import InkwiseError
from inkwise.training.models.classifiers import convolution


class LineNet(nn.Module):
    """Strips (n, 1, 32, w) float in 0..1 to logits (n, w / 2, classes): a frame for each two columns.

    w is a multiple of 4, as `pad_batch` makes it.

    Convolutions see some 30 columns on either side of a frame: a digit and its neighbours. Of each four
    columns two frames are told at the end, so that narrow digits beside one another have one each, and one
    between them.
    """

    def __init__(self, channels: tuple[int, ...], classes: int, dropout: float) -> None:
        """Build it untrained.

        Raises:
            InkwiseError: `channels` are not five.
        """
        super().__init__()
        if len(channels) != 5 or min(channels) < 1:
            raise InkwiseError(f"net line takes five channels, each at least 1, not {channels}")
        a, b, c, d, e = channels
        self.classes = classes
        self.features = nn.Sequential(
            *convolution(1, a, 5, stride=2),  # (n, a, 16, w/2)
            *convolution(a, b, 3),
            nn.MaxPool2d((2, 1)),  # (n, b, 8, w/2)
            *convolution(b, c, 3),
            nn.MaxPool2d(2),  # (n, c, 4, w/4)
            *convolution(c, d, 3),
            *convolution(d, d, 3),
            nn.Conv2d(d, e, (4, 1), bias=False),  # (n, e, 1, w/4)
            nn.BatchNorm2d(e),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            _ContextBlock(e, dropout),
            _ContextBlock(e, dropout),
        )
        self.head = nn.Conv2d(e, 2 * classes, 1)

    def forward(self, strips: Tensor) -> Tensor:
        """Logits (n, frames, classes); the first class is that of no digit, the blank."""
        told = self.head(self.features(strips))[:, :, 0]
        n, _, quarters = told.shape
        frames: Tensor = told.view(n, 2, self.classes, quarters).permute(0, 3, 1, 2)
        return frames.reshape(n, 2 * quarters, self.classes)


class _ContextBlock(nn.Module):
    """Adds to each frame (n, channels, 1, w) what the two on either side tell.

    K. He et al., "Deep residual learning for image recognition", CVPR 2016.
    """

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.told = nn.Sequential(
            nn.Conv2d(channels, channels, (1, 5), padding=(0, 2), bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
        )

    def forward(self, frames: Tensor) -> Tensor:
        told: Tensor = self.told(frames)
        return frames + told


def pad_batch(strips: list[Tensor], margin: int) -> Tensor:
    """Strips (32, w) uint8 of any widths, centred in one (n, 1, 32, W) uint8, W a multiple of 4."""
    widest = max(strip.shape[1] for strip in strips) + 2 * margin
    together = strips[0].new_zeros(len(strips), 1, strips[0].shape[0], -(-widest // 4) * 4)
    for row, strip in zip(together, strips, strict=True):
        left = (together.shape[3] - strip.shape[1]) // 2
        row[0, :, left : left + strip.shape[1]] = strip
    return together
