#include "ingest/client/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "ingest/client/durable_file.h"
#include "tests/ingest/client/test_folder.h"
#include "tests/support/status_matchers.h"

namespace tidemark::ingest {
namespace {

using support::IsOk;
using support::StatusIs;
using ::testing::ElementsAre;

v1::Receipt AReceipt(const std::string& statement) {
  v1::Receipt receipt;
  receipt.set_statement(statement);
  receipt.set_key_id("k1");
  return receipt;
}

std::vector<std::string> Statements(const std::filesystem::path& path) {
  std::vector<std::string> all;
  EXPECT_THAT(Ledger::ForEach(path,
                              [&](const v1::Receipt& receipt) {
                                all.push_back(receipt.statement());
                                return absl::OkStatus();
                              }),
              IsOk());
  return all;
}

TEST(Ledger, KeepsWhatWasAppendedAcrossOpenings) {
  const TestFolder folder;
  const auto path = folder / "ledger";
  {
    TM_ASSERT_OK_AND_ASSIGN(Ledger ledger, Ledger::Open(path));
    ASSERT_THAT(ledger.Append(std::vector{AReceipt("a"), AReceipt("b")}), IsOk());
  }
  TM_ASSERT_OK_AND_ASSIGN(Ledger ledger, Ledger::Open(path));
  EXPECT_EQ(ledger.receipts(), 2u);
  ASSERT_THAT(ledger.Append(std::vector{AReceipt("c")}), IsOk());
  EXPECT_THAT(Statements(path), ElementsAre("a", "b", "c"));
}

TEST(Ledger, CutsATornTailAtEveryLength) {
  const TestFolder folder;
  const auto path = folder / "ledger";
  uintmax_t whole_bytes = 0;
  {
    TM_ASSERT_OK_AND_ASSIGN(Ledger ledger, Ledger::Open(path));
    ASSERT_THAT(ledger.Append(std::vector{AReceipt("first")}), IsOk());
    whole_bytes = std::filesystem::file_size(path);
    ASSERT_THAT(ledger.Append(std::vector{AReceipt("second")}), IsOk());
  }
  for (uintmax_t size = std::filesystem::file_size(path) - 1; size >= whole_bytes; --size) {
    std::filesystem::resize_file(path, size);
    EXPECT_THAT(Statements(path), ElementsAre("first")) << size;
    TM_ASSERT_OK_AND_ASSIGN(Ledger ledger, Ledger::Open(path));
    EXPECT_EQ(ledger.receipts(), 1u);
    EXPECT_EQ(std::filesystem::file_size(path), whole_bytes);
    ASSERT_THAT(ledger.Append(std::vector{AReceipt("second")}), IsOk());
    EXPECT_THAT(Statements(path), ElementsAre("first", "second")) << size;
    std::filesystem::resize_file(path, size);
  }
}

TEST(Ledger, BlocksThatWereNeverWrittenAreATornTail) {
  const TestFolder folder;
  const auto path = folder / "ledger";
  {
    TM_ASSERT_OK_AND_ASSIGN(Ledger ledger, Ledger::Open(path));
    ASSERT_THAT(ledger.Append(std::vector{AReceipt("first")}), IsOk());
  }
  // What a file system may leave: the size was written, the blocks were not.
  std::filesystem::resize_file(path, std::filesystem::file_size(path) + 4096);
  TM_ASSERT_OK_AND_ASSIGN(const Ledger ledger, Ledger::Open(path));
  EXPECT_EQ(ledger.receipts(), 1u);
  EXPECT_THAT(Statements(path), ElementsAre("first"));
}

TEST(Ledger, RefusesWhatIsNoLedgerAndLongDamage) {
  const TestFolder folder;
  ASSERT_THAT(WriteFileDurably(folder / "other", "hello, world"), IsOk());
  EXPECT_THAT(Ledger::Open(folder / "other"), StatusIs(absl::StatusCode::kDataLoss));
  ASSERT_THAT(WriteFileDurably(folder / "damaged", "TML1" + std::string(5 << 20, 'x')), IsOk());
  EXPECT_THAT(Ledger::Open(folder / "damaged"), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace tidemark::ingest
