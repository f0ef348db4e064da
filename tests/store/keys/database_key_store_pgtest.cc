#include <fmt/format.h>

#include <atomic>
#include <map>
#include <thread>

#include "base/base64.h"
#include "base/db/migrator.h"
#include "migrations/migrations.h"
#include "store/keys/database_key_store.h"
#include "store/keys/sql.h"
#include "tests/store/key_store_contract.h"
#include "tests/store/temporary_folder.h"
#include "tests/support/pg_test_database.h"

namespace tidemark::store {
namespace {

using support::IsOk;
using support::StatusIs;

class DatabaseHarness {
 public:
  DatabaseHarness() {
    EXPECT_THAT(db::Migrate(database_.OwnerDsn(), migrations::kKeyStore), IsOk());
  }
  absl::StatusOr<std::unique_ptr<KeyStore>> Open(const MeantStore& meant) {
    return keys::OpenDatabaseKeyStore({.dsn = database_.Dsn("tm_keys"),
                                       .kek_path = kek_path(),
                                       .id = meant.id,
                                       .must_exist = meant.must_exist,
                                       .has_sealed_data = meant.has_sealed_data});
  }
  std::string kek_path() const { return temporary_.path() + "/kek"; }
  std::string LoseParticipantKey(ParticipantId participant) {
    const std::string keep = Wrapped(participant);
    database_.Execute(fmt::format("delete from participant_key where participant_id = '{}'",
                                  participant.ToString()));
    return keep;
  }
  std::string DamageParticipantKey(ParticipantId participant) {
    const std::string keep = Wrapped(participant);
    database_.Execute(
        fmt::format("update participant_key set wrapped = 'damaged' where participant_id = '{}'",
                    participant.ToString()));
    return keep;
  }
  void GiveBack(ParticipantId participant, const std::string& key) {
    database_.Execute(
        fmt::format("insert into participant_key values ('{}', '\\x{}', null)"
                    " on conflict (participant_id) do update set wrapped = excluded.wrapped",
                    participant.ToString(), key));
  }
  bool HoldsKeysOf(ParticipantId participant) {
    return database_.QueryValue(fmt::format(
               "select count(*) from (select wrapped from participant_key where participant_id = "
               "'{0}' union all select wrapped from data_key where participant_id = '{0}') as k "
               "where wrapped is not null",
               participant.ToString())) != "0";
  }
  const support::EmptyDatabase& database() const { return database_; }

 private:
  std::string Wrapped(ParticipantId participant) {
    return database_.QueryValue(fmt::format(
        "select encode(wrapped, 'hex') from participant_key where participant_id = '{}'",
        participant.ToString()));
  }

  TemporaryFolder temporary_;
  support::EmptyDatabase database_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Database, KeyStoreContract, DatabaseHarness);

class DatabaseKeyStoreTest : public testing::Test {
 protected:
  DatabaseHarness harness_;
  const ParticipantId participant_ = ParticipantId::MakeV7();
  const StreamId stream_ = StreamId::MakeV7();
};

TEST_F(DatabaseKeyStoreTest, NeedsAFileOfTheKeyEncryptionKey) {
  EXPECT_THAT(
      keys::OpenDatabaseKeyStore({.dsn = harness_.database().Dsn("tm_keys"), .kek_path = ""}),
      StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(DatabaseKeyStoreTest, KnowsItsPlace) {
  const absl::Time soon = absl::Now() + absl::Seconds(10);
  const support::EmptyDatabase other;
  TM_ASSERT_OK_AND_ASSIGN(const auto here, keys::PlaceOf(harness_.database().Dsn("tm_keys"), soon));
  TM_ASSERT_OK_AND_ASSIGN(const auto again, keys::PlaceOf(harness_.database().OwnerDsn(), soon));
  TM_ASSERT_OK_AND_ASSIGN(const auto there, keys::PlaceOf(other.OwnerDsn(), soon));
  EXPECT_EQ(here.cluster, again.cluster);
  EXPECT_EQ(here.database, again.database);
  EXPECT_EQ(here.cluster, there.cluster);
  EXPECT_NE(here.database, there.database);
}

// Never a code that would say something about a key: FAILED_PRECONDITION reads as erased.
TEST_F(DatabaseKeyStoreTest, ADatabaseThatIsAwayIsUnavailable) {
  TM_ASSERT_OK_AND_ASSIGN(const auto store, harness_.Open({}));
  TM_ASSERT_OK_AND_ASSIGN(const DataKey key, store->KeyForWriting(participant_, stream_, 1));
  for (const char* table : {"participant_key", "key_store", "installation_key"}) {
    harness_.database().Execute(fmt::format("alter table {0} rename to {0}_away", table));
  }
  const absl::Status answers[] = {store->KeyForWriting(participant_, stream_, 1).status(),
                                  store->Find(participant_, key.name).status(),
                                  store->Id().status(),
                                  store->DestroyParticipant(participant_),
                                  store->ReadRestoreMark().status(),
                                  store->RaiseRestoreMark({1, 1}),
                                  store->ReceiptKeyPem().status(),
                                  store->ServiceKey("challenge").status(),
                                  store->RotateKeyEncryptionKey().status()};
  for (const absl::Status& answer : answers) {
    EXPECT_THAT(answer, StatusIs(absl::StatusCode::kUnavailable));
  }
}

TEST_F(DatabaseKeyStoreTest, RacingServersEndWithTheSameKeys) {
  constexpr int kServers = 4;
  constexpr int kDays = 10;
  std::vector<std::string> answers(kServers);
  { TM_ASSERT_OK_AND_ASSIGN(const auto first, harness_.Open({})); }
  std::vector<std::thread> servers;
  for (int i = 0; i < kServers; ++i) {
    servers.emplace_back([&, i] {
      const auto store = harness_.Open({});
      for (int day = 0; store.ok() && day < kDays; ++day) {
        const auto key = (*store)->KeyForWriting(participant_, stream_, day);
        if (key.ok()) answers[static_cast<size_t>(i)] += key->bytes;
      }
    });
  }
  for (std::thread& server : servers) server.join();
  EXPECT_EQ(answers[0].size(), kDays * kAesKeyBytes);
  for (const std::string& answer : answers) EXPECT_EQ(answer, answers[0]);
}

// People come and go while the key-encryption key is exchanged again and again.
TEST_F(DatabaseKeyStoreTest, RotatesWhileWritersWrite) {
  constexpr int kRotations = 5;
  TM_ASSERT_OK_AND_ASSIGN(const auto rotating, harness_.Open({}));
  TM_ASSERT_OK_AND_ASSIGN(const auto writing, harness_.Open({}));
  std::map<ParticipantId, DataKey> made;
  std::vector<ParticipantId> erased;
  std::atomic<bool> ends = false;
  std::thread writer([&] {
    while (!ends) {
      const ParticipantId participant = ParticipantId::MakeV7();
      const auto key = writing->KeyForWriting(participant, stream_, 1);
      ASSERT_THAT(key, IsOk());
      if (made.size() % 4 == 3) {
        ASSERT_THAT(writing->DestroyParticipant(participant), IsOk());
        erased.push_back(participant);
      }
      made.emplace(participant, *key);
    }
  });
  for (int i = 0; i < kRotations; ++i) {
    const auto rotated = rotating->RotateKeyEncryptionKey();
    EXPECT_TRUE(rotated.ok() || absl::IsAborted(rotated.status())) << rotated.status();
  }
  ends = true;
  writer.join();
  ASSERT_THAT(rotating->RotateKeyEncryptionKey(), IsOk());
  TM_ASSERT_OK_AND_ASSIGN(const auto late, harness_.Open({}));
  for (const ParticipantId participant : erased) {
    EXPECT_FALSE(harness_.HoldsKeysOf(participant));
    made.erase(participant);
  }
  EXPECT_GT(made.size(), 0u);
  for (const auto& [participant, key] : made) {
    TM_ASSERT_OK_AND_ASSIGN(const DataKey found, late->Find(participant, key.name));
    EXPECT_EQ(found.bytes, key.bytes);
  }
}

// More participants than fit into a batch, and a rotation that is cut off in any of them.
class LongRotationTest : public DatabaseKeyStoreTest {
 protected:
  void MakePeople(int people) {
    TM_ASSERT_OK_AND_ASSIGN(const auto store, harness_.Open({}));
    for (int i = 0; i < people; ++i) {
      const ParticipantId participant = ParticipantId::MakeV7();
      TM_ASSERT_OK_AND_ASSIGN(DataKey key, store->KeyForWriting(participant, stream_, 1));
      made_.emplace(participant, std::move(key));
    }
  }
  void ExpectEveryKey() {
    TM_ASSERT_OK_AND_ASSIGN(const auto store, harness_.Open({}));
    for (const auto& [participant, key] : made_) {
      TM_ASSERT_OK_AND_ASSIGN(const DataKey found, store->Find(participant, key.name));
      ASSERT_EQ(found.bytes, key.bytes);
    }
  }
  size_t Keks() const { return KekRing::Parse(ContentsOf(harness_.kek_path()))->size(); }
  // Lets so many keys of participants be wrapped anew in all, and fails every one after that.
  void FailAfter(int keys) const {
    harness_.database().Execute(fmt::format(
        "create sequence if not exists wraps; alter sequence wraps restart;"
        "create or replace function fail_late() returns trigger language plpgsql security definer"
        " as $$ begin if nextval('wraps') > {} then raise exception 'cut off'; end if;"
        " return new; end $$;"
        "create or replace trigger fail_late before update on participant_key"
        " for each row execute function fail_late()",
        keys));
  }

  std::map<ParticipantId, DataKey> made_;
};

TEST_F(LongRotationTest, GoesOnWhereItWasCutOff) {
  ASSERT_NO_FATAL_FAILURE(MakePeople(250));
  for (const int keys : {0, 130, 230, 30}) {
    FailAfter(keys);
    TM_ASSERT_OK_AND_ASSIGN(const auto store, harness_.Open({}));
    EXPECT_THAT(store->RotateKeyEncryptionKey(), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_EQ(Keks(), 2u);
    ASSERT_NO_FATAL_FAILURE(ExpectEveryKey());
  }
  // A whole batch was kept.
  const std::string kek = KekRing::Parse(ContentsOf(harness_.kek_path()))->newest().id;
  const std::string wrapped = harness_.database().QueryValue(
      fmt::format("select count(*) from participant_key where substr(wrapped, 9, 8) = '\\x{}'",
                  HexEncode(kek)));
  EXPECT_EQ(wrapped, "200");
  harness_.database().Execute("drop trigger fail_late on participant_key");
  TM_ASSERT_OK_AND_ASSIGN(const auto store, harness_.Open({}));
  EXPECT_THAT(store->RotateKeyEncryptionKey(), support::IsOkAndHolds(50u));
  EXPECT_EQ(Keks(), 1u);
  ASSERT_NO_FATAL_FAILURE(ExpectEveryKey());
}

// No transaction of a rotation lasts longer than a batch: whoever looks between two of them finds
// none open, and part of the keys done.
TEST_F(LongRotationTest, EveryBatchIsATransactionOfItsOwn) {
  ASSERT_NO_FATAL_FAILURE(MakePeople(250));
  harness_.database().Execute(
      "create table seen (batch xid8, keys bigint);"
      "create function note_batch() returns trigger language plpgsql security definer as $$ begin"
      " insert into seen values (pg_current_xact_id(), 1); return null; end $$;"
      "create trigger note_batch after update on participant_key"
      " for each row execute function note_batch()");
  TM_ASSERT_OK_AND_ASSIGN(const auto store, harness_.Open({}));
  ASSERT_THAT(store->RotateKeyEncryptionKey(), IsOk());
  EXPECT_EQ(harness_.database().QueryValue(
                "select string_agg(keys::text, ' ' order by batch) from"
                " (select batch, sum(keys) as keys from seen group by batch) s"),
            "200 50");
}

TEST_F(LongRotationTest, TwoAtOnceLoseNoKey) {
  ASSERT_NO_FATAL_FAILURE(MakePeople(40));
  TM_ASSERT_OK_AND_ASSIGN(const auto one, harness_.Open({}));
  TM_ASSERT_OK_AND_ASSIGN(const auto other, harness_.Open({}));
  std::vector<absl::Status> answers(2);
  std::thread rotating([&] { answers[0] = one->RotateKeyEncryptionKey().status(); });
  answers[1] = other->RotateKeyEncryptionKey().status();
  rotating.join();
  for (const absl::Status& answer : answers) {
    EXPECT_TRUE(answer.ok() || absl::IsAborted(answer)) << answer;
  }
  EXPECT_TRUE(answers[0].ok() || answers[1].ok());
  ASSERT_THAT(one->RotateKeyEncryptionKey(), IsOk());
  EXPECT_EQ(Keks(), 1u);
  ASSERT_NO_FATAL_FAILURE(ExpectEveryKey());
}

TEST(KeyStoreStatementsTest, EveryOneSaysItsScope) {
  for (const db::Statement& statement : keys::sql::kAllStatements) {
    const std::string text = statement.text;
    EXPECT_EQ(text.rfind(fmt::format("-- {}: ", statement.name), 0), 0u) << statement.name;
    EXPECT_NE(text.find("\n-- scope: "), std::string::npos) << statement.name;
  }
}

}  // namespace
}  // namespace tidemark::store
