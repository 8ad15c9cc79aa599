"""Tests of check_layers.py."""

from pathlib import Path

import check_layers
import pytest

CMAKE = """
# yonroku_folder(ghost)
yonroku_folder(base PURE)
yonroku_folder(packet PURE USES base)
yonroku_folder(carry PURE USES packet)
yonroku_folder(share PURE USES packet)
yonroku_folder(mechanism PURE USES carry share)
yonroku_folder(io USES packet LIBRARIES PkgConfig::libpcap)
yonroku_folder(engine USES mechanism io
               LIBRARIES fmt::fmt)
"""
LAYERS = check_layers.read_layers(CMAKE)


def problems(path, *lines):
    return list(check_layers.check_file(path, "\n".join(lines), LAYERS))


def test_the_table_is_closed_over_what_is_used():
    assert LAYERS["engine"] == ({"engine", "mechanism", "carry", "share", "packet", "base", "io"}, False)
    assert LAYERS["carry"] == ({"carry", "packet", "base"}, True)
    assert "ghost" not in LAYERS


def test_a_folder_may_only_use_what_stands_above_it_in_the_table():
    with pytest.raises(ValueError, match="base uses packet"):
        check_layers.read_layers("yonroku_folder(base USES packet)\nyonroku_folder(packet)")


@pytest.mark.parametrize("path, line", [
    ("packet/a.h", '#include "base/wire.h"'),
    ("carry/translate/a.cc", '#include "carry/translate/a.h"'),
    ("mechanism/siit.h", '#include "share/mapping/eam_table.h"'),
    ("packet/a.h", "#include <expected>"),
    ("packet/a.h", "#include <string.h>"),
    ("packet/test_a.h", "#include <gtest/gtest.h>"),
    ("packet/a_test.cc", "#include <gtest/gtest.h>"),
    ("packet/a_test.cc", "#include <sstream>"),
    ("engine/a.cc", "#include <sys/socket.h>"),
    ("engine/a.cc", "#include <fmt/format.h>"),
    ("io/a.cc", "#include <pcap/pcap.h>"),
    ("io/a.cc", '#include "packet/pcap_like.h"'),
    ("app/main.cc", '#include "engine/worker.h"'),
    ("packet/a.cc", '// #include "engine/worker.h"'),
])
def test_allowed(path, line):
    assert problems(path, line) == []


@pytest.mark.parametrize("path, line, words", [
    ("packet/a.h", '#include "carry/a.h"', "packet must not include carry"),
    ("carry/a.h", '#include "share/mapping/a.h"', "carry must not include share"),
    ("share/mapping/a.h", '#  include "carry/a.h"', "share must not include carry"),
    ("engine/a.h", '#include "app/a.h"', "engine must not include app"),
    ("packet/a.h", '#include "sibling.h"', "named from src/"),
    ("packet/a.h", '#include "../base/a.h"', "named from src/"),
    ("base/a.h", "#include <iostream>", "pure"),
    ("base/a.h", "#include <mutex>", "pure"),
    ("mechanism/a.h", "#include <chrono>", "pure"),
    ("packet/a.h", "#include <sys/socket.h>", "pure"),
    ("packet/a.h", "#include <netinet/in.h>", "pure"),
    ("carry/a.h", "#include <fmt/format.h>", "belongs to"),
    ("carry/a_test.cc", "#include <spdlog/spdlog.h>", "belongs to"),
    ("engine/a.h", "#include <yaml-cpp/yaml.h>", "belongs to config"),
    ("engine/a.cc", "#include <pcap.h>", "belongs to io"),
    ("common/a.h", "", "not in src/CMakeLists.txt"),
])
def test_refused(path, line, words):
    (problem,) = problems(path, line)
    assert problem.startswith(f"src/{path}:1: ") and words in problem


def test_the_real_table_keeps_the_axes_apart():
    real = check_layers.read_layers((Path(__file__).parent.parent / "src/CMakeLists.txt").read_text(encoding="utf-8"))
    assert "share" not in real["carry"][0] and "carry" not in real["share"][0]
    assert "engine" not in real["fastpath"][0]
    assert {name for name, (_, pure) in real.items() if pure} == {"base", "packet", "carry", "share", "mechanism"}
