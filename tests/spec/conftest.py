"""Here times are measured: what other tests have left behind is not searched for garbage meanwhile."""

import gc

import pytest


@pytest.fixture(autouse=True, scope="module")
def own_garbage():
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
