"""Tests of golden_seeds.py."""

import golden_seeds


def test_each_run_of_hexadecimal_lines_is_a_packet():
    text = """# A comment with dead beef.
config: eam.yaml
from-ipv4:  # IP()/bytes(3)
  45 00 00 24  c0 00
  02
expect: to-ipv6
packet:
  60 00
"""
    assert golden_seeds.packets(text) == [bytes.fromhex("45000024c00002"), b"\x60\x00"]


def test_every_golden_case_has_a_packet(tmp_path, capsys):
    golden_seeds.main([tmp_path / "seeds"])
    seeds = [path.read_bytes() for path in (tmp_path / "seeds").iterdir()]
    assert len(seeds) > 100 and {seed[0] >> 4 for seed in seeds if seed} >= {4, 6}
    assert f"{len(seeds)} seeds" in capsys.readouterr().out
