"""The desktop window: the same loop as the page, for a machine without a browser."""

from inkwise.app.window.window import Window
from inkwise.corrections import Learner

__all__ = ["run"]


def run(learner: Learner, writer: str = "me") -> None:
    """Show the window until it is closed; all that was answered is kept by then.

    Args:
        learner: reads and keeps; it stays open.
        writer: who draws, to begin with.

    Raises:
        InkwiseError: there is no display to show it on, or what was answered last cannot be kept.
    """
    window = Window(learner, writer)
    try:
        window.widgets.root.mainloop()
    finally:
        window.close()
