# fish completion of yonroku(1). Made from src/app/commands.yaml by tools/gen_schema.py. Do not edit.
complete -c yonroku -f
complete -c yonroku -l help -s h -d 'print help'
complete -c yonroku -l version -d 'print the version'
complete -c yonroku -n __fish_use_subcommand -a run -d 'run the translator in the foreground'
complete -c yonroku -n '__fish_seen_subcommand_from run' -l config -s c -d 'configuration file' -x -a '(__fish_complete_suffix .yaml; __fish_complete_suffix .yml)'
complete -c yonroku -n __fish_use_subcommand -a reload -d 'have the running program read its configuration again'
complete -c yonroku -n '__fish_seen_subcommand_from reload' -l socket -d 'control socket' -r -F
complete -c yonroku -n '__fish_seen_subcommand_from reload' -l dry-run -d 'only say which NAT sessions that would end'
complete -c yonroku -n '__fish_seen_subcommand_from reload' -l limit -d 'list so many sessions at most' -x
complete -c yonroku -n '__fish_seen_subcommand_from reload' -l all -d 'list all sessions'
complete -c yonroku -n '__fish_seen_subcommand_from reload' -l json -d 'print the result as JSON'
complete -c yonroku -n __fish_use_subcommand -a check -d 'validate a configuration and print every error'
complete -c yonroku -n '__fish_seen_subcommand_from check' -l json -d 'print the result as JSON'
complete -c yonroku -n '__fish_seen_subcommand_from check' -F
complete -c yonroku -n __fish_use_subcommand -a translate -d 'translate a capture file offline'
complete -c yonroku -n '__fish_seen_subcommand_from translate' -l config -s c -d 'configuration file' -x -a '(__fish_complete_suffix .yaml; __fish_complete_suffix .yml)'
complete -c yonroku -n '__fish_seen_subcommand_from translate' -l instance -s i -d 'instance of the configuration' -x
complete -c yonroku -n '__fish_seen_subcommand_from translate' -l json -d 'print the result as JSON'
complete -c yonroku -n '__fish_seen_subcommand_from translate' -F
complete -c yonroku -n __fish_use_subcommand -a explain -d 'say what happens to a packet and why'
complete -c yonroku -n '__fish_seen_subcommand_from explain' -l config -s c -d 'configuration file' -x -a '(__fish_complete_suffix .yaml; __fish_complete_suffix .yml)'
complete -c yonroku -n '__fish_seen_subcommand_from explain' -l instance -s i -d 'instance of the configuration' -x
complete -c yonroku -n '__fish_seen_subcommand_from explain' -l packet -d 'only the packet with this number' -x
complete -c yonroku -n '__fish_seen_subcommand_from explain' -l json -d 'print the result as JSON'
complete -c yonroku -n '__fish_seen_subcommand_from explain' -F
complete -c yonroku -n __fish_use_subcommand -a show -d 'show what the running program does'
complete -c yonroku -n '__fish_seen_subcommand_from show' -l json -d 'print the result as JSON'
complete -c yonroku -n '__fish_seen_subcommand_from show' -l socket -d 'control socket' -r -F
complete -c yonroku -n '__fish_seen_subcommand_from show' -l instance -s i -d 'only this instance' -x
complete -c yonroku -n '__fish_seen_subcommand_from show' -l all -d 'show counters that are zero as well'
complete -c yonroku -n '__fish_seen_subcommand_from show' -l subscriber -d 'only of this subscriber' -x
complete -c yonroku -n '__fish_seen_subcommand_from show' -l inside -d 'only of this inside address or port' -x
complete -c yonroku -n '__fish_seen_subcommand_from show' -l outside -d 'only with this outside address or port' -x
complete -c yonroku -n '__fish_seen_subcommand_from show' -l remote -d 'only with this remote address or port' -x
complete -c yonroku -n '__fish_seen_subcommand_from show' -l protocol -d 'only of this protocol' -x -a 'udp tcp icmp'
complete -c yonroku -n '__fish_seen_subcommand_from show' -l sort -d 'the busiest subscribers first' -x -a 'sessions bindings'
complete -c yonroku -n '__fish_seen_subcommand_from show' -l limit -d 'show so many at most' -x
complete -c yonroku -n '__fish_seen_subcommand_from show' -l follow -d 'print what begins and ends from now on'
complete -c yonroku -n '__fish_seen_subcommand_from show; and not __fish_seen_subcommand_from status counters mappings rules softwires services spoofers offload bindings sessions subscribers ports' -a 'status counters mappings rules softwires services spoofers offload bindings sessions subscribers ports'
complete -c yonroku -n __fish_use_subcommand -a top -d 'show what instances do at the moment'
complete -c yonroku -n '__fish_seen_subcommand_from top' -l socket -d 'control socket' -r -F
complete -c yonroku -n '__fish_seen_subcommand_from top' -l instance -s i -d 'instance whose drops and subscribers are shown' -x
complete -c yonroku -n '__fish_seen_subcommand_from top' -l interval -d 'seconds between two looks' -x
complete -c yonroku -n '__fish_seen_subcommand_from top' -l once -d 'print it once, as plain text'
complete -c yonroku -n __fish_use_subcommand -a ports -d 'show how many ports are in use, and of a customer edge which ones it has'
complete -c yonroku -n '__fish_seen_subcommand_from ports' -l json -d 'print the result as JSON'
complete -c yonroku -n '__fish_seen_subcommand_from ports' -l socket -d 'control socket' -r -F
complete -c yonroku -n '__fish_seen_subcommand_from ports' -l instance -s i -d 'only this instance' -x
complete -c yonroku -n '__fish_seen_subcommand_from ports' -l outside -d 'only with this outside address' -x
complete -c yonroku -n __fish_use_subcommand -a who -d 'who had an address and port at some time'
complete -c yonroku -n '__fish_seen_subcommand_from who' -l skew -d 'how many seconds the time may be wrong' -x
complete -c yonroku -n '__fish_seen_subcommand_from who' -l remote -d 'only who talked to this address and port' -x
complete -c yonroku -n '__fish_seen_subcommand_from who' -l subscriber -d 'what this subscriber used' -x
complete -c yonroku -n '__fish_seen_subcommand_from who' -l from -d 'only after this time' -x
complete -c yonroku -n '__fish_seen_subcommand_from who' -l until -d 'only before this time' -x
complete -c yonroku -n '__fish_seen_subcommand_from who' -l limit -d 'so many answers at most' -x
complete -c yonroku -n '__fish_seen_subcommand_from who' -l csv -d 'answer all complaints of a file' -x -a '(__fish_complete_suffix .csv)'
complete -c yonroku -n '__fish_seen_subcommand_from who' -l socket -d 'control socket' -r -F
complete -c yonroku -n '__fish_seen_subcommand_from who' -l store -d 'read the log in this folder' -r -F
complete -c yonroku -n '__fish_seen_subcommand_from who' -l config -s c -d 'read the log of this configuration' -x -a '(__fish_complete_suffix .yaml; __fish_complete_suffix .yml)'
complete -c yonroku -n '__fish_seen_subcommand_from who' -l json -d 'print the result as JSON'
complete -c yonroku -n __fish_use_subcommand -a mappings -d 'change the mappings of the running program'
complete -c yonroku -n '__fish_seen_subcommand_from mappings' -l socket -d 'control socket' -r -F
complete -c yonroku -n '__fish_seen_subcommand_from mappings' -l instance -s i -d 'instance to change' -x
complete -c yonroku -n '__fish_seen_subcommand_from mappings' -l batch -d 'read many from a file' -x -a '(__fish_complete_suffix .csv)'
complete -c yonroku -n '__fish_seen_subcommand_from mappings' -l json -d 'print the result as JSON'
complete -c yonroku -n '__fish_seen_subcommand_from mappings; and not __fish_seen_subcommand_from add remove list replace' -a 'add remove list replace'
complete -c yonroku -n __fish_use_subcommand -a rules -d 'change the mapping rules of the running program'
complete -c yonroku -n '__fish_seen_subcommand_from rules' -l socket -d 'control socket' -r -F
complete -c yonroku -n '__fish_seen_subcommand_from rules' -l instance -s i -d 'instance to change' -x
complete -c yonroku -n '__fish_seen_subcommand_from rules' -l batch -d 'read many from a file' -x -a '(__fish_complete_suffix .csv)'
complete -c yonroku -n '__fish_seen_subcommand_from rules' -l psid-offset -d 'PSID offset' -x
complete -c yonroku -n '__fish_seen_subcommand_from rules' -l psid-length -d 'PSID length' -x
complete -c yonroku -n '__fish_seen_subcommand_from rules' -l psid -d 'PSID' -x
complete -c yonroku -n '__fish_seen_subcommand_from rules' -l format -d 'interface identifier' -x -a 'rfc7597 draft-03'
complete -c yonroku -n '__fish_seen_subcommand_from rules' -l border -d 'which of br-addresses, from 0' -x
complete -c yonroku -n '__fish_seen_subcommand_from rules' -l json -d 'print the result as JSON'
complete -c yonroku -n '__fish_seen_subcommand_from rules; and not __fish_seen_subcommand_from add remove list replace' -a 'add remove list replace'
complete -c yonroku -n __fish_use_subcommand -a softwires -d 'change the softwires of the running program'
complete -c yonroku -n '__fish_seen_subcommand_from softwires' -l socket -d 'control socket' -r -F
complete -c yonroku -n '__fish_seen_subcommand_from softwires' -l instance -s i -d 'instance to change' -x
complete -c yonroku -n '__fish_seen_subcommand_from softwires' -l batch -d 'read many from a file' -x -a '(__fish_complete_suffix .csv)'
complete -c yonroku -n '__fish_seen_subcommand_from softwires' -l psid-offset -d 'PSID offset' -x
complete -c yonroku -n '__fish_seen_subcommand_from softwires' -l psid-length -d 'PSID length' -x
complete -c yonroku -n '__fish_seen_subcommand_from softwires' -l psid -d 'PSID' -x
complete -c yonroku -n '__fish_seen_subcommand_from softwires' -l br-address -d 'our address that the customer talks to' -x
complete -c yonroku -n '__fish_seen_subcommand_from softwires' -l json -d 'print the result as JSON'
complete -c yonroku -n '__fish_seen_subcommand_from softwires; and not __fish_seen_subcommand_from add remove list replace' -a 'add remove list replace'
complete -c yonroku -n __fish_use_subcommand -a map -d 'calculate addresses and ports of a MAP domain'
complete -c yonroku -n '__fish_seen_subcommand_from map' -l rule -d 'a mapping rule: ipv6=PREFIX,ipv4=PREFIX,ea=LENGTH' -x
complete -c yonroku -n '__fish_seen_subcommand_from map' -l rules -d 'CSV file of mapping rules' -x -a '(__fish_complete_suffix .csv)'
complete -c yonroku -n '__fish_seen_subcommand_from map' -l format -d 'interface identifier of rules that say none' -x -a 'rfc7597 draft-03'
complete -c yonroku -n '__fish_seen_subcommand_from map' -l offset -d 'PSID offset' -x
complete -c yonroku -n '__fish_seen_subcommand_from map' -l psid-length -d 'PSID length' -x
complete -c yonroku -n '__fish_seen_subcommand_from map' -l psid -d 'only the customer with this PSID' -x
complete -c yonroku -n '__fish_seen_subcommand_from map' -l port -d 'say whose this port is' -x
complete -c yonroku -n '__fish_seen_subcommand_from map' -l all-ranges -d 'print every port range'
complete -c yonroku -n '__fish_seen_subcommand_from map' -l json -d 'print the result as JSON'
complete -c yonroku -n '__fish_seen_subcommand_from map; and not __fish_seen_subcommand_from ce address port-set rules' -a 'ce address port-set rules'
complete -c yonroku -n __fish_use_subcommand -a import -d 'convert another translator's configuration'
complete -c yonroku -n '__fish_seen_subcommand_from import' -l output -s o -d 'write the configuration here instead of to stdout' -r -F
complete -c yonroku -n '__fish_seen_subcommand_from import' -l mappings-csv -d 'write the mappings to this CSV file' -x -a '(__fish_complete_suffix .csv)'
complete -c yonroku -n '__fish_seen_subcommand_from import' -l name -d 'name of the instance' -x
complete -c yonroku -n '__fish_seen_subcommand_from import' -l pref64 -d 'prefix for unmapped addresses' -x
complete -c yonroku -n '__fish_seen_subcommand_from import' -l translator-ipv6 -d 'source of ICMPv6 errors' -x
complete -c yonroku -n '__fish_seen_subcommand_from import; and not __fish_seen_subcommand_from map646 tayga jool snabb' -a 'map646 tayga jool snabb'
complete -c yonroku -n '__fish_seen_subcommand_from import' -F
