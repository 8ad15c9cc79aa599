"""yonroku on the oldest kernel that it promises, Debian 12's 6.1, emulated: each test boots a guest of its own."""

import os
import pathlib
import re
import shutil

import pytest

import probes
import run_in_kernel

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
YONROKU = pathlib.Path(os.environ.get("YONROKU", REPOSITORY / "build/release/yonroku")).resolve()
UNIT_TESTS = REPOSITORY / "build/debug/tests"

# Values of the key `offload`; "none" leaves the key out.
OFFLOADS = ["none", "tc"]
# Unit tests of what asks a lot of the kernel: BPF programs, TUN.
KERNEL_TESTS = ["yonroku_io_test", "yonroku_fastpath_test"]


def run(*command, additions=()):
    """What the guest prints; it must end well, and in time."""
    status, output = run_in_kernel.run(command, additions, timeout=300.0)
    assert status == 0, f"the guest's command ended with {status}"
    return output


def test_version():
    output = run("sh", "-c", f"uname -r; exec {YONROKU} --version", additions=[YONROKU])
    assert output.startswith("6.1.")
    assert "\nyonroku " in output


@pytest.mark.parametrize("offload", OFFLOADS)
def test_siit_between_namespaces(offload):
    udp_tool = probes.udp_tool()
    output = run(HERE / "siit.sh", YONROKU, udp_tool, offload, additions=[YONROKU, udp_tool, shutil.which("curl")])
    assert output.endswith("all went through")
    if offload != "none":
        assert re.search(rf"{offload} +to-ipv6 [1-9]", output), output


@pytest.mark.parametrize("program", KERNEL_TESTS)
def test_unit_tests(program):
    path = UNIT_TESTS / program
    if not path.exists():
        pytest.skip(f"there is no {path.relative_to(REPOSITORY)}")
    assert re.search(r"\[  PASSED  \] [1-9]", run(path, "--gtest_color=no"))
