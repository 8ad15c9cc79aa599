"""The harness itself: what goes wrong in a guest is seen outside."""

import run_in_kernel


def test_exit_status_and_output():
    assert run_in_kernel.run(["sh", "-c", "echo out; echo error >&2; printf 'no newline'; exit 7"]) == (
        7,
        "out\nerror\nno newline",
    )


def test_what_the_kernel_says_is_not_among_it():
    """However urgent."""
    assert run_in_kernel.run(["sh", "-c", "echo '<1>a bug' >/dev/kmsg; echo out"]) == (0, "out")


def test_a_guest_that_goes_down():
    status, _ = run_in_kernel.run(["poweroff", "-f"])
    assert status == run_in_kernel.WENT_DOWN


def test_why_a_guest_went_down():
    status, output = run_in_kernel.run(["sh", "-c", "echo out; echo c >/proc/sysrq-trigger"])
    assert status == run_in_kernel.WENT_DOWN
    assert output.startswith("out") and "Kernel panic" in output


def test_a_guest_that_takes_too_long():
    status, _ = run_in_kernel.run(["true"], timeout=0.5)
    assert status == run_in_kernel.TIMED_OUT
