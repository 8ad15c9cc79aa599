"""For tests of a running program: which one, and a network namespace that ends with the test."""

import os
import pathlib
import shutil
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.path.abspath(os.environ.get("YONROKU", ROOT / "build/debug/yonroku"))
IN_NAMESPACE = "YONROKU_TEST_IN_NAMESPACE"


def why_not():
    if os.geteuid() != 0:
        return "needs root"
    if not os.path.exists("/dev/net/tun"):
        return "needs /dev/net/tun"
    if shutil.which("unshare") is None:
        return "needs unshare"
    return ""


def main():
    """Runs the tests of the script, in a namespace of its own; ends with 77 (CTest's "skipped") where that cannot be."""
    reason = why_not()
    if not reason and IN_NAMESPACE not in os.environ:
        os.environ[IN_NAMESPACE] = "yes"
        setup = 'ip link set lo up && exec "$@"'
        os.execvp("unshare", ["unshare", "--net", "sh", "-c", setup, "sh", sys.executable, *sys.argv])
    if reason:
        print("skipped:", reason)
        sys.exit(77)
    unittest.main()
