#!/usr/bin/python3
"""Runs a program on the oldest kernel that yonroku promises, Debian 12's 6.1, in a virtual machine without disks.

    run_in_kernel.py [--timeout S] [--add FILE]... -- COMMAND ARGUMENTS...

The kernel package is downloaded by apt, unpacked into build/kernels/ and kept there; nothing is installed. The guest's
whole file system is a cpio archive in memory: COMMAND and every FILE at their own absolute paths, the shared libraries
that they need, busybox, iproute2 and a few kernel modules. COMMAND runs as root in /. Its output goes to standard
output, its standard error too, and its exit status is ours; 124 means that the time was up, 125 that the guest went
down before COMMAND ended. What the kernel says is not among it, unless the guest went down. Needs no root. The
processor is emulated: KVM is often missing or, nested, does not work.
"""

import argparse
import functools
import os
import pathlib
import platform
import re
import secrets
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / "build/kernels"
PACKAGE = re.compile(r"linux-image-6\.1\.\d+-\d+-cloud-amd64")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
QEMU = "qemu-system-x86_64"
# Where they are in the guest. The shell is dash: that of busybox would prefer its own `ip`.
TOOLS = {"busybox": "bin/busybox", "dash": "bin/sh", "ip": "usr/sbin/ip", "tc": "usr/sbin/tc"}
# What the kernel does not have built in; what these need themselves is found in them.
MODULES = ("veth", "tun", "sch_ingress", "cls_bpf", "act_bpf")
SECONDS_OF_APT = 120
LINES_OF_THE_KERNEL = 200
TIMED_OUT = 124
WENT_DOWN = 125

INIT = """\
#!/bin/sh
/bin/busybox --install -s /busybox
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:/busybox HOME=/
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
exec >/dev/ttyS1 2>&1
mount -t bpf bpf /sys/fs/bpf
mount -t tmpfs tmpfs /run
for module in {modules}; do insmod "$module"; done
ip link set lo up
{command}
echo "{marker} $?"
poweroff -f
"""


class CannotRun(Exception):
    """Why there can be no guest here: another architecture, no emulator, no kernel package."""


# --- the kernel ----------------------------------------------------------------------------------------------------


def by_number(name):
    """A sorting key that puts 6.1.0-56 after 6.1.0-9."""
    return [int(each) for each in re.findall(r"\d+", name)]


def _output(*argv, **options):
    """Standard output of a program; raises OSError or SubprocessError."""
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=SECONDS_OF_APT, **options).stdout


def _download(package):
    """Unpacks a package into the cache, unless it is there; returns its folder."""
    # 'URL' linux-image-6.1.0-56-cloud-amd64_6.1.192-2_amd64.deb SIZE HASH
    archive = _output("apt-get", "download", "--print-uris", package).split()[1]
    folder = CACHE / archive.removesuffix(".deb")
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="unpacking-") as here:
            _output("apt-get", "download", "-q", package, cwd=here)
            _output("dpkg-deb", "-x", *pathlib.Path(here).glob("*.deb"), f"{here}/root")
            os.rename(f"{here}/root", folder)
    return folder


@functools.cache
def kernel_folder():
    """The newest 6.1 kernel that apt knows, unpacked; where apt can't serve it, the newest that once was downloaded."""
    try:
        names = _output("apt-cache", "pkgnames", "linux-image-6.1.").split()
        packages = [name for name in names if PACKAGE.fullmatch(name)]
        if not packages:
            raise CannotRun("apt knows no linux-image-6.1*-cloud-amd64")
        return _download(max(packages, key=by_number))
    except (CannotRun, OSError, subprocess.SubprocessError) as error:
        cached = [each for each in CACHE.glob("linux-image-*") if PACKAGE.match(each.name)]
        if not cached:
            reason = (getattr(error, "stderr", None) or str(error)).strip()
            raise CannotRun(f"no kernel package: {reason.splitlines()[-1]}") from error
        return max(cached, key=lambda folder: by_number(folder.name))


def module_files(kernel):
    """The files of MODULES and of what they depend on, each after what it needs."""
    files = {path.stem: path for path in kernel.glob("lib/modules/**/*.ko")}
    ordered = []

    def add(name):
        # A package has no modules.dep; the modules say it themselves. What has no file is built in.
        if name not in files or files[name] in ordered:
            return
        for needed in re.search(rb"\0depends=([^\0]*)\0", files[name].read_bytes())[1].decode().split(","):
            add(needed)
        ordered.append(files[name])

    for name in MODULES:
        add(name)
    return ordered


# --- the guest's files ---------------------------------------------------------------------------------------------


class Archive:
    """A cpio archive of the form "newc", as the kernel's Documentation/driver-api/early-userspace describes it."""

    def __init__(self, file):
        self.file = file
        self.inode = 0
        self.names = set()

    def _entry(self, name, mode, content):
        """One entry; folders above it come first, and a name that is there already stays as it is."""
        if name in self.names:
            return
        self.names.add(name)
        self.folder(os.path.dirname(name))
        self._write(name, mode, content)

    def _write(self, name, mode, content):
        self.inode += 1
        encoded = name.encode() + b"\0"
        # inode, mode, user, group, links, time, size, device and its kind twice over, length of name, checksum
        fields = (self.inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        for part in (header, content):
            self.file.write(part + bytes(-len(part) % 4))

    def folder(self, path):
        if path.strip("/"):
            self._entry(path.strip("/"), stat.S_IFDIR | 0o755, b"")

    def text(self, path, content, mode=0o644):
        self._entry(path.strip("/"), stat.S_IFREG | mode, content.encode())

    def copy(self, source, path=None):
        """A file or a folder of the host, at its own path unless another is given."""
        source = pathlib.Path(source)
        if source.is_dir():
            for each in sorted(source.rglob("*")):
                if each.is_file():
                    self.copy(each)
            return
        mode = stat.S_IMODE(source.stat().st_mode)
        self._entry(str(path or source).strip("/"), stat.S_IFREG | mode, source.read_bytes())

    def program(self, source, path=None):
        """A file, and the shared libraries that it needs if it is a program."""
        self.copy(source, path)
        for library in shared_libraries(source):
            self.copy(library)

    def end(self):
        self._write("TRAILER!!!", 0, b"")


def shared_libraries(path):
    """Absolute paths of what the dynamic linker would load, itself included; none where it has no work."""
    if not os.path.isfile(path):
        return []
    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return []
    result = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
    missing = re.findall(r"^\s*(\S+) => not found", result.stdout, re.MULTILINE)
    if missing:
        raise CannotRun(f"{path} needs {', '.join(missing)}")
    return re.findall(r"(/\S+) \(0x", result.stdout)


def write_guest(file, kernel, command, additions, marker):
    archive = Archive(file)
    for folder in ("proc", "sys", "dev", "run", "tmp", "var/run", "busybox"):
        archive.folder(folder)
    for name, path in TOOLS.items():
        archive.program(shutil.which(name, path=PATH), path)
    modules = module_files(kernel)
    for module in modules:
        archive.copy(module, f"modules/{module.name}")
    for each in additions:
        archive.program(os.path.abspath(each))
    archive.text("etc/passwd", "root:x:0:0:root:/:/bin/sh\n")
    archive.text("etc/group", "root:x:0:\n")
    init = INIT.format(
        modules=" ".join(f"/modules/{module.name}" for module in modules), command=shlex.join(command), marker=marker
    )
    archive.text("init", init, 0o755)
    archive.end()


# --- running -------------------------------------------------------------------------------------------------------


def check_host():
    """Raises CannotRun where no guest can run, whatever the kernel."""
    if platform.machine() != "x86_64":
        raise CannotRun("needs an x86-64 machine: the guest runs programs of the host")
    for name in (QEMU, *TOOLS):
        if not shutil.which(name, path=PATH):
            raise CannotRun(f"needs {name}")


def run(command, additions=(), timeout=120.0, show=print):
    """Runs a command in the guest, calls show() with each line of output, and returns (exit status, all output)."""
    check_host()
    kernel = kernel_folder()
    command = [str(each) for each in command]
    if os.path.isfile(command[0]):
        command = [os.path.abspath(command[0]), *command[1:]]
        additions = [command[0], *additions]
    marker = f"guest-command-ended-{secrets.token_hex(4)}"
    with tempfile.NamedTemporaryFile(prefix="yonroku-guest-") as initramfs:
        write_guest(initramfs, kernel, command, additions, marker)
        initramfs.flush()
        return _boot(next(kernel.glob("boot/vmlinuz-*")), initramfs.name, marker, timeout, show)


def _boot(kernel, initramfs, marker, timeout, show):
    argv = [QEMU, "-nodefaults", "-display", "none", "-no-reboot", "-m", "1G", "-smp", "2", "-cpu", "max", "-accel", "tcg"]
    # On a busy host the kernel would find that ticks of the timer are missing, and try others.
    argv += ["-kernel", str(kernel), "-initrd", initramfs, "-append", "console=ttyS0 quiet no_timer_check panic=-1"]
    status, lines, late = WENT_DOWN, [], threading.Event()
    with tempfile.NamedTemporaryFile(prefix="yonroku-guest-", mode="r", errors="replace") as messages, subprocess.Popen(
        [*argv, "-serial", f"file:{messages.name}", "-serial", "stdio"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    ) as guest:

        def time_is_up():
            late.set()
            guest.kill()

        timer = threading.Timer(timeout, time_is_up)
        timer.start()
        try:
            for line in guest.stdout:
                line = line.rstrip("\r\n")
                line, ended, after = line.partition(marker)
                if line or not ended:
                    lines.append(line)
                    show(line)
                if ended:
                    status = int(after)
                    break
        finally:
            timer.cancel()
            guest.kill()
        if status == WENT_DOWN:
            for line in messages.read().splitlines()[-LINES_OF_THE_KERNEL:]:
                lines.append(line)
                show(line)
    if status == WENT_DOWN and late.is_set():
        status = TIMED_OUT
    return status, "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--timeout", type=float, default=120.0, metavar="S", help="seconds until the guest is ended")
    parser.add_argument("--add", action="append", default=[], metavar="FILE",
                        help="a program, file or folder to take along")
    parser.add_argument("command", nargs="+", metavar="COMMAND")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # Through `finally`, which ends the guest.
    try:
        status, _ = run(arguments.command, arguments.add, arguments.timeout, lambda line: print(line, flush=True))
    except (CannotRun, OSError) as error:
        print(f"run_in_kernel.py: {error}", file=sys.stderr)
        return WENT_DOWN
    if status in (TIMED_OUT, WENT_DOWN):
        what = f"not within {arguments.timeout:g} s" if status == TIMED_OUT else "the guest went down"
        print(f"run_in_kernel.py: {what}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
