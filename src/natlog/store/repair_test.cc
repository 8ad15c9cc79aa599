#include "natlog/store/repair.h"

#include <fstream>
#include <numeric>

#include "natlog/store/store_test_base.h"

namespace yonroku::natlog {
namespace {

using namespace store_test;  // NOLINT(google-build-using-namespace)
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RepairTest : public StoreTest {
 protected:
  // From `offset` on, the file says something else.
  static void ruin(const std::string& path, std::uintmax_t offset = 0) {
    const auto size = std::filesystem::file_size(path);
    ASSERT_GT(size, offset);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << std::string(size - offset, 'x');
  }
  std::string catalogue() const { return catalogue_path(folder_); }
  // One block from 0 to 60 seconds, when the program ends; it begins again a minute later, and the next
  // subscriber has the block.
  void log_one_and_stop() {
    start();
    event(begin(source()), EventKind::PortBlockTaken, "2001:db8:1::", 2048);
    tick();
    pass(60'000);
    stop();
    pass(60'000);
  }
  void log_another() {
    start();
    event(begin(source()), EventKind::PortBlockTaken, "2001:db8:2::", 2048);
    tick();
  }
  bool has_gap_of_unknown_loss(Milliseconds second) {
    const auto gaps = history().gaps({kNoon + second * 1000, kNoon + second * 1000});
    return std::ranges::any_of(*gaps, [](const Gap& gap) { return gap.lost == 0u; });
  }
};

TEST_F(RepairTest, ASegment) {
  start();
  const Source* const plat = begin(source());
  event(plat, EventKind::PortBlockTaken, "2001:db8:1::", 2048);
  stop();
  ruin(segment_path(folder_, 1));
  pass(60'000);
  start();
  const Source* const again = begin(source());
  event(again, EventKind::PortBlockTaken, "2001:db8:2::", 2048);
  tick();
  EXPECT_THAT(who(2048, 60), ElementsAre("2001:db8:2:: 60..-"));
  EXPECT_TRUE(std::filesystem::exists(segment_path(folder_, 1) + ".damaged"));
  EXPECT_FALSE(history().gaps({kNoon, kNoon})->empty());
}

TEST_F(RepairTest, ACatalogue) {
  for (const std::uintmax_t offset : {0u, 4096u, 5000u}) {
    log_one_and_stop();
    EXPECT_FALSE(has_gap_of_unknown_loss(30));
    ruin(catalogue(), offset);
    log_another();
    EXPECT_THAT(who(2048, 30), ElementsAre("2001:db8:1:: 0..60")) << offset;
    EXPECT_THAT(who(2048, 90), IsEmpty()) << offset;
    EXPECT_THAT(who(2048, 130), ElementsAre("2001:db8:2:: 120..-")) << offset;
    EXPECT_TRUE(has_gap_of_unknown_loss(30)) << offset;
    EXPECT_FALSE(has_gap_of_unknown_loss(130)) << offset;
    EXPECT_EQ(history().sources().front()->settings.nat.block_size, 512) << offset;
    EXPECT_THAT(files_set_aside(folder_), ElementsAre("catalogue.db.damaged"));
    EXPECT_THAT(store_->remark().value_or(""), HasSubstr("catalogue.db.damaged could not be read"));
    stop();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    now_ = kNoon;
  }
}

TEST_F(RepairTest, NothingIsWrong) {
  log_one_and_stop();
  log_another();
  EXPECT_EQ(store_->remark(), std::nullopt);
  EXPECT_THAT(files_set_aside(folder_), IsEmpty());
}

// Of which instance it was is lost, and that the program ended in between; nobody gets another's answers.
TEST_F(RepairTest, ACatalogueAndItsCopy) {
  log_one_and_stop();
  ruin(catalogue());
  ruin(catalogue_copy_path(folder_));
  log_another();
  EXPECT_THAT(who(2048, 30), ElementsAre("2001:db8:1:: 0..120"));
  EXPECT_THAT(who(2048, 130), ElementsAre("2001:db8:2:: 120..-"));
  EXPECT_TRUE(has_gap_of_unknown_loss(30));
  EXPECT_THAT(files_set_aside(folder_), ElementsAre("catalogue.db.damaged", "catalogue.db.damaged-2"));
  auto past = history();
  const auto first = past.holders({Ipv4Address(198, 51, 100, 2), 2048}, {}, {kNoon, kNoon});
  ASSERT_EQ(first->size(), 1u);
  EXPECT_EQ((*first)[0].source->number, 0);
}

// Somebody deleted them, and segments by number must not be written over.
TEST_F(RepairTest, ACatalogueThatIsGone) {
  log_one_and_stop();
  std::filesystem::remove(catalogue());
  std::filesystem::remove(catalogue_copy_path(folder_));
  log_another();
  EXPECT_THAT(who(2048, 30), ElementsAre("2001:db8:1:: 0..120"));
  EXPECT_THAT(who(2048, 130), ElementsAre("2001:db8:2:: 120..-"));
}

TEST_F(RepairTest, ManySegmentsWithoutACatalogue) {
  start(/*rows_of_segment=*/10);
  const Source* const plat = begin(source());
  event(plat, EventKind::PortBlockTaken, "2001:db8:1::", 2048);
  for (int i = 0; i < 100; ++i) {
    pass(100'000);
    event(plat, EventKind::PortBlockTaken, "2001:db8:2::", 4096);
    pass(100'000);
    event(plat, EventKind::PortBlockReturned, "2001:db8:2::", 4096);
    tick();
  }
  const std::size_t segments = segment_count();
  EXPECT_GE(segments, 5u);
  stop();
  std::filesystem::remove(catalogue());
  std::filesystem::remove(catalogue_copy_path(folder_));
  ruin(segment_path(folder_, 2));
  start();
  begin(source());
  tick();
  EXPECT_EQ(segment_count(), segments - 1);
  for (const int second : {0, 5000, 15'000})
    EXPECT_THAT(who(2048, second), ElementsAre("2001:db8:1:: 0..20000"));
  std::size_t found = 0;
  for (int i = 0; i < 100; ++i) found += who(4096, 200 * i + 150).size();
  EXPECT_GE(found, 80u);
  EXPECT_LT(found, 100u);
}

// The program goes on with what it knows itself and what its copy says.
TEST_F(RepairTest, ACatalogueWhileTheProgramRuns) {
  start();
  const Source* const plat = begin(source());
  event(plat, EventKind::PortBlockTaken, "2001:db8:1::", 2048);
  tick();
  {
    auto other = Database::open(catalogue(), Database::Access::Write);
    ASSERT_TRUE(other->execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  ruin(catalogue());
  EXPECT_FALSE(History::open(folder_));
  pass(60'000);
  event(plat, EventKind::PortBlockReturned, "2001:db8:1::", 2048);
  config::InstanceSettings other = nat64();
  other.name = "other";
  begin(source(other, 2));
  tick();
  pass(1000);
  event(plat, EventKind::PortBlockTaken, "2001:db8:2::", 2048);
  tick();
  EXPECT_THAT(files_set_aside(folder_), ElementsAre("catalogue.db.damaged"));
  EXPECT_THAT(who(2048, 30), ElementsAre("2001:db8:1:: 0..60"));
  EXPECT_THAT(who(2048, 62), ElementsAre("2001:db8:2:: 61..-"));
  auto past = history();
  ASSERT_EQ(past.sources().size(), 2u);
  EXPECT_EQ(past.sources()[0]->settings.name, "plat");
  EXPECT_EQ(past.sources()[0]->in_force.until, kOpen);
  EXPECT_EQ(past.sources()[1]->settings.name, "other");
  EXPECT_TRUE(has_gap_of_unknown_loss(30));
}

TEST_F(RepairTest, ASegmentWhileTheProgramRuns) {
  start();
  const Source* const plat = begin(source());
  for (uint16_t i = 0; i < 5000; ++i) event(plat, EventKind::BindingCreated, "2001:db8::7", 1024 + i);
  tick();
  {
    auto other = Database::open(segment_path(folder_, 1), Database::Access::Write);
    ASSERT_TRUE(other->execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  ruin(segment_path(folder_, 1));
  EXPECT_THAT(who(2000, 0), IsEmpty());
  auto past = history();
  EXPECT_THAT(*past.holders({Ipv4Address(198, 51, 100, 2), 2000}, {}, {kNoon, kNoon}), IsEmpty());
  const auto gaps = past.gaps({kNoon, kNoon});
  ASSERT_EQ(gaps->size(), 1u);
  EXPECT_EQ((*gaps)[0].lost, 0u);
}

}  // namespace
}  // namespace yonroku::natlog
