"""Settings of the whole process."""

import cv2
import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from inkwise._util.system import use_one_thread


@pytest.fixture
def threads():
    """Restore the thread counts."""
    before = cv2.getNumThreads()
    with ThreadpoolController().limit(limits=None):
        yield
    cv2.setNumThreads(before)


def test_use_one_thread_limits_opencv_and_blas(threads):
    cv2.setNumThreads(2)
    use_one_thread()
    assert np.eye(2) @ np.ones(2) == pytest.approx(np.ones(2))
    assert cv2.getNumThreads() == 1
    libraries = ThreadpoolController().select(user_api="blas").info()
    assert {library["num_threads"] for library in libraries} == {1}
