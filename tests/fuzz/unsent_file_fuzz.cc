// Any bytes as a file of unsent messages: an answer and no crash; what is read survives being written and
// read again; behind a good checksum too, which no random bytes have.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "natlog/unsent_file.h"
#include "require.h"

namespace {

using namespace yonroku::natlog;  // NOLINT(google-build-using-namespace)

constexpr std::string_view kReceiver = "fuzz";

void read(std::string_view file) {
  const auto messages = parse_unsent(file, kReceiver);
  if (!messages) {
    REQUIRE(!messages.error().what.empty());
    return;
  }
  std::size_t count = 0;
  const std::string again = write_unsent(kReceiver, *messages, count);
  REQUIRE(count == messages->size() && again == file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read(bytes);
  std::size_t count = 0;
  std::string sealed = write_unsent(kReceiver, {}, count);
  sealed.resize(sealed.size() - sizeof(uint64_t));
  sealed += bytes;
  seal_unsent(sealed);
  read(sealed);
  return 0;
}
