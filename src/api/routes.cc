#include "api/routes.h"

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/dashboard.h"
#include "api/history_json.h"
#include "api/json.h"
#include "api/metrics.h"
#include "api/nat_feed.h"
#include "api/nat_listing.h"
#include "api/offload_report.h"
#include "api/openapi.h"
#include "api/reload_feed.h"
#include "api/request_body.h"
#include "api/rule_listing.h"
#include "api/service_report.h"
#include "api/spoofer_report.h"
#include "api/who_report.h"
#include "api/who_request.h"
#include "api/words.h"
#include "config/mapping_csv.h"
#include "natlog/clock.h"

namespace yonroku::api {
namespace {

using httplib::ContentReader;
using httplib::Request;
using httplib::Response;

constexpr const char* kJson = "application/json";
constexpr const char* kJsonLines = "application/x-ndjson";
constexpr const char* kCsv = "text/csv; charset=utf-8";
constexpr std::size_t kLargestChange = 32 << 20;   // some 700,000 mappings at once
constexpr std::size_t kLargestTable = 1024 << 20;  // ten million softwires and more

constexpr const char* kAnyPath = "[^]*";

constexpr int kBadRequest = 400;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr int kConflict = 409;
constexpr int kTooLarge = 413;
constexpr int kInternal = 500;

void answer(Response& response, const nlohmann::ordered_json& json) {
  response.set_content(dump(json) + "\n", kJson);
}

void answer(Response& response, int status, const Error& error) {
  response.status = status;
  response.set_content(dump(to_json(error)) + "\n", kJson);
}

// What the program refuses: an unknown instance, or a change that does not go with what is there.
int status_of(const Error& error) { return error.where == "instance" ? kNotFound : kConflict; }

template <class T>
void answer(Response& response, const Result<T>& result) {
  if (!result) return answer(response, status_of(result.error()), result.error());
  if constexpr (std::is_void_v<T>)
    answer(response, nlohmann::ordered_json::object());
  else
    answer(response, to_json(*result));
}

// In HTTP/1.1 a request that states no length has no body; the library would wait for one.
bool has_body(const Request& request) {
  return request.has_header("Content-Length") || request.has_header("Transfer-Encoding");
}

// Of a request whose body was not read to its end.
void close_after(Response& response) { response.set_header("Connection", "close"); }

class Routes {
 public:
  Routes(Backend& backend, Asker& asker) : backend_(backend), asker_(asker) {}

  void list(const Request& request, Response& response) {
    const auto mappings = backend_.mappings(instance_of(request));
    if (!mappings) return answer(response, status_of(mappings.error()), mappings.error());
    if (request.get_header_value("Accept").find("text/csv") != std::string::npos)
      response.set_content(config::write_mapping_csv(*mappings), kCsv);
    else
      response.set_content(mappings_json(*mappings) + "\n", kJson);
  }

  void show_history(const Request& request, Response& response) {
    const auto span = parse_history_span(request.get_param_value("span"));
    if (!span) return answer(response, kBadRequest, span.error());
    const auto since = parse_history_since(request.get_param_value("since"), natlog::utc_now());
    if (!since) return answer(response, kBadRequest, since.error());
    const auto history = backend_.history(request.get_param_value("instance"), *span, *since);
    if (!history) return answer(response, status_of(history.error()), history.error());
    response.set_content(history_json(*history), kJson);
  }

  void list_services(const Request& request, Response& response) {
    const auto services = services_json(backend_.status(), instance_of(request));
    if (!services) return answer(response, status_of(services.error()), services.error());
    answer(response, *services);
  }

  void list_spoofers(const Request& request, Response& response) {
    const auto spoofers = backend_.spoofers(instance_of(request));
    if (!spoofers) return answer(response, status_of(spoofers.error()), spoofers.error());
    answer(response, spoofers_json(*spoofers));
  }

  void show_offload(const Request& request, Response& response) {
    const auto offload = offload_json(backend_.status(), instance_of(request));
    if (!offload) return answer(response, status_of(offload.error()), offload.error());
    answer(response, *offload);
  }

  void list_rules(control::TableKind kind, const Request& request, Response& response) {
    auto list = backend_.rules(instance_of(request), kind);
    if (!list) return answer(response, status_of(list.error()), list.error());
    const bool is_csv = request.get_header_value("Accept").find("text/csv") != std::string::npos;
    const auto listing = std::make_shared<RuleListing>(*std::move(list), kind, is_csv);
    const auto provider = [listing](std::size_t, httplib::DataSink& sink) {
      const std::string piece = listing->next_piece();
      if (piece.empty())
        sink.done();
      else
        sink.write(piece.data(), piece.size());
      return true;
    };
    if (request.version == "HTTP/1.0")
      response.set_content_provider(is_csv ? kCsv : kJson, provider);
    else
      response.set_chunked_content_provider(is_csv ? kCsv : kJson, provider);
  }

  void list_nat(control::NatTable table, const Request& request, Response& response) {
    const auto parsed = parse_nat_request(table, request.params);
    if (!parsed) return answer(response, kBadRequest, parsed.error());
    if (parsed->is_followed) return follow_nat(request, parsed->query, response);
    const auto listing = std::make_shared<NatListing>(
        *parsed, [this, instance = instance_of(request)](const control::NatQuery& query,
                                                         const control::NatPlace& from, std::size_t most) {
          return backend_.look_at_nat(instance, query, from, most);
        });
    // The first piece before the answer's head: what is wrong shows there.
    auto first = listing->next_piece();
    if (!first) return answer(response, status_of(first.error()), first.error());
    const auto provider = [listing, first = *std::move(first)](std::size_t, httplib::DataSink& sink) mutable {
      std::string piece = std::exchange(first, {});
      if (piece.empty() && !listing->has_ended()) {
        auto more = listing->next_piece();
        piece = more ? *std::move(more) : listing->end_with(more.error());
      }
      if (!piece.empty() && !sink.write(piece.data(), piece.size())) return false;
      if (piece.empty() && listing->has_ended()) sink.done();
      return true;
    };
    if (request.version == "HTTP/1.0")
      response.set_content_provider(kJson, provider);
    else
      response.set_chunked_content_provider(kJson, provider);
  }

  // A line for each event, until the client or the instance goes. Empty lines show whether the client is
  // there.
  void follow_nat(const Request& request, const control::NatQuery& query, Response& response) {
    auto follower = backend_.follow_nat(instance_of(request), query);
    if (!follower) return answer(response, status_of(follower.error()), follower.error());
    const auto provider = [feed = std::make_shared<NatFeed>(*std::move(follower))](std::size_t,
                                                                                   httplib::DataSink& sink) {
      const std::string lines = feed->next_lines();
      if (!lines.empty() && !sink.write(lines.data(), lines.size())) return false;
      if (feed->has_ended()) sink.done();
      return true;
    };
    if (request.version == "HTTP/1.0")
      response.set_content_provider(kJsonLines, provider);
    else
      response.set_chunked_content_provider(kJsonLines, provider);
  }

  // Who had an address and port, or what somebody used.
  void answer_who(const Request& request, Response& response) {
    auto who = open_log();
    if (!who) return answer(response, status_of(who.error()), who.error());
    const auto result = api::answer(*who, who_request_of(request), natlog::utc_now());
    if (!result)
      return answer(response, result.error().where.starts_with('/') ? kInternal : kBadRequest,
                    result.error());
    answer(response, to_json(*result));
  }

  // The same for each line of the body.
  void answer_complaints(const Request& request, Response& response, const ContentReader& reader) {
    const auto body = body_of(request, response, reader, kLargestChange);
    if (!body) return;
    auto who = open_log();
    if (!who) return answer(response, status_of(who.error()), who.error());
    const auto answers = answer_csv(*who, *body, who_request_of(request), natlog::utc_now(),
                                    [this] { return asker_.is_ending(); });
    if (!answers) return answer(response, kInternal, answers.error());
    response.set_content(*answers, kCsv);
  }

  // What a reload would end. Errors quote the configuration, which not everybody may read.
  void preview_reload(const Request& request, Response& response) {
    if (!asker_.may_change()) return answer(response, kForbidden, not_allowed());
    const auto limit = parse_reload_limit(request.get_param_value("limit"));
    if (!limit) return answer(response, kBadRequest, limit.error());
    auto preview = backend_.preview_reload();
    if (!preview) return answer(response, status_of(preview.error()), preview.error());
    const auto look = [this](const control::InstancePreview& instance, const control::NatPlace& from) {
      return backend_.look_at_ends(instance, from);
    };
    const auto provider = [feed = std::make_shared<ReloadFeed>(*std::move(preview), look, *limit)](
                              std::size_t, httplib::DataSink& sink) {
      const std::string lines = feed->next_lines();
      if (!lines.empty() && !sink.write(lines.data(), lines.size())) return false;
      if (feed->has_ended()) sink.done();
      return true;
    };
    if (request.version == "HTTP/1.0")
      response.set_content_provider(kJsonLines, provider);
    else
      response.set_chunked_content_provider(kJsonLines, provider);
  }

  // A request that changes something: `act(backend, instance, body, response)` once it may and its body is
  // here.
  template <class Act>
  static auto changing(std::shared_ptr<Routes> routes, std::size_t largest, Act act) {
    return [routes = std::move(routes), largest, act](const Request& request, Response& response,
                                                      const ContentReader& reader) {
      if (!routes->asker_.may_change()) {
        if (has_body(request)) close_after(response);
        return answer(response, kForbidden, not_allowed());
      }
      const auto body = routes->body_of(request, response, reader, largest);
      if (body) act(routes->backend_, instance_of(request), *body, response);
    };
  }

  Backend& backend() { return backend_; }

 private:
  static Error not_allowed() {
    return {"", "only root and the user that yonroku runs as may change anything", "use sudo"};
  }
  static std::string instance_of(const Request& request) {
    return request.matches.size() > 1 && request.matches[1].matched ? request.matches[1].str()
                                                                    : std::string();
  }

  Result<Who> open_log() { return Who::open(TRY(backend_.log_folder())); }

  static WhoRequest who_request_of(const Request& request) {
    const auto value = [&](const char* name) { return request.get_param_value(name); };
    return {value("address"),    value("port"), value("protocol"), value("time"),  value("skew"),
            value("subscriber"), value("from"), value("until"),    value("limit"), value("remote")};
  }

  // What the request brings; if that can't be had, the answer says why.
  std::optional<std::string> body_of(const Request& request, Response& response, const ContentReader& reader,
                                     std::size_t largest) const {
    std::string body;
    if (!has_body(request)) return body;
    const std::size_t stated = stated_length(request);
    bool is_too_large = stated > largest;
    if (!is_too_large) {
      asker_.expect_body(largest);
      body.reserve(stated);
      const bool is_read = reader([&](const char* data, std::size_t size) {
        is_too_large = body.size() + size > largest;
        if (!is_too_large) body.append(data, size);
        return !is_too_large;
      });
      if (is_read) return body;
    }
    close_after(response);
    if (is_too_large)
      answer(response, kTooLarge,
             {"body", "more than " + std::to_string(largest >> 20) + " MiB", "send it in parts"});
    else
      answer(response, kBadRequest, {"body", "could not be read", ""});
    return std::nullopt;
  }

  // 0: it is not said.
  static std::size_t stated_length(const Request& request) {
    const std::string text = request.get_header_value("Content-Length");
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error == std::errc::result_out_of_range) return SIZE_MAX;
    return error == std::errc() ? length : 0;
  }

  Backend& backend_;
  Asker& asker_;
};

void add(Backend& backend, const std::string& instance, std::string_view body, Response& response) {
  const auto mappings = parse_mappings_body(body);
  if (!mappings) return answer(response, kBadRequest, mappings.error());
  answer(response, backend.add_mappings(instance, *mappings));
}

void replace(Backend& backend, const std::string& instance, std::string_view body, Response& response) {
  const auto mappings = parse_mappings_body(body);
  if (!mappings) return answer(response, kBadRequest, mappings.error());
  // A forgotten body, or the empty file of a failed generator, must not take every host off the network.
  if (mappings->empty())
    return answer(
        response, kBadRequest,
        {"body", "holds no mapping, which would remove them all", "name those to remove with DELETE"});
  answer(response, backend.replace_mappings(instance, *mappings));
}

void remove(Backend& backend, const std::string& instance, std::string_view body, Response& response) {
  const auto prefixes = parse_prefixes_body(body);
  if (!prefixes) return answer(response, kBadRequest, prefixes.error());
  answer(response, backend.remove_mappings(instance, *prefixes));
}

template <control::TableKind kind>
void add_rules(Backend& backend, const std::string& instance, std::string_view body, Response& response) {
  const auto words = backend.rule_words(instance, kind);
  if (!words) return answer(response, status_of(words.error()), words.error());
  const auto rules = parse_rules_body(body, kind, *words);
  if (!rules) return answer(response, kBadRequest, rules.error());
  answer(response, backend.add_rules(instance, kind, *words, *rules));
}

template <control::TableKind kind>
void replace_rules(Backend& backend, const std::string& instance, std::string_view body, Response& response) {
  const auto words = backend.rule_words(instance, kind);
  if (!words) return answer(response, status_of(words.error()), words.error());
  auto rules = parse_rules_body(body, kind, *words);
  if (!rules) return answer(response, kBadRequest, rules.error());
  if (rules->empty())
    return answer(response, kBadRequest,
                  {"body", fmt::format("holds no {}, which would remove them all", to_string(kind)),
                   "name those to remove with DELETE"});
  answer(response, backend.replace_rules(instance, kind, *words, *std::move(rules)));
}

template <control::TableKind kind>
void remove_rules(Backend& backend, const std::string& instance, std::string_view body, Response& response) {
  const auto words = backend.rule_words(instance, kind);
  if (!words) return answer(response, status_of(words.error()), words.error());
  const auto names = parse_rule_names_body(body, kind, *words);
  if (!names) return answer(response, kBadRequest, names.error());
  answer(response, backend.remove_rules(instance, kind, *names));
}

void reload(Backend& backend, const std::string&, std::string_view, Response& response) {
  answer(response, backend.reload());
}

void show_metrics(Backend& backend, Response& response) {
  response.set_content(prometheus_text(backend.status(), backend.counters()),
                       "text/plain; version=0.0.4; charset=utf-8");
}

// --- the table of all routes ---

enum class Door : uint8_t { Guarded, Open };  // whether it needs the token that a TCP client has

struct Route {
  std::string method;
  std::string path;  // as in OpenAPI: {instance} is a name
  httplib::Server::Handler look;
  httplib::Server::HandlerWithContentReader change;  // one of the two
  Door door;
};

class Table {
 public:
  explicit Table(std::shared_ptr<Routes> routes) : routes_(std::move(routes)) {
    add_program();
    add_tables();
    add_nats();
  }
  std::vector<Route> take() { return std::move(all_); }

 private:
  using Look = void (Routes::*)(const Request&, Response&);
  using Change = void (*)(Backend&, const std::string&, std::string_view, Response&);

  void get(std::string path, httplib::Server::Handler look, Door door = Door::Guarded) {
    all_.push_back({"GET", std::move(path), std::move(look), nullptr, door});
  }
  void get(std::string path, Look look) {
    get(std::move(path), [routes = routes_, look](const Request& request, Response& response) {
      (*routes.*look)(request, response);
    });
  }
  void change(std::string method, std::string path, std::size_t largest, Change act) {
    all_.push_back({std::move(method), std::move(path), nullptr, Routes::changing(routes_, largest, act),
                    Door::Guarded});
  }
  // Of the only instance, and of one by its name.
  static std::array<std::string, 2> paths(std::string_view thing) {
    return {fmt::format("/v1/{}", thing), fmt::format("/v1/instances/{{instance}}/{}", thing)};
  }

  void add_program() {
    get("/v1/status", [routes = routes_](const Request&, Response& response) {
      answer(response, to_json(routes->backend().status()));
    });
    get("/v1/counters", [routes = routes_](const Request&, Response& response) {
      answer(response, to_json(std::span<const control::InstanceCounters>(routes->backend().counters())));
    });
    get("/v1/history", &Routes::show_history);
    get("/metrics", [routes = routes_](const Request&, Response& response) {
      show_metrics(routes->backend(), response);
    });
    get("/v1/reload", &Routes::preview_reload);
    change("POST", "/v1/reload", kLargestChange, reload);
    get("/v1/who", &Routes::answer_who);
    all_.push_back({"POST", "/v1/who", nullptr,
                    [routes = routes_](const Request& request, Response& response,
                                       const httplib::ContentReader& reader) {
                      routes->answer_complaints(request, response, reader);
                    },
                    Door::Guarded});
    get(
        "/v1/openapi.yaml",
        [](const Request&, Response& response) {
          response.set_content(std::string(openapi_text()), "application/yaml");
        },
        Door::Open);
    get("/v1/words", [](const Request&, Response& response) { answer(response, words_json()); });
    for (const DashboardFile& file : dashboard_files())
      get(
          std::string(file.path),
          [&file](const Request& request, Response& response) { answer_with(file, request, response); },
          Door::Open);
    for (const std::string& path : paths("offload")) get(path, &Routes::show_offload);
    for (const std::string& path : paths("services")) get(path, &Routes::list_services);
    for (const std::string& path : paths("spoofers")) get(path, &Routes::list_spoofers);
  }

  void add_tables() {
    for (const std::string& path : paths("mappings")) {
      get(path, &Routes::list);
      change("POST", path, kLargestChange, add);
      change("PUT", path, kLargestTable, replace);
      change("DELETE", path, kLargestChange, remove);
    }
    add_rule_routes<control::TableKind::Rules>();
    add_rule_routes<control::TableKind::Softwires>();
  }
  template <control::TableKind kind>
  void add_rule_routes() {
    for (const std::string& path : paths(to_string(kind))) {
      get(path, [routes = routes_](const Request& request, Response& response) {
        routes->list_rules(kind, request, response);
      });
      change("POST", path, kLargestChange, add_rules<kind>);
      change("PUT", path, kLargestTable, replace_rules<kind>);
      change("DELETE", path, kLargestChange, remove_rules<kind>);
    }
  }
  void add_nats() {
    for (std::size_t i = 0; i < control::kNatTableCount; ++i)
      for (const auto table = static_cast<control::NatTable>(i);
           const std::string& path : paths(to_string(table)))
        get(path, [routes = routes_, table](const Request& request, Response& response) {
          routes->list_nat(table, request, response);
        });
  }

  std::shared_ptr<Routes> routes_;
  std::vector<Route> all_;
};

// Without a program behind it: what there is.
const std::vector<Route>& all_routes() {
  static const std::vector<Route> kAll = Table(nullptr).take();
  return kAll;
}

std::string pattern_of(std::string path) {
  constexpr std::string_view kName = "{instance}";
  if (const auto at = path.find(kName); at != std::string::npos)
    path.replace(at, kName.size(), "([a-z0-9-]+)");
  for (auto dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 2))
    path.insert(dot, "\\");
  return path;
}

// What can be read without naming an instance.
std::string what_there_is() {
  std::string text = "GET ";
  for (const Route& route : all_routes())
    if (route.method == "GET" && route.door == Door::Guarded && route.path.find('{') == std::string::npos)
      text += (text.size() == 4 ? "" : ", ") + route.path;
  return text;
}

void answer_everything_else(httplib::Server& server) {
  server.set_error_handler([](const Request& request, Response& response) {
    if (!response.body.empty()) return;
    const bool is_unknown = response.status == kNotFound;
    answer(response, response.status,
           {request.path, is_unknown ? "there is no such thing here" : "the request is not understood",
            is_unknown ? what_there_is() : ""});
  });
  server.set_exception_handler(
      [](const Request& request, Response& response, const std::exception_ptr& thrown) {
        close_after(response);  // its body may not have been read
        std::string what;
        try {
          std::rethrow_exception(thrown);
        } catch (const std::exception& error) {
          what = error.what();
        } catch (...) {
          what = "not even known what";
        }
        answer(response, kInternal, {request.path, "internal error: " + what, "report it"});
      });
}

}  // namespace

void add_routes(httplib::Server& server, Backend& backend, Asker& asker) {
  const auto routes = std::make_shared<Routes>(backend, asker);
  server.set_payload_max_length(kLargestTable);
  answer_everything_else(server);
  for (Route& route : Table(routes).take()) {
    const std::string pattern = pattern_of(route.path);
    if (route.method == "GET")
      server.Get(pattern, std::move(route.look));
    else if (route.method == "POST")
      server.Post(pattern, std::move(route.change));
    else if (route.method == "PUT")
      server.Put(pattern, std::move(route.change));
    else
      server.Delete(pattern, std::move(route.change));
  }
  // The library keeps the body of a request that nobody takes.
  const auto nothing = [](const Request& request, Response& response, const ContentReader&) {
    if (has_body(request)) close_after(response);
    response.status = kNotFound;
  };
  server.Post(kAnyPath, nothing);
  server.Put(kAnyPath, nothing);
  server.Patch(kAnyPath, nothing);
  server.Delete(kAnyPath, nothing);
}

std::vector<std::string> route_names() {
  std::vector<std::string> names;
  const auto is_of_page = [](const Route& route) {
    return std::ranges::find(dashboard_files(), route.path, &DashboardFile::path) != dashboard_files().end();
  };
  for (const Route& route : all_routes())
    if (!is_of_page(route)) names.push_back(route.method + " " + route.path);
  return names;
}

bool is_open_to_all(std::string_view method, std::string_view path) {
  return std::ranges::any_of(all_routes(), [&](const Route& route) {
    return route.door == Door::Open && route.method == method && route.path == path;
  });
}

}  // namespace yonroku::api
