"""A Ray cluster of this machine: two processors, little memory."""

import logging
import os
import signal
import sys

import pytest


@pytest.fixture(scope="session")
def installed():
    import fsspec  # noqa: F401
    import pyarrow  # noqa: F401
    import ray  # noqa: F401


@pytest.fixture(scope="session")
def cluster(installed):
    import ray

    handler = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # workers import the options of the tests
        ray.init(
            "local",
            num_cpus=2,
            object_store_memory=80 << 20,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    signal.signal(signal.SIGTERM, handler)  # Ray replaces it
    yield
    ray.shutdown()
