#include "api/who_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/time_text.h"

namespace yonroku::api {
namespace {

using nlohmann::ordered_json;

template <class Value, class Text>
ordered_json or_null(const std::optional<Value>& value, Text&& text) {
  return value ? ordered_json(text(*value)) : ordered_json();
}

ordered_json answer_json(const WhoAnswer& answer) {
  const auto same = [](const auto& value) { return value; };
  const auto protocol = [](share::NatProtocol p) { return std::string(share::to_string(p)); };
  std::string notes;
  for (const std::string& note : answer.notes) notes += (notes.empty() ? "" : "; ") + note;
  return {{"instance", answer.instance},
          {"mechanism", answer.instance.empty() ? "" : config::to_string(answer.mechanism)},
          {"subscriber", answer.subscriber},
          {"inside", or_null(answer.inside, same)},
          {"inside-port", or_null(answer.inside_port, same)},
          {"outside", answer.outside},
          {"outside-ports", answer.outside_ports},
          {"protocol", or_null(answer.protocol, protocol)},
          {"from", or_null(answer.from, time_text)},
          {"until", or_null(answer.until, time_text)},
          {"how", to_string(answer.how)},
          {"note", notes.empty() ? ordered_json() : ordered_json(notes)}};
}

ordered_json gap_json(const natlog::Gap& gap) {
  return {{"from", time_text(gap.from)},
          {"until", time_text(gap.until)},
          {"lost", or_null(gap.lost, [](uint64_t lost) { return lost; })},
          {"why", gap.lost ? "lost" : "not-running"}};
}

std::string text_of(const ordered_json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string_view how_text(std::string_view how) {
  if (how == "port-block") return "a block of ports that was logged";
  if (how == "binding") return "a binding that was logged";
  if (how == "session") return "a session that was logged";
  if (how == "deterministic") return "the settings of that time (RFC 7422)";
  if (how == "rule") return "the mapping rules of that time (RFC 7597 §5)";
  if (how == "softwire") return "the softwires of that time (RFC 7596)";
  if (how == "mapping") return "the address mappings of that time (RFC 7757)";
  if (how == "prefix") return "the prefix of that time (RFC 6052 §2.2)";
  return how;
}

std::string answer_text(const ordered_json& answer) {
  std::string text = fmt::format("\n{}\n", text_of(answer, "subscriber"));
  const auto line = [&](std::string_view word, const std::string& value) {
    if (!value.empty()) text += fmt::format("  {:<9}{}\n", word, value);
  };
  std::string inside = text_of(answer, "inside");
  if (answer.contains("inside-port") && answer["inside-port"].is_number())
    inside += fmt::format(" port {}", answer["inside-port"].get<uint64_t>());
  line("inside", inside);
  const std::string ports = text_of(answer, "outside-ports");
  const std::string protocol = text_of(answer, "protocol");
  line("outside", fmt::format("{} port{} {}{}{}", text_of(answer, "outside"),
                              ports.find('-') == std::string::npos ? "" : "s", ports,
                              protocol.empty() ? "" : " ", protocol));
  const std::string from = text_of(answer, "from"), until = text_of(answer, "until");
  line("from", from.empty() ? "not known" : from);
  line("until", until.empty() ? "still so, as far as is known" : until);
  const std::string instance = text_of(answer, "instance");
  line("known by", fmt::format("{}{}", how_text(text_of(answer, "how")),
                               instance.empty() ? ""
                                                : fmt::format(", instance {} ({})", instance,
                                                              text_of(answer, "mechanism"))));
  line("note", text_of(answer, "note"));
  return text;
}

std::string gap_text(const ordered_json& gap) {
  const std::string from = text_of(gap, "from"), until = text_of(gap, "until"), why = text_of(gap, "why");
  if (why == "before-log") return fmt::format("the log begins at {}", until);
  if (why == "not-running")
    return fmt::format("nothing was logged from {} to {}: the program did not run", from, until);
  const uint64_t lost = gap.contains("lost") && gap["lost"].is_number() ? gap["lost"].get<uint64_t>() : 0;
  return fmt::format("{} events were lost from {} to {}", lost == 0 ? "some" : std::to_string(lost), from,
                     until);
}

}  // namespace

ordered_json to_json(const WhoResult& result) {
  ordered_json answers = ordered_json::array(), gaps = ordered_json::array();
  for (const WhoAnswer& answer : result.answers) answers.push_back(answer_json(answer));
  if (result.log_begin)
    gaps.push_back({{"from", nullptr},
                    {"until", time_text(*result.log_begin)},
                    {"lost", nullptr},
                    {"why", "before-log"}});
  for (const natlog::Gap& gap : result.gaps) gaps.push_back(gap_json(gap));
  return {{"answers", std::move(answers)}, {"gaps", std::move(gaps)}, {"more", result.is_cut}};
}

std::string who_text(const ordered_json& answer, std::string_view question) {
  const ordered_json none = ordered_json::array();
  const auto list = [&](const char* key) -> const ordered_json& {
    const auto found = answer.find(key);
    return found != answer.end() && found->is_array() ? *found : none;
  };
  std::string text = fmt::format("{}\n", question);
  for (const ordered_json& each : list("answers")) text += answer_text(each);
  if (list("answers").empty()) text += "\nnobody is known\n";
  const auto more = answer.find("more");
  if (more != answer.end() && *more == true)
    text += fmt::format("\nthere are more: these are {}, see --limit\n", list("answers").size());
  const ordered_json& gaps = list("gaps");
  if (!gaps.empty()) text += "\nthe log is not complete around then:\n";
  for (const ordered_json& gap : gaps) text += "  " + gap_text(gap) + "\n";
  return text;
}

}  // namespace yonroku::api
