// The steps of a rotation, over a store in memory.
#include <gmock/gmock.h>

#include <map>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "store/kek_file.h"
#include "store/key_rotation.h"
#include "tests/store/key_store_contract.h"
#include "tests/store/temporary_folder.h"

namespace tidemark::store {
namespace {

using support::IsOk;
using support::IsOkAndHolds;
using support::StatusIs;

// Three keys in batches of one; a test says what happens around an exchange.
class MemoryRotationStore final : public RotationStore {
 public:
  absl::Status Alone(absl::FunctionRef<absl::Status()> step) override { return step(); }

  absl::StatusOr<WrappedKeyBatch> ListOthers(const std::string& prefix,
                                             const std::string& cursor) override {
    WrappedKeyBatch batch;
    const auto found = cursor.empty() ? keys_.begin() : keys_.upper_bound(cursor);
    if (found == keys_.end()) return batch;
    if (!found->second.starts_with(prefix)) {
      batch.keys.push_back({found->first, KeyPurpose("test", found->first), found->second});
    }
    batch.next = found->first;
    return batch;
  }

  absl::StatusOr<uint64_t> Exchange(const std::vector<RewrappedKey>& keys,
                                    absl::FunctionRef<absl::Status()> is_current) override {
    if (before_exchange_) before_exchange_();
    TM_RETURN_IF_ERROR(is_current());
    uint64_t exchanged = 0;
    for (const RewrappedKey& key : keys) {
      if (keys_[key.place] != key.before) continue;
      keys_[key.place] = key.after;
      ++exchanged;
    }
    return exchanged;
  }

  std::map<std::string, std::string> keys_;
  std::function<void()> before_exchange_;
};

class RotationStepsTest : public testing::Test {
 protected:
  void SetUp() override {
    TM_ASSERT_OK_AND_ASSIGN(file_, KekFile::Open(path_, true));
    TM_ASSERT_OK_AND_ASSIGN(const KekRing ring, file_->Read());
    for (const char* place : {"a", "b", "c"}) {
      store_.keys_[place] = WrapKey(ring.newest(), KeyPurpose("test", place), place);
    }
  }
  void ExpectAllOpenWith(size_t keks) {
    TM_ASSERT_OK_AND_ASSIGN(const KekRing ring, file_->Read());
    EXPECT_EQ(ring.size(), keks);
    for (const auto& [place, wrapped] : store_.keys_) {
      EXPECT_THAT(ring.Unwrap(KeyPurpose("test", place), wrapped), IsOkAndHolds(place));
    }
  }
  absl::StatusOr<uint64_t> Rotate() { return RotateKeyEncryptionKey(*file_, store_); }

  TemporaryFolder temporary_;
  const std::string path_ = temporary_.path() + "/kek";
  std::unique_ptr<KekFile> file_;
  MemoryRotationStore store_;
};

TEST_F(RotationStepsTest, WrapsEverythingAnew) {
  EXPECT_THAT(Rotate(), IsOkAndHolds(3u));
  ExpectAllOpenWith(1);
  EXPECT_THAT(Rotate(), IsOkAndHolds(3u));
}

// Another server adds its key: what this one would wrap by its own is about to be forgotten.
TEST_F(RotationStepsTest, OneThatIsOvertakenStopsBeforeItWraps) {
  store_.before_exchange_ = [&] {
    store_.before_exchange_ = nullptr;
    TM_ASSERT_OK_AND_ASSIGN(KekRing ring, file_->Read());
    ring.Add(Kek::Make());
    std::ofstream(path_) << ring.Format();
  };
  EXPECT_THAT(Rotate(), StatusIs(absl::StatusCode::kAborted));
  ExpectAllOpenWith(3);
  EXPECT_THAT(Rotate(), IsOkAndHolds(3u));
  ExpectAllOpenWith(1);
}

TEST_F(RotationStepsTest, AKeyThatAppearsMeanwhileIsWrappedToo) {
  TM_ASSERT_OK_AND_ASSIGN(const KekRing old, file_->Read());
  store_.before_exchange_ = [&] {
    store_.before_exchange_ = nullptr;
    store_.keys_["0"] = WrapKey(old.newest(), KeyPurpose("test", "0"), "0");
  };
  EXPECT_THAT(Rotate(), IsOkAndHolds(4u));
  ExpectAllOpenWith(1);
}

TEST_F(RotationStepsTest, GivesUpWhereKeysKeepChanging) {
  TM_ASSERT_OK_AND_ASSIGN(const KekRing old, file_->Read());
  store_.before_exchange_ = [&] {
    store_.keys_["a"] = WrapKey(old.newest(), KeyPurpose("test", "a"), "a");
  };
  EXPECT_THAT(Rotate(), StatusIs(absl::StatusCode::kAborted));
  ExpectAllOpenWith(2);
}

TEST_F(RotationStepsTest, WhatDoesNotOpenKeepsTheOldKey) {
  const std::string whole = store_.keys_["b"];
  store_.keys_["b"] = "damaged";
  EXPECT_THAT(Rotate(), StatusIs(absl::StatusCode::kDataLoss));
  store_.keys_["b"] = whole;
  ExpectAllOpenWith(2);
  EXPECT_THAT(Rotate(), IsOkAndHolds(1u));
  ExpectAllOpenWith(1);
}

}  // namespace
}  // namespace tidemark::store
