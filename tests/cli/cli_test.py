#!/usr/bin/python3
"""The command line of yonroku as a user meets it. The environment variable YONROKU names the program."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BROKEN = ROOT / "tests/broken_configs"
PROGRAM = os.path.abspath(os.environ.get("YONROKU", ROOT / "build/debug/yonroku"))


def yonroku(*arguments, cwd=ROOT):
    return subprocess.run([PROGRAM, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


class Check(unittest.TestCase):
    def test_broken_configurations(self):
        names = sorted(p.stem for p in BROKEN.glob("*.yaml"))
        self.assertGreaterEqual(len(names), 40)
        for name in names:
            with self.subTest(name):
                result = yonroku("check", name + ".yaml", cwd=BROKEN)
                self.assertEqual(result.stderr, (BROKEN / (name + ".expected")).read_text(encoding="utf-8"))
                self.assertEqual((result.returncode, result.stdout), (1, ""))

    def test_examples(self):
        for path in sorted((ROOT / "examples").glob("*.yaml")):
            with self.subTest(path.name):
                result = yonroku("check", path)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertRegex(result.stdout, r"^.*: good: 1 instance, \d+ mappings(, \d+ addresses of pools)?(, [0-9./]+( with \d+ ports)?)?\n$")

    def test_json(self):
        result = yonroku("check", "--json", "everything-at-once.yaml", cwd=BROKEN)
        self.assertEqual((result.returncode, result.stderr), (1, ""))
        report = json.loads(result.stdout)
        lines = (BROKEN / "everything-at-once.expected").read_text(encoding="utf-8").splitlines()
        said = [f"{e['file']}:{e['line']}:{e['column']}: {e['what']}; {e['fix']}" for e in report["errors"]]
        self.assertEqual(said, lines)
        self.assertFalse(report["ok"])

        report = json.loads(yonroku("check", "--json", ROOT / "examples/siit-dc.yaml").stdout)
        self.assertTrue(report["ok"])
        self.assertEqual(report["instances"], [{"name": "dc", "mechanism": "siit", "device": "dc", "mappings": 2}])

    def test_json_survives_odd_bytes(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "odd.yaml"
            path.write_bytes(b'instances: [{name: "\xc3\xa9\\x80\\n", mechanism: "\\x00"}]\n')
            self.assertFalse(json.loads(yonroku("check", "--json", path).stdout)["ok"])


class Usage(unittest.TestCase):
    def test_wrong_usage_exits_with_2(self):
        for arguments in ([], ["chek", "x.yaml"], ["check"], ["check", "--jason", "x"], ["import"], ["import", "vpp", "x"],
                          ["check", "a", "b"], ["--frobnicate"]):
            with self.subTest(arguments):
                result = yonroku(*arguments)
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
                self.assertTrue(result.stderr.startswith("yonroku: "), result.stderr)

    def test_slips_are_recognised(self):
        self.assertEqual(yonroku("chekc").stderr, 'yonroku: unknown command "chekc"; did you mean "check"?\n')

    def test_help_and_version(self):
        for arguments in (["--help"], ["check", "--help"], ["import", "--help"], ["import", "jool", "-h"], ["--version"]):
            with self.subTest(arguments):
                result = yonroku(*arguments)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(yonroku("--version").stdout, r"^yonroku \d+\.\d+\.\d+\n$")

    def test_missing_file(self):
        result = yonroku("check", "no-such.yaml")
        self.assertEqual((result.returncode, result.stderr),
                         (1, "no-such.yaml: cannot be read: No such file or directory; check the path\n"))


class Import(unittest.TestCase):
    def test_imports_into_files_that_pass_check(self):
        with tempfile.TemporaryDirectory() as directory:
            here = pathlib.Path(directory)
            (here / "map646.conf").write_text("mapping-prefix 2001:db8:64::\ninclude more.conf\n", encoding="utf-8")
            (here / "more.conf").write_text("map-static 203.0.113.1 2001:db8::1\n", encoding="utf-8")
            (here / "etc").mkdir()
            result = yonroku("import", "map646", "-o", "etc/y.yaml", "--mappings-csv", "eam.csv", "map646.conf", cwd=here)
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
            self.assertEqual((here / "etc/eam.csv").read_text(encoding="utf-8"), "ipv4,ipv6\n203.0.113.1,2001:db8::1\n")
            self.assertEqual(yonroku("check", "etc/y.yaml", cwd=here).stdout, "etc/y.yaml: good: 1 instance, 1 mapping\n")

    def test_prints_to_stdout(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "jool.conf"
            path.write_text('{"instance": "x", "framework": "netfilter", "global": {"pool6": "2001:db8::/96"}}', encoding="utf-8")
            result = yonroku("import", "jool", path, "--name", "edge")
            self.assertEqual(result.returncode, 0)
            self.assertEqual(yaml.safe_load(result.stdout)["instances"][0]["name"], "edge")

    def test_snabb(self):
        with tempfile.TemporaryDirectory() as directory:
            folder = pathlib.Path(directory)
            (folder / "lwaftr.conf").write_text(
                "softwire-config { binding-table { softwire { ipv4 192.0.2.1; psid 1; b4-ipv6 2001:db8::1; "
                "br-address 2001:db8:ffff::1; port-set { psid-length 4; } } } }\n", encoding="utf-8")
            result = yonroku("import", "snabb", folder / "lwaftr.conf", "-o", folder / "y.yaml", "--mappings-csv", "s.csv")
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertEqual((folder / "s.csv").read_text(encoding="utf-8").splitlines()[1], "2001:db8::1,192.0.2.1,0,4,1")
            self.assertEqual(yonroku("check", folder / "y.yaml").returncode, 0)

    def test_failure(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "tayga.conf"
            path.write_text("prefix 2001:db8::/96\nfrobnicate\nmap a b\n", encoding="utf-8")
            result = yonroku("import", "tayga", path)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertEqual(result.stderr.count("\n"), 3, result.stderr)


class Completions(unittest.TestCase):
    """src/app/commands.yaml, which the completions are made from, and the program know the same words."""

    commands = yaml.safe_load((ROOT / "src/app/commands.yaml").read_text(encoding="utf-8"))["commands"]

    def listed(self):
        text = yonroku("--help").stdout.split("Subcommands:")[1]
        return re.findall(r"^  ([a-z0-9]+)", text, re.MULTILINE)

    def test_commands(self):
        known = [c["name"] for c in self.commands]
        self.assertEqual([c for c in self.listed() if c not in known], [])

    def test_options(self):
        built = self.listed()
        for command in self.commands:
            if command["name"] not in built:
                continue
            with self.subTest(command["name"]):
                words = command.get("arguments", [None])[0]
                texts = [yonroku(command["name"], "--help").stdout]
                if "Subcommands:" in texts[0]:
                    self.assertEqual(set(re.findall(r"^  ([a-z0-9-]+)", texts[0].split("Subcommands:")[1], re.MULTILINE)), set(words))
                    texts += [yonroku(command["name"], word, "--help").stdout for word in words]
                options = {o for text in texts for o in re.findall(r"(?<![\w`-])--[a-z0-9-]+", text)} - {"--help"}
                self.assertEqual(options, {o["name"] for o in command.get("options", [])})

    def complete(self, *words):
        script = ('source packaging/completions/yonroku.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _yonroku; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        result = subprocess.run(["bash", "-c", script, "bash", *words], cwd=ROOT, capture_output=True, text=True, check=True)
        return set(result.stdout.split())

    def test_bash(self):
        self.assertEqual(self.complete("yonroku", "che"), {"check"})
        self.assertEqual(self.complete("yonroku", "import", ""), {"map646", "tayga", "jool", "snabb"})
        self.assertEqual(self.complete("yonroku", "show", "--json", "co"), {"counters"})
        self.assertEqual(self.complete("yonroku", "show", "of"), {"offload"})
        self.assertEqual(self.complete("yonroku", "ports", "s"), set())
        self.assertEqual(self.complete("yonroku", "check", "--j"), {"--json"})
        self.assertIn("examples/siit-dc.yaml", self.complete("yonroku", "check", "examples/siit-dc.y"))
        self.assertIn("examples/siit-dc.yaml", self.complete("yonroku", "run", "--config", "examples/siit-dc.y"))
        self.assertEqual(self.complete("yonroku", "run", "--config", "examples/siit-dc-eam.c"), set())
        self.assertEqual(self.complete("yonroku", "translate", "--instance", ""), set())


class JsonSchema(unittest.TestCase):
    def test_agrees_with_check(self):
        try:
            import jsonschema  # pylint: disable=import-outside-toplevel
        except ImportError:
            self.skipTest("python3-jsonschema is not installed")
        schema = json.loads((ROOT / "packaging/yonroku.schema.json").read_text(encoding="utf-8"))
        validator = jsonschema.Draft202012Validator(schema)
        for path in sorted((ROOT / "examples").glob("*.yaml")):
            errors = list(validator.iter_errors(yaml.safe_load(path.read_text(encoding="utf-8"))))
            self.assertEqual(errors, [], path)
        for name in ("unknown-key", "key-of-another-mechanism", "missing-plat-prefix", "pref64-length", "numbers-out-of-range"):
            data = yaml.safe_load((BROKEN / (name + ".yaml")).read_text(encoding="utf-8"))
            self.assertFalse(validator.is_valid(data), name)


if __name__ == "__main__":
    unittest.main()
