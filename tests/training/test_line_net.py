"""A frame for each two columns of a strip."""

import pytest
import torch

from inkwise._util.errors import InkwiseError
from inkwise.training.models.line_model import LineNet, _ContextBlock, pad_batch

CHANNELS = (4, 4, 8, 8, 16)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return LineNet(CHANNELS, 11, 0.0).eval()


@pytest.mark.parametrize("width", [32, 36, 48, 1024])
def test_half_as_many_frames_as_columns(net, width):
    assert net(torch.zeros(2, 1, 32, width)).shape == (2, width // 2, 11)


def test_frames_stand_in_the_order_of_the_columns(net):
    strip = torch.zeros(1, 1, 32, 200)
    blank = net(strip)
    strip[..., 100:102] = 1
    changed = torch.nonzero((net(strip) - blank).abs().amax(2)[0] > 1e-6)[:, 0]
    assert abs(float(changed.float().mean()) - 50.5) < 2
    assert 28 <= changed.max() - changed.min() < 35, "a frame sees some 30 columns on either side"


def test_the_last_layers_add_to_what_a_frame_tells_of_itself():
    torch.manual_seed(0)
    beside = _ContextBlock(6, 0.0).eval()
    frames = torch.rand(2, 6, 1, 11)
    changed = frames.clone()
    changed[..., 5] += 1
    told = beside(changed) - beside(frames)
    assert told[..., [0, 1, 2, 8, 9, 10]].abs().max() < 1e-6, "two on either side"
    assert (told[..., 3:8].abs().amax((0, 1, 2)) > 1e-4).all()
    torch.nn.init.zeros_(beside.told[0].weight)
    torch.testing.assert_close(beside(frames), frames)


@pytest.mark.parametrize("channels", [(4, 4, 8), (4, 4, 8, 8, 0)])
def test_it_takes_five_channels(channels):
    with pytest.raises(InkwiseError, match="net line takes five channels"):
        LineNet(channels, 11, 0.0)


def test_strips_are_padded_to_one_width_that_four_divides():
    strips = [torch.full((32, width), width, dtype=torch.uint8) for width in (40, 33, 61)]
    together = pad_batch(strips, 8)
    assert together.shape == (3, 1, 32, 80)
    assert together.dtype == torch.uint8
    for row, strip in zip(together, strips, strict=True):
        columns = torch.nonzero(row[0, 0])[:, 0]
        assert len(columns) == strip.shape[1]
        assert (row[0][:, columns] == strip).all()
        assert min(columns[0], 79 - columns[-1]) >= 8, "so much paper on either side at the least"


def test_padding_says_nothing_of_what_is_far_from_it(net):
    strip = torch.randint(0, 256, (32, 128), dtype=torch.uint8)
    alone = net(pad_batch([strip], 8).float() / 255)[0]
    beside = net(pad_batch([strip, torch.zeros(32, 256, dtype=torch.uint8)], 8).float() / 255)[0]
    torch.testing.assert_close(beside[36 + 16 : 36 + 48], alone[4 + 16 : 4 + 48], atol=1e-5, rtol=0)
