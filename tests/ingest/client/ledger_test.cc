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

std::string Bytes(const std::filesystem::path& path) {
  const auto bytes = ReadFile(path, size_t{2} << 20);
  EXPECT_THAT(bytes, IsOk());
  return bytes.value_or("");
}

TEST(Ledger, KeepsTheBytesOfATornTailAside) {
  const TestFolder folder;
  const auto path = folder / "ledger";
  { ASSERT_THAT(Ledger::Open(path), IsOk()); }
  const std::string empty = Bytes(path);
  ASSERT_THAT(WriteFileDurably(path, empty + std::string("\x30\0\0\0abcdefgh", 12)), IsOk());
  { ASSERT_THAT(Ledger::Open(path), IsOk()); }
  EXPECT_EQ(Bytes(path), empty);
  ASSERT_THAT(WriteFileDurably(path, empty + "tail"), IsOk());
  { ASSERT_THAT(Ledger::Open(path), IsOk()); }
  EXPECT_EQ(Bytes(folder / "ledger.torn"), std::string("\x30\0\0\0abcdefghtail", 16));
}

TEST(Ledger, WhatIsKeptAsideIsBounded) {
  const TestFolder folder;
  const auto path = folder / "ledger";
  constexpr size_t kBytesMax = size_t{1} << 20;
  ASSERT_THAT(WriteFileDurably(folder / "ledger.torn", std::string(kBytesMax - 2, 'x')), IsOk());
  ASSERT_THAT(WriteFileDurably(path, "TML1tail"), IsOk());
  ASSERT_THAT(Ledger::Open(path), IsOk());
  EXPECT_EQ(Bytes(folder / "ledger.torn"), std::string(kBytesMax - 4, 'x') + "tail");
}

// An entry that is all there was promised to somebody: a bit of it never makes it a torn append.
TEST(Ledger, AFlippedBitOfTheLastEntryIsDamageAndNothingIsCut) {
  const TestFolder folder;
  const auto path = folder / "ledger";
  {
    TM_ASSERT_OK_AND_ASSIGN(Ledger ledger, Ledger::Open(path));
    ASSERT_THAT(ledger.Append(std::vector{AReceipt("first")}), IsOk());
  }
  const size_t begin = Bytes(path).size();
  {
    TM_ASSERT_OK_AND_ASSIGN(Ledger ledger, Ledger::Open(path));
    ASSERT_THAT(ledger.Append(std::vector{AReceipt("second")}), IsOk());
  }
  const std::string whole = Bytes(path);
  for (size_t bit = begin * 8; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    ASSERT_THAT(WriteFileDurably(path, damaged), IsOk());
    const LedgerDamage damage{begin, whole.size(), 1};
    TM_ASSERT_OK_AND_ASSIGN(
        const LedgerContent content,
        Ledger::ForEach(path, [](const v1::Receipt&) { return absl::OkStatus(); }));
    EXPECT_THAT(content.damages, ElementsAre(damage)) << bit;
    TM_ASSERT_OK_AND_ASSIGN(Ledger ledger, Ledger::Open(path));
    EXPECT_THAT(ledger.damages(), ElementsAre(damage)) << bit;
    EXPECT_EQ(Bytes(path), damaged) << bit;
    ASSERT_THAT(ledger.Append(std::vector{AReceipt("third")}), IsOk());
    EXPECT_THAT(Statements(path), ElementsAre("first", "third")) << bit;
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

// Three entries, with byte `at` of the second one (from the front of its header) changed.
LedgerDamage DamageSecond(const std::filesystem::path& path, uintmax_t at) {
  std::filesystem::remove(path);
  auto ledger = Ledger::Open(path);
  EXPECT_THAT(ledger, IsOk());
  EXPECT_THAT(ledger->Append(std::vector{AReceipt("first")}), IsOk());
  const uintmax_t begin = std::filesystem::file_size(path);
  EXPECT_THAT(ledger->Append(std::vector{AReceipt("second")}), IsOk());
  const uintmax_t end = std::filesystem::file_size(path);
  EXPECT_THAT(ledger->Append(std::vector{AReceipt("third"), AReceipt("fourth")}), IsOk());
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(begin + at));
  const int before = file.get();
  file.seekp(static_cast<std::streamoff>(begin + at));
  file.put(static_cast<char>(before ^ 0x55));
  return {begin, end, 1};
}

TEST(Ledger, ADamagedEntryHidesNoneOfTheOthers) {
  const TestFolder folder;
  const auto path = folder / "ledger";
  const uintmax_t entry_bytes = 8 + AReceipt("second").ByteSizeLong();
  for (uintmax_t at = 0; at < entry_bytes; ++at) {
    const LedgerDamage damage = DamageSecond(path, at);
    std::vector<std::string> read;
    TM_ASSERT_OK_AND_ASSIGN(const LedgerContent content,
                            Ledger::ForEach(path, [&](const v1::Receipt& receipt) {
                              read.push_back(receipt.statement());
                              return absl::OkStatus();
                            }));
    EXPECT_THAT(read, ElementsAre("first", "third", "fourth")) << at;
    EXPECT_THAT(content.damages, ElementsAre(damage)) << at;
    // Nor does it stop what comes, nor is anything cut away.
    TM_ASSERT_OK_AND_ASSIGN(Ledger ledger, Ledger::Open(path));
    EXPECT_EQ(ledger.receipts(), 3u);
    EXPECT_THAT(ledger.damages(), ElementsAre(damage));
    ASSERT_THAT(ledger.Append(std::vector{AReceipt("fifth")}), IsOk());
    EXPECT_THAT(Statements(path), ElementsAre("first", "third", "fourth", "fifth")) << at;
  }
}

TEST(Ledger, LongDamageIsPassedOverAndNothingIsCutAway) {
  const TestFolder folder;
  const auto path = folder / "damaged";
  const std::string damage(5 << 20, 'x');
  ASSERT_THAT(WriteFileDurably(path, "TML1" + damage), IsOk());
  {
    TM_ASSERT_OK_AND_ASSIGN(Ledger ledger, Ledger::Open(path));
    EXPECT_THAT(ledger.damages(), ElementsAre(LedgerDamage{4, 4 + damage.size(), 0}));
    ASSERT_THAT(ledger.Append(std::vector{AReceipt("behind")}), IsOk());
  }
  EXPECT_GT(std::filesystem::file_size(path), damage.size());
  EXPECT_THAT(Statements(path), ElementsAre("behind"));
}

TEST(Ledger, RefusesWhatIsNoLedger) {
  const TestFolder folder;
  ASSERT_THAT(WriteFileDurably(folder / "other", "hello, world"), IsOk());
  EXPECT_THAT(Ledger::Open(folder / "other"), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace tidemark::ingest
