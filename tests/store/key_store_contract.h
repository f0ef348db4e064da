// What every KeyStore promises, as tests that run over each of them.
//
// A harness is a store of its own: Open() and OpenMeant() open it, as another server would, and the
// rest does behind its back what happens to keys in the field.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/crypto.h"
#include "store/kek_ring.h"
#include "store/key_store.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {

// What a database says of the store that is meant.
struct MeantStore {
  std::optional<Uuid> id = std::nullopt;
  bool must_exist = false;
  std::function<absl::StatusOr<bool>(ParticipantId)> has_sealed_data = {};
};

inline std::string ContentsOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <class Harness>
class KeyStoreContract : public testing::Test {
 protected:
  std::unique_ptr<KeyStore> Open() {
    auto store = harness_.Open(MeantStore());
    EXPECT_THAT(store, support::IsOk());
    return store.ok() ? *std::move(store) : nullptr;
  }
  size_t Keks() const { return KekRing::Parse(ContentsOf(harness_.kek_path()))->size(); }

  Harness harness_;
  const ParticipantId participant_ = ParticipantId::MakeV7();
  const StreamId stream_ = StreamId::MakeV7();
};
TYPED_TEST_SUITE_P(KeyStoreContract);

TYPED_TEST_P(KeyStoreContract, GivesTheSameKeyForTheSameDayAndOthersOtherwise) {
  const auto store = this->Open();
  std::set<std::string> keys;
  const auto make = [&](ParticipantId participant, StreamId stream, int32_t day) {
    const auto key = store->KeyForWriting(participant, stream, day);
    EXPECT_THAT(key, support::IsOk());
    if (!key.ok()) return;
    EXPECT_EQ(key->bytes.size(), kAesKeyBytes);
    EXPECT_EQ(key->name, (DataKeyName{stream, day, 0}));
    keys.insert(key->bytes);
  };
  for (int i = 0; i < 2; ++i) make(this->participant_, this->stream_, 20'000);
  make(this->participant_, this->stream_, 20'001);
  make(this->participant_, StreamId::MakeV7(), 20'000);
  make(this->participant_, StreamId{}, 0);
  make(ParticipantId::MakeV7(), this->stream_, 20'000);
  EXPECT_EQ(keys.size(), 5u);
}

TYPED_TEST_P(KeyStoreContract, FindsWhatAnotherServerMadeAndNothingElse) {
  TM_ASSERT_OK_AND_ASSIGN(const DataKey made,
                          this->Open()->KeyForWriting(this->participant_, this->stream_, -3));
  const auto store = this->Open();
  TM_ASSERT_OK_AND_ASSIGN(const DataKey found, store->Find(this->participant_, made.name));
  EXPECT_EQ(found.bytes, made.bytes);
  // What was never destroyed is missing, never erased.
  for (const auto& [participant, name] :
       {std::pair(this->participant_, DataKeyName{this->stream_, -2, 0}),
        std::pair(this->participant_, DataKeyName{this->stream_, -3, 1}),
        std::pair(ParticipantId::MakeV7(), made.name)}) {
    EXPECT_THAT(store->Find(participant, name), support::StatusIs(absl::StatusCode::kDataLoss));
  }
}

TYPED_TEST_P(KeyStoreContract, DestroyedParticipantsStayDestroyed) {
  const auto store = this->Open();
  const auto other_server = this->Open();
  TM_ASSERT_OK_AND_ASSIGN(const DataKey key,
                          store->KeyForWriting(this->participant_, this->stream_, 5));
  ASSERT_THAT(other_server->KeyForWriting(this->participant_, this->stream_, 5), support::IsOk());
  ASSERT_THAT(other_server->Find(this->participant_, key.name), support::IsOk());
  const ParticipantId bystander = ParticipantId::MakeV7();
  ASSERT_THAT(store->KeyForWriting(bystander, this->stream_, 5), support::IsOk());

  ASSERT_THAT(store->DestroyParticipant(this->participant_), support::IsOk());
  ASSERT_THAT(store->DestroyParticipant(this->participant_), support::IsOk());

  const auto late = this->Open();
  for (KeyStore* each : {store.get(), other_server.get(), late.get()}) {
    EXPECT_THAT(each->Find(this->participant_, key.name),
                support::StatusIs(absl::StatusCode::kNotFound));
    for (const int day : {5, 6}) {
      EXPECT_THAT(each->KeyForWriting(this->participant_, this->stream_, day),
                  support::StatusIs(absl::StatusCode::kFailedPrecondition));
    }
    EXPECT_THAT(each->KeyForWriting(bystander, this->stream_, 5), support::IsOk());
  }
  EXPECT_FALSE(this->harness_.HoldsKeysOf(this->participant_));
}

TYPED_TEST_P(KeyStoreContract, DestroysAParticipantThatNeverHadAKey) {
  const auto store = this->Open();
  ASSERT_THAT(store->DestroyParticipant(this->participant_), support::IsOk());
  EXPECT_THAT(store->KeyForWriting(this->participant_, this->stream_, 1),
              support::StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(store->Find(this->participant_, DataKeyName()),
              support::StatusIs(absl::StatusCode::kNotFound));
}

TYPED_TEST_P(KeyStoreContract, NamesOfDestroyedDataKeysAreNeverUsedAgain) {
  const auto store = this->Open();
  const auto other_server = this->Open();
  TM_ASSERT_OK_AND_ASSIGN(const DataKey first,
                          store->KeyForWriting(this->participant_, this->stream_, 5));
  ASSERT_THAT(other_server->Find(this->participant_, first.name), support::IsOk());
  ASSERT_THAT(store->DestroyDataKey(this->participant_, first.name), support::IsOk());
  ASSERT_THAT(store->DestroyDataKey(this->participant_, first.name), support::IsOk());
  for (KeyStore* each : {store.get(), other_server.get()}) {
    EXPECT_THAT(each->Find(this->participant_, first.name),
                support::StatusIs(absl::StatusCode::kNotFound));
    TM_ASSERT_OK_AND_ASSIGN(const DataKey next,
                            each->KeyForWriting(this->participant_, this->stream_, 5));
    EXPECT_EQ(next.name, (DataKeyName{this->stream_, 5, 1}));
    EXPECT_NE(next.bytes, first.bytes);
  }
  // Of a day whose key was never made, too.
  ASSERT_THAT(store->DestroyDataKey(this->participant_, {this->stream_, 6, 3}), support::IsOk());
  TM_ASSERT_OK_AND_ASSIGN(const DataKey later,
                          this->Open()->KeyForWriting(this->participant_, this->stream_, 6));
  EXPECT_EQ(later.name.generation, 4u);
}

TYPED_TEST_P(KeyStoreContract, NothingIsMadeInThePlaceOfAKeyThatIsGone) {
  const auto store = this->Open();
  TM_ASSERT_OK_AND_ASSIGN(const DataKey key,
                          store->KeyForWriting(this->participant_, this->stream_, 1));
  const auto keep = this->harness_.LoseParticipantKey(this->participant_);
  for (const StreamId stream : {this->stream_, StreamId::MakeV7()}) {
    EXPECT_THAT(store->KeyForWriting(this->participant_, stream, 2),
                support::StatusIs(absl::StatusCode::kDataLoss,
                                  testing::HasSubstr("participant's key is missing")));
  }
  EXPECT_THAT(store->Find(this->participant_, key.name),
              support::StatusIs(absl::StatusCode::kDataLoss, testing::HasSubstr("restore")));
  this->harness_.GiveBack(this->participant_, keep);
  TM_ASSERT_OK_AND_ASSIGN(const DataKey back, store->Find(this->participant_, key.name));
  EXPECT_EQ(back.bytes, key.bytes);
}

TYPED_TEST_P(KeyStoreContract, AsksWhetherThereIsDataBeforeItMakesAParticipantsKey) {
  absl::StatusOr<bool> has_data = true;
  int asked = 0;
  TM_ASSERT_OK_AND_ASSIGN(const auto store,
                          this->harness_.Open({.has_sealed_data = [&](ParticipantId participant) {
                            EXPECT_EQ(participant, this->participant_);
                            ++asked;
                            return has_data;
                          }}));
  const auto make = [&](int day) {
    return store->KeyForWriting(this->participant_, this->stream_, day);
  };
  EXPECT_THAT(make(1), support::StatusIs(absl::StatusCode::kDataLoss));
  has_data = absl::UnavailableError("no database");
  EXPECT_THAT(make(1), support::StatusIs(absl::StatusCode::kUnavailable));
  has_data = false;
  EXPECT_THAT(make(1), support::IsOk());
  has_data = true;
  EXPECT_THAT(make(2), support::IsOk());
  EXPECT_EQ(asked, 3);
}

TYPED_TEST_P(KeyStoreContract, KnowsItselfFromOthers) {
  TM_ASSERT_OK_AND_ASSIGN(const Uuid id, this->Open()->Id());
  EXPECT_THAT(this->Open()->Id(), support::IsOkAndHolds(id));
  EXPECT_THAT(this->harness_.Open({.id = id, .must_exist = true}), support::IsOk());
  EXPECT_THAT(this->harness_.Open({.id = Uuid::MakeRandom()}),
              support::StatusIs(absl::StatusCode::kFailedPrecondition));
  TypeParam fresh;
  for (const MeantStore& meant : {MeantStore{.id = id}, MeantStore{.must_exist = true}}) {
    EXPECT_THAT(fresh.Open(meant), support::StatusIs(absl::StatusCode::kFailedPrecondition,
                                                     testing::HasSubstr("Nothing was changed")));
  }
  TM_ASSERT_OK_AND_ASSIGN(const auto other, fresh.Open(MeantStore()));
  EXPECT_NE(other->Id().value(), id);
}

TYPED_TEST_P(KeyStoreContract, RefusesAWrongOrMissingKeyEncryptionKey) {
  this->Open();
  std::filesystem::rename(this->harness_.kek_path(), this->harness_.kek_path() + ".away");
  EXPECT_THAT(
      this->harness_.Open(MeantStore()),
      support::StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("missing")));
  std::ofstream(this->harness_.kek_path()) << std::string(64, '0') << "\n";
  EXPECT_THAT(
      this->harness_.Open(MeantStore()),
      support::StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("not the one")));
}

TYPED_TEST_P(KeyStoreContract, KeepsServiceAndReceiptKeys) {
  const auto store = this->Open();
  TM_ASSERT_OK_AND_ASSIGN(const std::string page_token, store->ServiceKey("page-token"));
  TM_ASSERT_OK_AND_ASSIGN(const std::string challenge, store->ServiceKey("challenge"));
  EXPECT_EQ(page_token.size(), kAesKeyBytes);
  EXPECT_NE(page_token, challenge);
  TM_ASSERT_OK_AND_ASSIGN(const std::string pem, store->ReceiptKeyPem());
  EXPECT_THAT(SigningKey::FromPem(pem), support::IsOk());
  const auto again = this->Open();
  EXPECT_THAT(again->ServiceKey("page-token"), support::IsOkAndHolds(page_token));
  EXPECT_THAT(again->ReceiptKeyPem(), support::IsOkAndHolds(pem));
  EXPECT_THAT(store->ServiceKey("../kek"), support::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(store->ServiceKey(""), support::StatusIs(absl::StatusCode::kInvalidArgument));
}

TYPED_TEST_P(KeyStoreContract, TheRestoreMarkOnlyGrows) {
  const auto store = this->Open();
  EXPECT_THAT(store->ReadRestoreMark(), support::IsOkAndHolds(RestoreMark{0, 0}));
  ASSERT_THAT(store->RaiseRestoreMark({.generation = 3, .heartbeat = 1}), support::IsOk());
  EXPECT_THAT(this->Open()->ReadRestoreMark(), support::IsOkAndHolds(RestoreMark{3, 1}));
  ASSERT_THAT(store->RaiseRestoreMark({.generation = 2, .heartbeat = 7}), support::IsOk());
  ASSERT_THAT(store->RaiseRestoreMark({.generation = 1, .heartbeat = 1}), support::IsOk());
  EXPECT_THAT(store->ReadRestoreMark(), support::IsOkAndHolds(RestoreMark{3, 7}));
}

TYPED_TEST_P(KeyStoreContract, RotationKeepsEveryKeyAndForgetsTheOldOne) {
  const auto store = this->Open();
  const auto other_server = this->Open();
  TM_ASSERT_OK_AND_ASSIGN(const DataKey key,
                          store->KeyForWriting(this->participant_, this->stream_, 1));
  TM_ASSERT_OK_AND_ASSIGN(const std::string challenge, store->ServiceKey("challenge"));
  TM_ASSERT_OK_AND_ASSIGN(const std::string pem, store->ReceiptKeyPem());
  const ParticipantId erased = ParticipantId::MakeV7();
  ASSERT_THAT(store->KeyForWriting(erased, this->stream_, 1), support::IsOk());
  ASSERT_THAT(store->DestroyParticipant(erased), support::IsOk());
  const std::string old_kek = ContentsOf(this->harness_.kek_path());

  // The check, the receipt key, a service key, a participant's key.
  EXPECT_THAT(store->RotateKeyEncryptionKey(), support::IsOkAndHolds(4u));
  EXPECT_EQ(this->Keks(), 1u);
  EXPECT_NE(ContentsOf(this->harness_.kek_path()), old_kek);
  const auto late = this->Open();
  for (KeyStore* each : {store.get(), other_server.get(), late.get()}) {
    TM_ASSERT_OK_AND_ASSIGN(const DataKey found, each->Find(this->participant_, key.name));
    EXPECT_EQ(found.bytes, key.bytes);
    EXPECT_THAT(each->ServiceKey("challenge"), support::IsOkAndHolds(challenge));
    EXPECT_THAT(each->ReceiptKeyPem(), support::IsOkAndHolds(pem));
    EXPECT_THAT(each->KeyForWriting(erased, this->stream_, 1),
                support::StatusIs(absl::StatusCode::kFailedPrecondition));
  }
  // A server that has not heard of it wraps new keys by the new one.
  const ParticipantId fresh = ParticipantId::MakeV7();
  TM_ASSERT_OK_AND_ASSIGN(const DataKey made, other_server->KeyForWriting(fresh, this->stream_, 1));
  TM_ASSERT_OK_AND_ASSIGN(const DataKey read, this->Open()->Find(fresh, made.name));
  EXPECT_EQ(read.bytes, made.bytes);

  std::ofstream(this->harness_.kek_path()) << old_kek;
  EXPECT_THAT(this->harness_.Open(MeantStore()),
              support::StatusIs(absl::StatusCode::kFailedPrecondition));
}

// As a site does whose file the server may not write: the new key comes first, by hand.
TYPED_TEST_P(KeyStoreContract, RotationGoesOnToTheNewestKeyOfTheFile) {
  const auto store = this->Open();
  TM_ASSERT_OK_AND_ASSIGN(const DataKey key,
                          store->KeyForWriting(this->participant_, this->stream_, 1));
  std::ofstream(this->harness_.kek_path(), std::ios::app) << std::string(64, '7') << "\n";
  ASSERT_THAT(store->RotateKeyEncryptionKey(), support::IsOk());
  TM_ASSERT_OK_AND_ASSIGN(const KekRing ring,
                          KekRing::Parse(ContentsOf(this->harness_.kek_path())));
  EXPECT_EQ(ring.size(), 1u);
  EXPECT_EQ(ring.newest().bytes, std::string(32, '\x77'));
  EXPECT_THAT(this->Open()->Find(this->participant_, key.name), support::IsOk());
}

TYPED_TEST_P(KeyStoreContract, RotationKeepsTheOldKeyForWhatDoesNotOpen) {
  const auto store = this->Open();
  const ParticipantId damaged = ParticipantId::MakeV7();
  TM_ASSERT_OK_AND_ASSIGN(const DataKey key,
                          store->KeyForWriting(this->participant_, this->stream_, 1));
  TM_ASSERT_OK_AND_ASSIGN(const DataKey hurt, store->KeyForWriting(damaged, this->stream_, 1));
  const auto keep = this->harness_.DamageParticipantKey(damaged);
  EXPECT_THAT(store->RotateKeyEncryptionKey(), support::StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_EQ(this->Keks(), 2u);
  EXPECT_THAT(store->Inspect()->keks, 2u);
  EXPECT_THAT(this->Open()->Find(this->participant_, key.name), support::IsOk());
  this->harness_.GiveBack(damaged, keep);
  EXPECT_THAT(store->RotateKeyEncryptionKey(), support::IsOkAndHolds(1u));
  EXPECT_EQ(this->Keks(), 1u);
  TM_ASSERT_OK_AND_ASSIGN(const DataKey healed, this->Open()->Find(damaged, hurt.name));
  EXPECT_EQ(healed.bytes, hurt.bytes);
}

TYPED_TEST_P(KeyStoreContract, SaysWhoElseMayReadTheKeyEncryptionKey) {
  const auto store = this->Open();
  TM_ASSERT_OK_AND_ASSIGN(const KeyStoreFacts good, store->Inspect());
  EXPECT_EQ(good.exposure, "");
  EXPECT_EQ(good.keks, 1u);
  std::filesystem::permissions(this->harness_.kek_path(), std::filesystem::perms(0640));
  EXPECT_THAT(store->Inspect()->exposure, testing::HasSubstr("open to others"));
}

REGISTER_TYPED_TEST_SUITE_P(
    KeyStoreContract, GivesTheSameKeyForTheSameDayAndOthersOtherwise,
    FindsWhatAnotherServerMadeAndNothingElse, DestroyedParticipantsStayDestroyed,
    DestroysAParticipantThatNeverHadAKey, NamesOfDestroyedDataKeysAreNeverUsedAgain,
    NothingIsMadeInThePlaceOfAKeyThatIsGone, AsksWhetherThereIsDataBeforeItMakesAParticipantsKey,
    KnowsItselfFromOthers, RefusesAWrongOrMissingKeyEncryptionKey, KeepsServiceAndReceiptKeys,
    TheRestoreMarkOnlyGrows, RotationKeepsEveryKeyAndForgetsTheOldOne,
    RotationGoesOnToTheNewestKeyOfTheFile, RotationKeepsTheOldKeyForWhatDoesNotOpen,
    SaysWhoElseMayReadTheKeyEncryptionKey);

}  // namespace tidemark::store
