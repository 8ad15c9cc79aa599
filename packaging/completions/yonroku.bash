# bash completion of yonroku(1). Made from src/app/commands.yaml by tools/gen_schema.py. Do not edit.
_yonroku() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} i position=0
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W 'run reload check translate explain show top ports who mappings rules softwires map import --help -h --version' -- "$cur")
    return
  fi
  _yonroku_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -d -- "$cur"; compgen -f -X "$1" -- "$cur")
  }
  case $command in
    run)
      case $prev in
        --config|-c) _yonroku_files '!*.@(yaml|yml)'; return ;;
      esac
      if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--config -c --help -h --version' -- "$cur")
        return
      fi
      ;;
    reload)
      case $prev in
        --socket) _yonroku_files ''; return ;;
        --limit) :; return ;;
      esac
      if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--socket --dry-run --limit --all --json --help -h --version' -- "$cur")
        return
      fi
      ;;
    check)
      if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--json --help -h --version' -- "$cur")
        return
      fi
      for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
          --) ((i++)) ;;
          -*) ;;
          *) ((position++)) ;;
        esac
      done
      case $position in
        0) _yonroku_files '!*.@(yaml|yml)' ;;
      esac
      ;;
    translate)
      case $prev in
        --config|-c) _yonroku_files '!*.@(yaml|yml)'; return ;;
        --instance|-i) :; return ;;
      esac
      if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--config -c --instance -i --json --help -h --version' -- "$cur")
        return
      fi
      for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
          --config|-c|--instance|-i) ((i++)) ;;
          -*) ;;
          *) ((position++)) ;;
        esac
      done
      case $position in
        0) _yonroku_files '!*.@(pcap|pcapng|cap)' ;;
        1) _yonroku_files '!*.@(pcap|pcapng|cap)' ;;
      esac
      ;;
    explain)
      case $prev in
        --config|-c) _yonroku_files '!*.@(yaml|yml)'; return ;;
        --instance|-i) :; return ;;
        --packet) :; return ;;
      esac
      if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--config -c --instance -i --packet --json --help -h --version' -- "$cur")
        return
      fi
      for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
          --config|-c|--instance|-i|--packet) ((i++)) ;;
          -*) ;;
          *) ((position++)) ;;
        esac
      done
      case $position in
        0) _yonroku_files '!*.@(pcap|pcapng|cap)' ;;
      esac
      ;;
    show)
      case $prev in
        --socket) _yonroku_files ''; return ;;
        --instance|-i) :; return ;;
        --subscriber) :; return ;;
        --inside) :; return ;;
        --outside) :; return ;;
        --remote) :; return ;;
        --protocol) mapfile -t COMPREPLY < <(compgen -W 'udp tcp icmp' -- "$cur"); return ;;
        --sort) mapfile -t COMPREPLY < <(compgen -W 'sessions bindings' -- "$cur"); return ;;
        --limit) :; return ;;
      esac
      if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--json --socket --instance -i --all --subscriber --inside --outside --remote --protocol --sort --limit --follow --help -h --version' -- "$cur")
        return
      fi
      for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
          --socket|--instance|-i|--subscriber|--inside|--outside|--remote|--protocol|--sort|--limit) ((i++)) ;;
          -*) ;;
          *) ((position++)) ;;
        esac
      done
      case $position in
        0) mapfile -t COMPREPLY < <(compgen -W 'status counters mappings rules softwires services spoofers offload bindings sessions subscribers ports' -- "$cur") ;;
      esac
      ;;
    top)
      case $prev in
        --socket) _yonroku_files ''; return ;;
        --instance|-i) :; return ;;
        --interval) :; return ;;
      esac
      if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--socket --instance -i --interval --once --help -h --version' -- "$cur")
        return
      fi
      ;;
    ports)
      case $prev in
        --socket) _yonroku_files ''; return ;;
        --instance|-i) :; return ;;
        --outside) :; return ;;
      esac
      if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--json --socket --instance -i --outside --help -h --version' -- "$cur")
        return
      fi
      ;;
    who)
      case $prev in
        --skew) :; return ;;
        --remote) :; return ;;
        --subscriber) :; return ;;
        --from) :; return ;;
        --until) :; return ;;
        --limit) :; return ;;
        --csv) _yonroku_files '!*.@(csv)'; return ;;
        --socket) _yonroku_files ''; return ;;
        --store) _yonroku_files ''; return ;;
        --config|-c) _yonroku_files '!*.@(yaml|yml)'; return ;;
      esac
      if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--skew --remote --subscriber --from --until --limit --csv --socket --store --config -c --json --help -h --version' -- "$cur")
        return
      fi
      ;;
    mappings)
      case $prev in
        --socket) _yonroku_files ''; return ;;
        --instance|-i) :; return ;;
        --batch) _yonroku_files '!*.@(csv)'; return ;;
      esac
      if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--socket --instance -i --batch --json --help -h --version' -- "$cur")
        return
      fi
      for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
          --socket|--instance|-i|--batch) ((i++)) ;;
          -*) ;;
          *) ((position++)) ;;
        esac
      done
      case $position in
        0) mapfile -t COMPREPLY < <(compgen -W 'add remove list replace' -- "$cur") ;;
      esac
      ;;
    rules)
      case $prev in
        --socket) _yonroku_files ''; return ;;
        --instance|-i) :; return ;;
        --batch) _yonroku_files '!*.@(csv)'; return ;;
        --psid-offset) :; return ;;
        --psid-length) :; return ;;
        --psid) :; return ;;
        --format) mapfile -t COMPREPLY < <(compgen -W 'rfc7597 draft-03' -- "$cur"); return ;;
        --border) :; return ;;
      esac
      if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--socket --instance -i --batch --psid-offset --psid-length --psid --format --border --json --help -h --version' -- "$cur")
        return
      fi
      for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
          --socket|--instance|-i|--batch|--psid-offset|--psid-length|--psid|--format|--border) ((i++)) ;;
          -*) ;;
          *) ((position++)) ;;
        esac
      done
      case $position in
        0) mapfile -t COMPREPLY < <(compgen -W 'add remove list replace' -- "$cur") ;;
      esac
      ;;
    softwires)
      case $prev in
        --socket) _yonroku_files ''; return ;;
        --instance|-i) :; return ;;
        --batch) _yonroku_files '!*.@(csv)'; return ;;
        --psid-offset) :; return ;;
        --psid-length) :; return ;;
        --psid) :; return ;;
        --br-address) :; return ;;
      esac
      if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--socket --instance -i --batch --psid-offset --psid-length --psid --br-address --json --help -h --version' -- "$cur")
        return
      fi
      for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
          --socket|--instance|-i|--batch|--psid-offset|--psid-length|--psid|--br-address) ((i++)) ;;
          -*) ;;
          *) ((position++)) ;;
        esac
      done
      case $position in
        0) mapfile -t COMPREPLY < <(compgen -W 'add remove list replace' -- "$cur") ;;
      esac
      ;;
    map)
      case $prev in
        --rule) :; return ;;
        --rules) _yonroku_files '!*.@(csv)'; return ;;
        --format) mapfile -t COMPREPLY < <(compgen -W 'rfc7597 draft-03' -- "$cur"); return ;;
        --offset) :; return ;;
        --psid-length) :; return ;;
        --psid) :; return ;;
        --port) :; return ;;
      esac
      if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--rule --rules --format --offset --psid-length --psid --port --all-ranges --json --help -h --version' -- "$cur")
        return
      fi
      for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
          --rule|--rules|--format|--offset|--psid-length|--psid|--port) ((i++)) ;;
          -*) ;;
          *) ((position++)) ;;
        esac
      done
      case $position in
        0) mapfile -t COMPREPLY < <(compgen -W 'ce address port-set rules' -- "$cur") ;;
      esac
      ;;
    import)
      case $prev in
        --output|-o) _yonroku_files ''; return ;;
        --mappings-csv) _yonroku_files '!*.@(csv)'; return ;;
        --name) :; return ;;
        --pref64) :; return ;;
        --translator-ipv6) :; return ;;
      esac
      if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--output -o --mappings-csv --name --pref64 --translator-ipv6 --help -h --version' -- "$cur")
        return
      fi
      for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
          --output|-o|--mappings-csv|--name|--pref64|--translator-ipv6) ((i++)) ;;
          -*) ;;
          *) ((position++)) ;;
        esac
      done
      case $position in
        0) mapfile -t COMPREPLY < <(compgen -W 'map646 tayga jool snabb' -- "$cur") ;;
        1) _yonroku_files '' ;;
      esac
      ;;
  esac
}
shopt -s extglob 2>/dev/null
complete -F _yonroku yonroku
