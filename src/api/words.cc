#include "api/words.h"

#include <nlohmann/json.hpp>

#include "packet/verdict.h"

namespace yonroku::api {

using nlohmann::ordered_json;

ordered_json words_json() {
  ordered_json drops = ordered_json::object();
  for (std::size_t i = 1; i < kDropReasonCount; ++i)
    drops[std::string(kDropReasons[i].label)] = {{"cited", kDropReasons[i].cited},
                                                 {"help", kDropReasons[i].help}};
  ordered_json misses = ordered_json::object();
#define YONROKU_MISS(enumerator, name, meaning) misses[name] = {{"help", meaning}};
#include "fastpath/misses.def"
#undef YONROKU_MISS
  return {{"drops", std::move(drops)}, {"offload-misses", std::move(misses)}};
}

}  // namespace yonroku::api
