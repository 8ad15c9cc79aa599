#!/usr/bin/python3
"""Everything that is made from src/config/schema.yaml and src/app/commands.yaml.

  gen_schema.py --table OUT   write the C++ table of the reader (the build does this)
  gen_schema.py               rewrite the committed files
  gen_schema.py --check       exit 1 and name the committed files that are stale

Committed: packaging/yonroku.schema.json, the tables of docs/configuration.md, docs/man/yonroku.yaml.5,
packaging/completions/*.
"""

import argparse
import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "src/config/schema.yaml"
COMMANDS = ROOT / "src/app/commands.yaml"

# What the lists of sections hold.
ENTRIES = [
    "mapping", "rule", "softwire", "pool", "static-binding", "service", "server", "syslog-server", "ipfix-collector",
    "kafka-cluster",
]  # fmt: skip
SECTIONS = ["control", "log", "nat-log"]  # of the file
SCOPES = ["top", *SECTIONS, "instance", *ENTRIES, "health"]
TYPES = [
    "section", "instances", *(f"{entry}s" for entry in ENTRIES), "name", "device", "user", "path", "url-path", "loopback-endpoint", "host", "host-port", "topic", "text", "integer", "boolean",
    "choice", "choice-or-integer", "ipv4-address", "ipv6-address", "ipv4-prefix", "ipv6-prefix", "pref64", "port-range",
]
KNOWN = {
    "key", "in", "type", "list", "single", "mechanisms", "instead", "required", "default", "mechanism-defaults", "derived",
    "range", "values", "changes", "cites", "example", "help",
}


def load():
    document = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    mechanisms = [m["name"] for m in document["mechanisms"]]
    keys = document["keys"]
    for key in keys:
        where = f"schema.yaml: {key.get('in')}.{key.get('key')}"
        if unknown := set(key) - KNOWN:
            sys.exit(f"{where}: unknown field {', '.join(sorted(unknown))}")
        if key["in"] not in SCOPES or key["type"] not in TYPES:
            sys.exit(f"{where}: bad scope or type")
        if key["changes"] not in ("reload", "restart"):
            sys.exit(f"{where}: changes must be reload or restart")
        ways = [w for w in ("required", "default", "derived") if w in key and not isinstance(key[w], list)]
        if len(ways) != 1 and key["type"] != "section":
            sys.exit(f"{where}: needs exactly one of required, default, derived")
        key.setdefault("mechanisms", list(mechanisms))
        key.setdefault("list", False)
        key.setdefault("single", False)
    return document, mechanisms, keys


def text_of(value):
    """A default as the text that stands in YAML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def is_required(key, mechanism):
    required = key.get("required", False)
    return mechanism in required if isinstance(required, list) else required


def camel(word):
    return "".join(part[:1].upper() + part[1:] for part in word.split("-"))


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


# --- the C++ table ------------------------------------------------------------------------------------------------


def make_table():
    _, mechanisms, keys = load()
    out = ["// Made from schema.yaml by tools/gen_schema.py. Do not edit."]
    for number, key in enumerate(keys):
        if key.get("values"):
            words = ", ".join(quoted(v) for v in key["values"])
            out.append(f"constexpr std::string_view kValues{number}[] = {{{words}}};")
    out.append("constexpr KeySpec kSchema[] = {")
    for number, key in enumerate(keys):
        low, high = key.get("range", [0, 0])
        defaults = []
        for m in mechanisms:
            default = key.get("mechanism-defaults", {}).get(m, key.get("default"))
            defaults.append("std::nullopt" if default is None else quoted(text_of(default)))
        belongs = ", ".join("true" if m in key["mechanisms"] else "false" for m in mechanisms)
        required = ", ".join(text_of(is_required(key, m) and m in key["mechanisms"]) for m in mechanisms)
        instead = ", ".join(quoted(key.get("instead", {}).get(m, "")) for m in mechanisms)
        out += [
            f"    {{{quoted(key['key'])}, Scope::{camel(key['in'])}, ValueType::{camel(key['type'])},",
            f"     {text_of(key['list'])}, {text_of(key['single'])}, Changes::{camel(key['changes'])},",
            f"     {{{belongs}}}, {{{required}}}, {{{', '.join(defaults)}}}, {{{instead}}},",
            f"     {low}, {high}, {f'kValues{number}' if key.get('values') else '{}'}}},",
        ]
    out.append("};")
    return "\n".join(out) + "\n"


# --- words shared by the documents --------------------------------------------------------------------------------

TYPE_WORDS = {
    "section": "section", "instances": "instance", "mappings": "mapping", "rules": "rule",
    "softwires": "softwire", "pools": "pool", "static-bindings": "static binding",
    "services": "service", "servers": "server", "syslog-servers": "syslog server", "ipfix-collectors": "IPFIX collector",
    "kafka-clusters": "Kafka cluster", "host": "address or host name", "host-port": "address or host name with port",
    "topic": "name of a topic", "text": "1 to 255 characters", "url-path": "path of a URL", "loopback-endpoint": "address:port", "name": "name", "device": "device name",
    "user": "user name", "path": "path", "boolean": "true or false", "ipv4-address": "IPv4 address",
    "ipv6-address": "IPv6 address", "ipv4-prefix": "IPv4 prefix", "ipv6-prefix": "IPv6 prefix",
    "pref64": "IPv6 prefix of length 32, 40, 48, 56, 64 or 96", "port-range": "first and last port",
}


def type_words(key):
    kind = key["type"]
    choices = " or ".join(filter(None, [", ".join(key.get("values", [])[:-1]), key.get("values", [""])[-1]]))
    if kind == "choice":
        return "list of " + choices.replace(" or ", " and ") if key["list"] else choices
    if kind == "integer":
        return f"{key['range'][0]} to {key['range'][1]}"
    if kind == "choice-or-integer":
        return f"{choices}, or {key['range'][0]} to {key['range'][1]}"
    words = TYPE_WORDS[kind]
    if not key["list"]:
        return words
    several = "list of " + (words.replace("prefix", "prefixes", 1) if "prefix" in words else words + "s")
    return f"{words}, or {several}" if key["single"] else several


def default_words(key, mark=lambda text: text):
    required = key.get("required")
    if isinstance(required, list):
        return f"{key['derived']} ({', '.join(required)}: required)"
    if required:
        return "required"
    if "derived" in key:
        return key["derived"]
    if "default" not in key:
        return ""
    words = mark(text_of(key["default"]))
    for mechanism, default in key.get("mechanism-defaults", {}).items():
        words += f" ({mechanism}: {mark(text_of(default))})"
    return words


def sections(mechanisms, keys):
    """(anchor, title, keys) in the order of the documents."""
    yield "file", "The file", [k for k in keys if k["in"] == "top"]
    for scope in SECTIONS:
        yield scope, f"`{scope}`", [k for k in keys if k["in"] == scope]
    instance = [k for k in keys if k["in"] == "instance"]
    yield "instance", "Every instance", [k for k in instance if len(k["mechanisms"]) == len(mechanisms)]
    groups = []
    for key in instance:
        if len(key["mechanisms"]) < len(mechanisms) and key["mechanisms"] not in groups:
            groups.append(key["mechanisms"])
    for group in groups:
        words = " or ".join(filter(None, [", ".join(f"`{m}`" for m in group[:-1]), f"`{group[-1]}`"]))
        yield "-".join(group), f"Instances with `mechanism:` {words}", [k for k in instance if k["mechanisms"] == group]
    for scope in ENTRIES:
        holder = next(k["key"] for k in keys if k["type"] == f"{scope}s")
        yield scope, f"One entry of `{holder}`", [k for k in keys if k["in"] == scope]
    yield "health", "`health` of a service", [k for k in keys if k["in"] == "health"]


# --- docs/configuration.md ----------------------------------------------------------------------------------------


def make_tables():
    _, mechanisms, keys = load()
    out = []
    for _, title, members in sections(mechanisms, keys):
        out += [f"### {title}", "", "| key | value | default | change | meaning |", "|---|---|---|---|---|"]
        for key in members:
            meaning = key["help"]
            if key.get("cites"):
                meaning += f" ({', '.join(key['cites'])})"
            cells = [f"`{key['key']}`", type_words(key), default_words(key, lambda t: f"`{t}`"), key["changes"], meaning]
            out.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        out.append("")
    return "\n".join(out)


BEGIN = "<!-- tools/gen_schema.py writes from here -->"
END = "<!-- to here -->"


def make_configuration_md():
    path = ROOT / "docs/configuration.md"
    text = path.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        sys.exit(f"{path}: the markers are missing")
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    return f"{head}{BEGIN}\n\n{make_tables()}\n{END}{tail}"


# --- docs/man/yonroku.yaml.5 --------------------------------------------------------------------------------------


def mdoc(text):
    """Plain text for mdoc: no macro at the start of a line, backslashes, dashes and section signs escaped."""
    text = text.replace("\\", "\\e").replace("`", "").replace("-", "\\-").replace("'", "\\(aq").replace("§", "\\(sc")
    return "\n".join("\\&" + line if line.startswith(".") else line for line in text.split("\n"))


def sentences(text):
    """mdoc wants every sentence on a line of its own."""
    return re.sub(r"(?<=[.;:!?)]) +(?=[A-Z0-9])|(?<=[.?!]) +", "\n", text) if text else text


MAN_HEAD = r""".\" Made from src/config/schema.yaml by tools/gen_schema.py. Do not edit.
.Dd November 21, 2026
.Dt YONROKU.YAML 5
.Os
.Sh NAME
.Nm yonroku.yaml
.Nd configuration of the IPv4/IPv6 translator yonroku
.Sh DESCRIPTION
The configuration of
.Xr yonroku 1
is one YAML file.
It is read when the program starts and again when it gets
.Dv SIGHUP .
.Ql yonroku check FILE
says what is wrong with a file, all errors at once, without starting anything.
.Pp
An unknown key, a key given twice and a key of another mechanism are errors.
An address that ends in a colon must stand in quotes, as in
.Ql \(aq2001:db8::\(aq ,
because YAML reads the last colon as its own.
.Pp
Each key below says what it may be, its default, and whether
.Dv SIGHUP
takes a change over
.Pq reload
or the program must be started again
.Pq restart .
"""

MAN_TAIL = r""".Sh MAPPINGS FILES
A file of
.Cm mappings\-files
has one mapping on each line, the IPv4 prefix first:
.Bd -literal -offset indent
# comment
ipv4,ipv6
192.0.2.1,2001:db8:aaaa::
192.0.2.16/28,2001:db8:cccc::/124
.Ed
.Pp
Empty lines and whatever follows a
.Ql #
are skipped, and so is the header line.
.Sh FILES
.Bl -tag -width indent
.It Pa /etc/yonroku/yonroku.yaml
the file that the system service reads
.El
.Sh EXAMPLES
IPv6\-only servers that IPv4 clients reach by addresses of their own:
.Bd -literal -offset indent
instances:
  \- name: dc
    mechanism: siit
    pref64: 2001:db8:64::/96
    mappings:
      \- {ipv4: 198.51.100.10, ipv6: \(aq2001:db8:1::80\(aq}
.Ed
.Sh SEE ALSO
.Xr yonroku 1
"""


def make_man():
    document, mechanisms, keys = load()
    out = [MAN_HEAD.rstrip("\n")]
    titles = {m["name"]: m for m in document["mechanisms"]}
    for anchor, title, members in sections(mechanisms, keys):
        out.append(f".Sh {title.replace('`', '').replace('mechanism: ', '').upper()}")
        if anchor in titles:
            what = titles[anchor]
            out.append(mdoc(f"{what['title'][0].upper()}{what['title'][1:]} ({', '.join(what['cites'])})."))
        elif anchor in (*SECTIONS, "health"):
            out.append(f"The keys below\n.Cm {anchor} .")
        out.append(".Bl -tag -width indent")
        for key in members:
            out.append(f".It Cm {mdoc(key['key'])} : {mdoc(type_words(key))}")
            out.append(mdoc(sentences(key["help"])))
            facts = ["Required."] if key.get("required") is True else [f"Default: {default_words(key)}."]
            if facts == ["Default: ."]:
                facts = []
            if key.get("example"):
                facts.append(f"Example: {text_of(key['example'])}.")
            facts.append(f"Change: {key['changes']}.")
            if key.get("cites"):
                facts.append(f"See {', '.join(key['cites'])}.")
            out.append("\n".join(mdoc(fact) for fact in facts))
        out.append(".El")
    return "\n".join(out) + "\n" + MAN_TAIL


# --- packaging/yonroku.schema.json --------------------------------------------------------------------------------

IPV4 = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}"
IPV6 = r"[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*"
JSON_TYPES = {
    "name": {"type": "string", "pattern": "^[a-z0-9-]{1,32}$"},
    "device": {"type": "string", "pattern": "^[^/:\\s]{1,15}$"},
    "user": {"type": "string", "minLength": 1},
    "path": {"type": "string", "minLength": 1},
    "boolean": {"type": "boolean"},
    "ipv4-address": {"type": "string", "format": "ipv4"},
    "ipv6-address": {"type": "string", "format": "ipv6"},
    "ipv4-prefix": {"type": "string", "pattern": f"^{IPV4}(/([12]?[0-9]|3[0-2]))?$"},
    "ipv6-prefix": {"type": "string", "pattern": f"^{IPV6}(/(1[01][0-9]|12[0-8]|[1-9]?[0-9]))?$"},
    "pref64": {"type": "string", "pattern": f"^{IPV6}/(32|40|48|56|64|96)$"},
    "section": {"type": "object"},
    "instances": {"$ref": "#/$defs/instance"},
    "mappings": {"$ref": "#/$defs/mapping"},
    "rules": {"$ref": "#/$defs/rule"},
    "softwires": {"$ref": "#/$defs/softwire"},
    "pools": {"$ref": "#/$defs/pool"},
    "static-bindings": {"$ref": "#/$defs/static-binding"},
    "services": {"$ref": "#/$defs/service"},
    "servers": {"$ref": "#/$defs/server"},
    "syslog-servers": {"$ref": "#/$defs/syslog-server"},
    "ipfix-collectors": {"$ref": "#/$defs/ipfix-collector"},
    "kafka-clusters": {"$ref": "#/$defs/kafka-cluster"},
    "host": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,253}$"},
    "host-port": {"type": "string", "pattern": "^[]A-Za-z0-9._:[-]{1,261}$"},
    "topic": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,249}$"},
    "text": {"type": "string", "minLength": 1, "maxLength": 255},
    "url-path": {"type": "string", "pattern": "^/[!-~]*$"},
    "loopback-endpoint": {"type": "string", "pattern": r"^(127\.[0-9.]+|\[::1\]):[0-9]{1,5}$"},
    "port-range": {"type": "string", "pattern": "^[0-9]{1,5}-[0-9]{1,5}$"},
}


def json_type(key):
    kind = key["type"]
    integer = {"type": "integer", "minimum": key["range"][0], "maximum": key["range"][1]} if "range" in key else None
    if kind == "choice":
        node = {"enum": list(key["values"])}
    elif kind == "integer":
        node = integer
    elif kind == "choice-or-integer":
        node = {"oneOf": [{"enum": list(key["values"])}, integer]}
    else:
        node = dict(JSON_TYPES[kind])
    if key["list"]:
        several = {"type": "array", "items": node}
        node = {"oneOf": [node, several]} if key["single"] else several
    if "$ref" not in node:
        node["description"] = key["help"]
    if "default" in key and "mechanism-defaults" not in key:
        node["default"] = yaml.safe_load(key["default"]) if key["list"] else key["default"]
    return node


def json_object(members, mechanism=None):
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [k["key"] for k in members if is_required(k, mechanism)],
        "properties": {k["key"]: json_type(k) for k in members},
    }


def make_json_schema():
    document, mechanisms, keys = load()
    top = json_object([k for k in keys if k["in"] == "top"])
    for scope in SECTIONS:
        top["properties"][scope] = json_object([k for k in keys if k["in"] == scope])
    instance = [k for k in keys if k["in"] == "instance"]
    branches = []
    for m in document["mechanisms"]:
        branch = json_object([k for k in instance if m["name"] in k["mechanisms"]], m["name"])
        branch["title"] = m["title"]
        branch["properties"]["mechanism"] = {"const": m["name"], "description": m["title"]}
        branches.append(branch)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "yonroku configuration",
        **top,
        "$defs": {
            "instance": {"oneOf": branches},
            **{scope: json_object([k for k in keys if k["in"] == scope]) for scope in ENTRIES},
        },
    }
    schema["$defs"]["service"]["properties"]["health"] = json_object([k for k in keys if k["in"] == "health"])
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


# --- packaging/completions ----------------------------------------------------------------------------------------


def load_commands():
    return yaml.safe_load(COMMANDS.read_text(encoding="utf-8"))


GLOBS = {"config": ["yaml", "yml"], "csv": ["csv"], "pcap": ["pcap", "pcapng", "cap"]}


def option_words(options):
    return [w for o in options for w in (o["name"], o.get("short")) if w]


def make_bash():
    data = load_commands()
    names = " ".join(c["name"] for c in data["commands"])
    out = [
        "# bash completion of yonroku(1). Made from src/app/commands.yaml by tools/gen_schema.py. Do not edit.",
        "_yonroku() {",
        "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} i position=0",
        "  COMPREPLY=()",
        "  if ((COMP_CWORD == 1)); then",
        f"    mapfile -t COMPREPLY < <(compgen -W '{names} {' '.join(option_words(data['options']))}' -- \"$cur\")",
        "    return",
        "  fi",
        "  _yonroku_files() {",
        "    compopt -o filenames 2>/dev/null",
        "    mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"; compgen -f -X \"$1\" -- \"$cur\")",
        "  }",
        "  case $command in",
    ]

    def reply(kind):
        if isinstance(kind, list):
            return f"mapfile -t COMPREPLY < <(compgen -W '{' '.join(kind)}' -- \"$cur\")"
        if kind in GLOBS:
            return f"_yonroku_files '!*.@({'|'.join(GLOBS[kind])})'"
        if kind == "none":
            return ":"
        return "_yonroku_files ''"

    for c in data["commands"]:
        options = c.get("options", [])
        takes = [o for o in options if "argument" in o]
        out.append(f"    {c['name']})")
        if takes:
            out.append("      case $prev in")
            for o in takes:
                out.append(f"        {'|'.join(option_words([o]))}) {reply(o['argument'])}; return ;;")
            out.append("      esac")
        out += [
            "      if [[ $cur == -* ]]; then",
            f"        mapfile -t COMPREPLY < <(compgen -W '{' '.join(option_words(options + data['options']))}' -- \"$cur\")",
            "        return",
            "      fi",
        ]
        if c.get("arguments"):
            with_value = "|".join(w for o in takes for w in option_words([o])) or "--"
            out += [
                "      for ((i = 2; i < COMP_CWORD; i++)); do",
                "        case ${COMP_WORDS[i]} in",
                f"          {with_value}) ((i++)) ;;",
                "          -*) ;;",
                "          *) ((position++)) ;;",
                "        esac",
                "      done",
                "      case $position in",
            ]
            for number, kind in enumerate(c["arguments"]):
                out.append(f"        {number}) {reply(kind)} ;;")
            out.append("      esac")
        out.append("      ;;")
    out += ["  esac", "}", "shopt -s extglob 2>/dev/null", "complete -F _yonroku yonroku", ""]
    return "\n".join(out)


def make_zsh():
    data = load_commands()

    def action(kind):
        if isinstance(kind, list):
            return f"({' '.join(kind)})"
        if kind in GLOBS:
            return f"_files -g \"*.({'|'.join(GLOBS[kind])})\""
        return " " if kind == "none" else "_files"

    def spec(o):
        tail = f":{o['name'].lstrip('-')}:{action(o['argument'])}" if "argument" in o else ""
        body = f"[{o['help']}]{tail}"
        if o.get("short"):
            return f"'({o['short']} {o['name']})'{{{o['short']},{o['name']}}}'{body}'"
        return f"'{o['name']}{body}'"

    out = [
        "#compdef yonroku",
        "# Made from src/app/commands.yaml by tools/gen_schema.py. Do not edit.",
        "_yonroku() {",
        "  local -a commands",
        "  local state line",
        "  commands=(",
        *[f"    '{c['name']}:{c['help']}'" for c in data["commands"]],
        "  )",
        "  _arguments -C " + " ".join(spec(o) for o in data["options"]) + " '1:command:->command' '*::argument:->argument'",
        "  case $state in",
        "    command) _describe command commands ;;",
        "    argument)",
        "      case $line[1] in",
    ]
    for c in data["commands"]:
        specs = [spec(o) for o in c.get("options", [])]
        for number, kind in enumerate(c.get("arguments", []), 1):
            specs.append(f"'{number}:argument:{action(kind)}'")
        out.append(f"        {c['name']}) _arguments {' '.join(specs)} ;;")
    out += ["      esac ;;", "  esac", "}", '_yonroku "$@"', ""]
    return "\n".join(out)


def make_fish():
    data = load_commands()
    out = ["# fish completion of yonroku(1). Made from src/app/commands.yaml by tools/gen_schema.py. Do not edit.",
           "complete -c yonroku -f"]

    def action(kind):
        if isinstance(kind, list):
            return f"-x -a '{' '.join(kind)}'"
        if kind in GLOBS:
            return "-x -a '(" + "; ".join(f"__fish_complete_suffix .{s}" for s in GLOBS[kind]) + ")'"
        return "-x" if kind == "none" else "-r -F"

    def flags(o):
        short = f" -s {o['short'].lstrip('-')}" if o.get("short") else ""
        tail = " " + action(o["argument"]) if "argument" in o else ""
        return f"-l {o['name'].lstrip('-')}{short} -d '{o['help']}'{tail}"

    for o in data["options"]:
        out.append(f"complete -c yonroku {flags(o)}")
    for c in data["commands"]:
        out.append(f"complete -c yonroku -n __fish_use_subcommand -a {c['name']} -d '{c['help']}'")
        seen = f"-n '__fish_seen_subcommand_from {c['name']}'"
        for o in c.get("options", []):
            out.append(f"complete -c yonroku {seen} {flags(o)}")
        words = [k for k in c.get("arguments", []) if isinstance(k, list)]
        files = [k for k in c.get("arguments", []) if not isinstance(k, list)]
        for kind in words:
            condition = f"-n '__fish_seen_subcommand_from {c['name']}; and not __fish_seen_subcommand_from {' '.join(kind)}'"
            out.append(f"complete -c yonroku {condition} -a '{' '.join(kind)}'")
        if files:
            out.append(f"complete -c yonroku {seen} -F")
    return "\n".join(out) + "\n"


COMMITTED = {
    "packaging/yonroku.schema.json": make_json_schema,
    "docs/configuration.md": make_configuration_md,
    "docs/man/yonroku.yaml.5": make_man,
    "packaging/completions/yonroku.bash": make_bash,
    "packaging/completions/_yonroku": make_zsh,
    "packaging/completions/yonroku.fish": make_fish,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=pathlib.Path, metavar="OUT")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.table:
        arguments.table.parent.mkdir(parents=True, exist_ok=True)
        arguments.table.write_text(make_table(), encoding="utf-8")
        return 0
    stale = []
    for name, make in COMMITTED.items():
        path = ROOT / name
        text = make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if arguments.check:
            stale.append(name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{name} is stale; run tools/gen_schema.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
