"""ONNX Runtime with its telemetry disabled: every other module imports `onnxruntime` from here."""

import os
import sys
import warnings

TELEMETRY_SWITCH = "ORT_DISABLE_TELEMETRY"
"""The environment variable that ONNX Runtime reads once, when it is first imported."""


def _disable_telemetry() -> None:
    """Set the switch, and warn when ONNX Runtime was imported without it.

    From 1.29 on its packages for Linux and macOS write a device id and an event database to the user's cache
    and upload events. The first import decides this for the lifetime of the process.
    """
    if "onnxruntime" in sys.modules and os.environ.get(TELEMETRY_SWITCH) != "1":
        warnings.warn(
            "onnxruntime was imported before inkwise, so its telemetry may be active:"
            f" import inkwise first, or set {TELEMETRY_SWITCH}=1",
            RuntimeWarning,
            stacklevel=2,
        )
    os.environ[TELEMETRY_SWITCH] = "1"


_disable_telemetry()

import onnxruntime  # noqa: E402, TID251 (the switch must be set before)

# Windows packages ignore the switch; this stops their trace events.
onnxruntime.disable_telemetry_events()

__all__ = ["TELEMETRY_SWITCH", "onnxruntime"]
