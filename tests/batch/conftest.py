"""A Ray cluster of this machine: two processors, little memory."""

import importlib.util
import logging
import os
import sys

import pytest


@pytest.fixture(scope="session")
def installed():
    if importlib.util.find_spec("ray") is None:
        message = 'ray is not installed: pip install "inkwise[cluster]"'
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture(scope="session")
def cluster(installed):
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # workers import the readers of the tests
        ray.init(
            "local",
            num_cpus=2,
            object_store_memory=80 << 20,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    yield
    ray.shutdown()
