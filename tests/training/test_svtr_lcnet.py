"""The pre-trained line network as a PyTorch module."""

import pytest
import torch

from inkwise._util.errors import ModelError
from inkwise.training.svtr_lcnet import SvtrLcnet, load_pretrained


@pytest.fixture(scope="module")
def nets():
    torch.manual_seed(0)
    coarse, fine = SvtrLcnet(5, frame_step=8).eval(), SvtrLcnet(5, frame_step=4).eval()
    fine.load_state_dict(coarse.state_dict())
    return coarse, fine


@torch.no_grad()
def test_a_frame_spans_four_or_eight_columns(nets):
    picture = torch.rand(2, 1, 48, 96)
    assert [tuple(net(picture).shape) for net in nets] == [(2, 12, 5), (2, 24, 5)]


@torch.no_grad()
def test_before_attention_every_other_fine_frame_is_a_coarse_frame(nets):
    picture = torch.rand(1, 1, 48, 128)
    frames = []
    for net in nets:
        for block in net.neck.blocks:
            block.output.weight.zero_()
        frames.append(net(picture))
    torch.testing.assert_close(frames[1][:, ::2], frames[0], rtol=1e-4, atol=1e-5)


def test_grey_reaches_every_layer(nets):
    net = SvtrLcnet(5).train()
    net(torch.rand(1, 1, 48, 64)).square().sum().backward()
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in net.parameters())


def test_other_starting_weights_are_rejected(tmp_path):
    (tmp_path / "other.onnx").write_bytes(b"other")
    with pytest.raises(ModelError, match=r"other\.onnx: is not PP-OCRv6_rec_small\.onnx"):
        load_pretrained(tmp_path / "other.onnx", "0123456789")
