#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <pqxx/pqxx>
#include <random>
#include <set>
#include <thread>

#include "base/audit_chain.h"
#include "base/audit_roots.h"
#include "base/rpc/audit_messages.h"
#include "study/audit.h"
#include "study/audit_log.h"
#include "study/audit_roots.h"
#include "study/sql.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class AuditTest : public StudyFixture {
 protected:
  absl::Status Append(const std::string& action) { return Append(participant_, action); }
  absl::Status Append(ParticipantId participant, const std::string& action) {
    return db::Transact(
        pool_, "test", db::AccessScope::Participant(participant), Deadline(),
        [&](db::Transaction& tx) {
          return AppendAudit(tx, *keys_, clock_, {participant.uuid, study_, action, manager_, {}});
        });
  }
  std::vector<v1::AuditLink> AllLinks() {
    std::vector<v1::AuditLink> all;
    const Call call = ManagerCall(study_);
    for (AuditCursor cursor;;) {
      const auto some = AuditLog(context_).LinksAfter(call, cursor);
      EXPECT_THAT(some, IsOk());
      if (some->empty()) return all;
      all.insert(all.end(), some->begin(), some->end());
    }
  }

  const StudyId study_ = MakeStudy();
  const ParticipantId participant_ = MakeParticipant(study_);
};

// What an auditor with the rows and the keys of the server finds: the tables as a superuser sees
// them inside one transaction, so that every tamper can be taken back.
class TamperTest : public AuditTest {
 protected:
  TamperTest() : connection_(support::TestDatabase::Shared().SuperuserDsn()) {
    for (const db::Statement& statement : sql::kAllStatements) {
      connection_.prepare(statement.name, statement.text);
    }
    for (int p = 0; p < 3; ++p) {
      people_.push_back(MakeParticipant(study_, fmt::format("t{}", p)));
    }
    AppendEverywhere();
    SignInTheFirstForm();
    for (int day = 0; day < 5; ++day) {
      clock_.Advance(absl::Hours(24));
      AppendEverywhere();
      Sign();
    }
  }

  void AppendEverywhere() {
    for (const ParticipantId participant : people_) {
      for (int i = 0; i < 2; ++i) EXPECT_THAT(Append(participant, "step"), IsOk());
    }
  }
  void Sign(int heads_per_root = kHeadsPerRootMax) {
    EXPECT_THAT(SignAuditRoots(context_, key_, "k", Deadline(), heads_per_root), IsOk());
  }
  // As servers did before roots named each other.
  void SignInTheFirstForm() {
    pqxx::work tx(connection_);
    const int32_t day = Today();
    v1::AuditRoot root;
    root.set_utc_day(day);
    for (const pqxx::row& row : tx.exec_prepared(sql::kListAuditHeads.name, study_.ToString(),
                                                 Uuid().ToString(), kHeadsPerRootMax)) {
      const AuditChainLink link = *AuditLinkOfRow(row);
      rpc::AddAuditHead({link.subject, link.seq, AuditLinkHash(link)}, root);
    }
    const std::string signature =
        key_.Sign(AuditRootMessage(study_.uuid, day, rpc::RootContentOf(root)->heads));
    root.clear_utc_day();
    tx.exec_prepared(sql::kInsertAuditRoot.name, study_.ToString(), 1, day, db::Bytea(signature),
                     "k", db::Bytea(root.SerializeAsString()), absl::ToUnixMicros(clock_.Now()));
    tx.commit();
  }
  int32_t Today() const { return static_cast<int32_t>(absl::ToUnixSeconds(clock_.Now()) / 86'400); }

  std::vector<std::string> FaultsSeenIn(pqxx::work& tx) {
    AuditChainChecker chains;
    std::vector<std::string> faults;
    for (const pqxx::row& row : tx.exec_prepared(sql::kListAuditOfStudy.name, study_.ToString(),
                                                 Uuid().ToString(), 0, 1'000'000)) {
      const auto link = AuditLinkOfRow(row);
      if (!link.ok()) return {"a row cannot be read"};
      chains.Add(*link);
      const auto body = row["body"].is_null() ? absl::StatusOr<std::optional<std::string>>("")
                                              : OpenAuditBody(*keys_, link->subject, link->study_id,
                                                              link->seq, db::BytesOf(row["body"]));
      if (body.ok() && *body) {
        chains.CheckBody(*link, **body);
      } else {
        faults.push_back("a body cannot be opened");
      }
    }
    AuditRootChecker roots(study_.uuid, chains);
    for (const pqxx::row& row :
         tx.exec_prepared(sql::kListAuditRoots.name, study_.ToString(), 0, 1'000)) {
      if (!AddRoot(roots, row)) faults.push_back("a root cannot be read");
    }
    faults.insert(faults.end(), chains.faults().begin(), chains.faults().end());
    faults.insert(faults.end(), roots.faults().begin(), roots.faults().end());
    newest_day_ = roots.newest_day();
    return faults;
  }
  bool AddRoot(AuditRootChecker& roots, const pqxx::row& row) const {
    v1::AuditRoot root;
    if (!root.ParseFromString(db::BytesOf(row["heads"]))) return false;
    root.set_utc_day(row["utc_day"].as<int32_t>());
    const auto content = rpc::RootContentOf(root);
    if (!content.ok()) return false;
    roots.Add(*content, [&](std::string_view message) {
      return row["key_id"].as<std::string>() == "k" &&
             key_.Public().Verify(message, db::BytesOf(row["signature"]));
    });
    return true;
  }

  // One change of the links, as somebody with all rights to the tables would make it.
  std::string TamperWithLinks(pqxx::work& tx, std::mt19937_64& random) {
    const pqxx::result rows = tx.exec(
        fmt::format("select subject, seq from audit where study_id = '{}' order by random()",
                    study_.ToString()));
    const std::string at =
        fmt::format("where subject = '{}' and seq = {}", rows[0][0].c_str(), rows[0][1].c_str());
    const std::string other =
        fmt::format("where subject = '{}' and seq = {}", rows[1][0].c_str(), rows[1][1].c_str());
    switch (random() % 12) {
      case 0:
        return "update audit set body = set_byte(body, 20, get_byte(body, 20) # 1) " + at;
      case 1:
        return "update audit set body = null " + at;
      case 2:
        return "update audit set body_hash = set_byte(body_hash, 3, get_byte(body_hash, 3) # 4) " +
               at;
      case 3:
        return "update audit set prev_hash = set_byte(prev_hash, 9, get_byte(prev_hash, 9) # 1) " +
               at;
      case 4:
        return "update audit set recorded_at = recorded_at + interval '1 microsecond' " + at;
      case 5:
        return "update audit set link_version = 1 " + at;
      case 6:
        return "delete from audit " + at;
      case 7:
        return fmt::format("update audit set study_id = '{}' {}", Uuid::MakeRandom().ToString(),
                           at);
      case 8:
        return fmt::format("update audit set subject = '{}' {}", Uuid::MakeRandom().ToString(), at);
      case 9:
        return "update audit set seq = seq + 1000 " + at;
      case 10:  // the newest link of a chain
        return fmt::format(
            "delete from audit where subject = '{0}' and seq = (select max(seq) from audit where "
            "subject = '{0}')",
            rows[0][0].c_str());
      default:
        return fmt::format(
            "update audit a set body = b.body, body_hash = b.body_hash from audit b where "
            "(a.subject, a.seq) = (select subject, seq from audit {}) and (b.subject, b.seq) = "
            "(select subject, seq from audit {})",
            at, other);
    }
  }

  // The same of the roots: all but taking away the newest ones, which leaves no trace in the
  // tables.
  std::string TamperWithRoots(std::mt19937_64& random) const {
    const std::string of_study = fmt::format("where study_id = '{}'", study_.ToString());
    const int64_t any = 1 + static_cast<int64_t>(random() % kRoots);
    const int64_t but_newest = 1 + static_cast<int64_t>(random() % (kRoots - 1));
    const std::string at = fmt::format("{} and number = {}", of_study, any);
    const auto flip = [&](const char* column) {
      return fmt::format(
          "update audit_root set {0} = set_byte({0}, {1}, get_byte({0}, {1}) # 1) {2}", column,
          random() % 60, at);
    };
    switch (random() % 9) {
      case 0:
        return fmt::format("delete from audit_root {} and number = {}", of_study, but_newest);
      case 1:  // and nobody sees it by the numbers
        return fmt::format(
            "delete from audit_root {0} and number = {1}; update audit_root set number = number - "
            "1 "
            "{0} and number > {1}",
            of_study, but_newest);
      case 2:  // the oldest ones
        return fmt::format("delete from audit_root {} and number <= {}", of_study, but_newest);
      case 3:
        return flip("signature");
      case 4:
        return flip("heads");
      case 5:
        return "update audit_root set utc_day = utc_day + 100 " + at;
      case 6:
        return "update audit_root set key_id = 'other' " + at;
      case 7:  // one stands where another did
        return fmt::format(
            "update audit_root a set utc_day = b.utc_day, signature = b.signature, heads = b.heads "
            "from audit_root b where a.study_id = '{0}' and b.study_id = '{0}' and a.number = {1} "
            "and b.number = {2}",
            study_.ToString(), but_newest, but_newest + 1);
      default:  // two change places
        return fmt::format(
            "update audit_root a set utc_day = b.utc_day, signature = b.signature, heads = b.heads "
            "from audit_root b where a.study_id = '{0}' and b.study_id = '{0}' and "
            "((a.number = {1} and b.number = {2}) or (a.number = {2} and b.number = {1}))",
            study_.ToString(), but_newest, but_newest + 1);
    }
  }

  static constexpr int kRoots = 6;

  pqxx::connection connection_;
  const SigningKey key_ = SigningKey::GenerateEd25519();
  std::vector<ParticipantId> people_;
  int32_t newest_day_ = 0;
};

TEST_F(TamperTest, AThousandTampersAreAllFound) {
  {
    pqxx::work tx(connection_);
    EXPECT_THAT(FaultsSeenIn(tx), IsEmpty());
    EXPECT_EQ(newest_day_, Today());
  }
  std::mt19937_64 random(11);
  int found = 0;
  int of_roots = 0;
  for (int i = 0; i < 1'000; ++i) {
    pqxx::work tx(connection_);
    const bool is_of_root = random() % 3 == 0;
    of_roots += is_of_root;
    const std::string change = is_of_root ? TamperWithRoots(random) : TamperWithLinks(tx, random);
    ASSERT_GE(tx.exec(change).affected_rows(), 1u) << change;
    const bool seen = !FaultsSeenIn(tx).empty();
    EXPECT_TRUE(seen) << change;
    found += seen;
    tx.abort();
  }
  EXPECT_EQ(found, 1'000);
  EXPECT_GT(of_roots, 250);
  RecordProperty("tampers_found", found);
  RecordProperty("tampers_of_roots", of_roots);
}

// The newest links with the roots over them: what is left agrees with itself, and ends earlier.
TEST_F(TamperTest, TruncationShowsByTheDateOfTheNewestRoot) {
  pqxx::work tx(connection_);
  tx.exec(fmt::format("delete from audit_root where study_id = '{}' and number > 3",
                      study_.ToString()));
  for (const ParticipantId participant : people_) {
    tx.exec(
        fmt::format("delete from audit where subject = '{}' and seq > 7", participant.ToString()));
  }
  EXPECT_THAT(FaultsSeenIn(tx), IsEmpty());
  EXPECT_EQ(newest_day_, Today() - 3);
}

// Links that are computed anew from a changed one on agree with each other, and not with the root.
TEST_F(TamperTest, AChainThatIsComputedAnewMissesTheSignedEnd) {
  pqxx::work tx(connection_);
  const pqxx::result rows =
      tx.exec_prepared(sql::kListAuditOfSubject.name, study_.ToString(), 0, 100);
  Sha256Digest prev = AuditChainBegin(study_.uuid);
  for (const pqxx::row& row : rows) {
    AuditChainLink link = *AuditLinkOfRow(row);
    link.recorded_at_us += 1;
    link.prev_hash = AsView(prev);
    prev = AuditLinkHash(link);
    tx.exec_params(
        "update audit set recorded_at = recorded_at + interval '1 microsecond', prev_hash = $3 "
        "where subject = $1::uuid and seq = $2",
        study_.ToString(), link.seq, db::Bytea(link.prev_hash));
  }
  EXPECT_THAT(FaultsSeenIn(tx), Not(IsEmpty()));
}

TEST_F(TamperTest, TheFirstRootOfADayStays) {
  const auto roots = [&] {
    int64_t number = 0;
    const auto all = AuditLog(context_).RootsAfter(ManagerCall(study_), number);
    EXPECT_THAT(all, IsOk());
    return *all;
  };
  const std::vector<v1::AuditRoot> before = roots();
  ASSERT_EQ(before.size(), static_cast<size_t>(kRoots));
  ASSERT_THAT(Append(people_[0], "later"), IsOk());
  Sign();
  EXPECT_EQ(roots().size(), before.size());
  EXPECT_EQ(roots().back().SerializeAsString(), before.back().SerializeAsString());
  clock_.Advance(absl::Hours(24));
  Sign();
  EXPECT_EQ(roots().size(), before.size() + 1);
}

// A root names a bounded number of chains; what does not fit stands in the next one of the day.
TEST_F(TamperTest, ManyChainsAreSignedInSeveralRoots) {
  clock_.Advance(absl::Hours(24));
  AppendEverywhere();
  Sign(2);
  pqxx::work tx(connection_);
  EXPECT_THAT(FaultsSeenIn(tx), IsEmpty());
  std::vector<int> heads;
  std::set<std::string> subjects;
  for (const pqxx::row& row : tx.exec_params(
           "select heads from audit_root where study_id = $1 and utc_day = $2 order by number",
           study_.ToString(), Today())) {
    v1::AuditRoot root;
    ASSERT_TRUE(root.ParseFromString(db::BytesOf(row[0])));
    heads.push_back(root.heads_size());
    for (int i = 1; i < root.heads_size(); ++i) subjects.insert(root.heads(i).subject());
  }
  // The study, the participant of every test and three people, and the root before each.
  EXPECT_THAT(heads, testing::ElementsAre(3, 3, 2));
  EXPECT_EQ(subjects.size(), 5u);
}

// Whoever makes the newest root unreadable does not end the signing.
TEST_F(TamperTest, SigningGoesOnAfterADamagedRoot) {
  support::TestDatabase::Shared().Execute(
      fmt::format("update audit_root set heads = '\\xff' where study_id = '{}' and number = {}",
                  study_.ToString(), kRoots));
  clock_.Advance(absl::Hours(24));
  Sign();
  pqxx::work tx(connection_);
  EXPECT_THAT(FaultsSeenIn(tx), Not(IsEmpty()));
  EXPECT_EQ(newest_day_, Today());
}

TEST_F(TamperTest, ServersThatSignAtOnceMakeOneRoot) {
  clock_.Advance(absl::Hours(24));
  std::vector<std::thread> servers;
  for (int i = 0; i < 3; ++i) servers.emplace_back([&] { Sign(); });
  for (std::thread& server : servers) server.join();
  pqxx::work tx(connection_);
  EXPECT_THAT(FaultsSeenIn(tx), IsEmpty());
  EXPECT_EQ(
      tx.exec_params("select count(*) from audit_root where study_id = $1", study_.ToString())[0][0]
          .as<int>(),
      kRoots + 1);
}

TEST_F(AuditTest, BodiesAreSealedAndOpenForTheirReader) {
  ASSERT_THAT(Append("one"), IsOk());
  pqxx::connection connection(support::TestDatabase::Shared().SuperuserDsn());
  pqxx::nontransaction tx(connection);
  for (const pqxx::row& row :
       tx.exec(fmt::format("select body from audit where study_id = '{}'", study_.ToString()))) {
    EXPECT_THAT(db::BytesOf(row[0]), Not(HasSubstr("action")));
  }
  const auto links = AllLinks();
  ASSERT_EQ(links.size(), 3u);  // the study's and the participant's creation, and one
  for (const v1::AuditLink& link : links) {
    EXPECT_THAT(link.body(), HasSubstr("\"action\""));
    EXPECT_EQ(AsView(Sha256(link.body())), link.body_hash());
  }
}

TEST_F(AuditTest, LinksAreListedBySubjectInPages) {
  for (int i = 0; i < 4; ++i) ASSERT_THAT(Append("many"), IsOk());
  v1::ListAuditRequest request;
  request.set_participant_id(participant_.ToString());
  request.set_page_size(2);
  std::vector<int64_t> numbers;
  do {
    const auto page = AuditLog(context_).List(ManagerCall(study_), request);
    ASSERT_THAT(page, IsOk());
    for (const v1::AuditLink& link : page->links()) numbers.push_back(link.seq());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(numbers, testing::ElementsAre(1, 2, 3, 4, 5));
  request.set_participant_id(MakeParticipant(MakeStudy()).ToString());
  EXPECT_EQ(rpc::ReasonOf(AuditLog(context_).List(ManagerCall(study_), request).status()),
            v1::ERROR_REASON_NOT_FOUND);
}

class AuditCrowdTest : public AuditTest {
 protected:
  static constexpr int kWriters = 24;
  static constexpr int kEach = 50;

  // Runs `write(tx, writer)` kEach times in every one of kWriters threads, in transactions that see
  // the whole study. A transaction that had to be run again counts as a failure.
  template <class Write>
  void Crowd(Write write) {
    std::vector<std::thread> writers;
    for (int w = 0; w < kWriters; ++w) {
      writers.emplace_back([&, w] {
        for (int n = 0; n < kEach; ++n) {
          int runs = 0;
          const absl::Status wrote =
              db::RunInTransaction(crowd_pool_, "crowd", db::AccessScope::Study(study_),
                                   absl::Now() + absl::Seconds(120), [&](db::Transaction& tx) {
                                     ++runs;
                                     return write(tx, w);
                                   });
          failures_ += !wrote.ok() || runs != 1;
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
  }
  absl::Status AppendIn(db::Transaction& tx, ParticipantId participant) {
    return AppendAudit(tx, *keys_, clock_, {participant.uuid, study_, "crowd", manager_, {}});
  }
  // How many links the chain has, every one of them in its place.
  int WholeLinks(ParticipantId participant) {
    AuditChainChecker checker;
    for (const v1::AuditLink& link : AllLinks()) {
      if (link.subject() != participant.ToString()) continue;
      const auto chained = rpc::ChainLinkOf(study_.uuid, link);
      EXPECT_THAT(chained, IsOk());
      checker.Add(*chained);
    }
    EXPECT_THAT(checker.faults(), IsEmpty());
    return static_cast<int>(checker.links());
  }

  db::Pool crowd_pool_{{.dsn = support::TestDatabase::Shared().Dsn("tm_app"),
                        .connections_max = kWriters,
                        .statements = {sql::kAllStatements}}};
  std::atomic<int> failures_ = 0;
};

TEST_F(AuditCrowdTest, ManyWritersToOneSubjectLoseNothing) {
  Crowd([&](db::Transaction& tx, int /*writer*/) { return AppendIn(tx, participant_); });
  EXPECT_EQ(failures_, 0);
  EXPECT_EQ(WholeLinks(participant_), 1 + kWriters * kEach);
}

TEST_F(AuditCrowdTest, TransactionsAboutTwoSubjectsDoNotLockEachOtherOut) {
  const ParticipantId other = MakeParticipant(study_, "p2");
  const std::vector<Uuid> both = {participant_.uuid, other.uuid};
  const auto low = ParticipantId{std::min(participant_.uuid, other.uuid)};
  const auto high = ParticipantId{std::max(participant_.uuid, other.uuid)};
  Crowd([&](db::Transaction& tx, int writer) -> absl::Status {
    // Some in the order of the ids, some as they like under the locks of both.
    const bool in_order = writer % 3 == 0;
    if (!in_order) LockAuditSubjects(tx, both);
    const bool low_first = in_order || writer % 3 == 1;
    TM_RETURN_IF_ERROR(AppendIn(tx, low_first ? low : high));
    return AppendIn(tx, low_first ? high : low);
  });
  EXPECT_EQ(failures_, 0);
  EXPECT_EQ(WholeLinks(participant_), 1 + kWriters * kEach);
  EXPECT_EQ(WholeLinks(other), 1 + kWriters * kEach);
}

TEST_F(AuditTest, ApplicationCannotChangeWhatStands) {
  for (const char* sql : {"update audit set body = null", "delete from audit",
                          "update audit_root set key_id = ''", "delete from audit_root"}) {
    pqxx::connection connection(support::TestDatabase::Shared().Dsn("tm_app"));
    pqxx::work tx(connection);
    EXPECT_THROW(tx.exec(sql), pqxx::insufficient_privilege) << sql;
  }
}

}  // namespace
}  // namespace tidemark::study
