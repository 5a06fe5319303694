"""The desktop window: draws, reads and corrects as the page does, without a browser."""

from inkwise.app.window.window import Window
from inkwise.corrections import Learner

__all__ = ["run"]


def run(learner: Learner, writer: str = "me") -> None:
    """Show the window until it is closed and all answers are kept.

    Args:
        learner: Reads and keeps; it stays open.
        writer: Initial writer.

    Raises:
        InkwiseError: There is no display, or the last answers cannot be kept.
    """
    window = Window(learner, writer)
    try:
        window.widgets.root.mainloop()
    finally:
        window.close()
