"""Average the weights along the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from inkwise.training.callbacks.callback import Callback

if TYPE_CHECKING:
    from inkwise.training.loop import AnyTrainingLoop


class WeightAveraging(Callback):
    """Keep an exponential moving average of the weights, and have the loop validate and return it.

    After B. T. Polyak and A. B. Juditsky, 1992. The average reaches back over `share` of all steps, and over
    fewer at the beginning, so that the first weights are soon forgotten.
    """

    def __init__(self, share: float) -> None:
        """Reach back over this share of all steps."""
        self.share = share

    def on_train_begin(self, loop: AnyTrainingLoop) -> None:
        """Start from the net's weights."""
        longest = max(self.share * loop.total_steps, 1)

        def average(averages: Any, weights: Any, steps: Tensor | int) -> None:
            decay = min(1 - 1 / longest, (1 + int(steps)) / (10 + int(steps)))
            get_ema_multi_avg_fn(decay)(averages, weights, steps)

        self.model = AveragedModel(loop.net, multi_avg_fn=average, use_buffers=True)
        loop.evaluated_net = self.model.module

    def on_step_end(self, loop: AnyTrainingLoop) -> None:
        """Take in the weights of this step."""
        self.model.update_parameters(loop.net)

    def state(self) -> dict[str, Any]:
        """The average and how many steps went into it."""
        return {"model": self.model.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from an average."""
        self.model.load_state_dict(state["model"])
