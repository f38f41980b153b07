"""A Ray cluster on this machine, for the tests that want one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from docparse.batch import ray_runner


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Ray on this machine, with two CPUs; its address."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'docparse[ray]'")
    pytest.importorskip("pyarrow", reason="Ray is not installed: pip install 'docparse[ray]'")
    ours = ray_runner._connect(ray_runner.LOCAL, 2)
    import ray

    yield ray.get_runtime_context().gcs_address
    if ours:
        ray.shutdown()
