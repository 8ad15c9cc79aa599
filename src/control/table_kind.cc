#include "control/table_kind.h"

namespace yonroku::control {

TableKind table_kind(config::Mechanism mechanism) {
  switch (mechanism) {
    case config::Mechanism::Siit:
    case config::Mechanism::Clat: return TableKind::Mappings;
    case config::Mechanism::MapEBr:
    case config::Mechanism::MapTBr: return TableKind::Rules;
    case config::Mechanism::LwAftr:
    case config::Mechanism::FourOverSix: return TableKind::Softwires;
    case config::Mechanism::Nat64:
    case config::Mechanism::DsLiteAftr:
    case config::Mechanism::MapECe:
    case config::Mechanism::MapTCe:
    case config::Mechanism::LwB4:
    case config::Mechanism::Slb64:
    case config::Mechanism::Ipip:
    case config::Mechanism::DsLiteB4: break;
  }
  return TableKind::Fixed;
}

std::string_view to_string(TableKind kind) {
  switch (kind) {
    case TableKind::Mappings: return "mappings";
    case TableKind::Rules: return "rules";
    case TableKind::Softwires: return "softwires";
    case TableKind::Fixed: break;
  }
  return "";
}

}  // namespace yonroku::control
