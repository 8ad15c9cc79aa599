"""What the tests in a guest share: a visible skip where no guest can run."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]

import run_in_kernel  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def kernel():
    try:
        run_in_kernel.check_host()
        return run_in_kernel.kernel_folder()
    except run_in_kernel.CannotRun as error:
        pytest.skip(str(error))
