#include <fmt/format.h>

#include <pqxx/pqxx>
#include <random>
#include <thread>

#include "base/audit_chain.h"
#include "study/audit.h"
#include "study/audit_log.h"
#include "study/receipt_keys.h"
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

// What an auditor with the rows and the keys of the server finds: the table as a superuser sees it
// inside one transaction, so that every tamper can be taken back.
class TamperTest : public AuditTest {
 protected:
  TamperTest() : connection_(support::TestDatabase::Shared().SuperuserDsn()) {
    for (const db::Statement& statement : sql::kAllStatements) {
      connection_.prepare(statement.name, statement.text);
    }
    for (int p = 0; p < 3; ++p) {
      const ParticipantId participant = MakeParticipant(study_, fmt::format("t{}", p));
      for (int i = 0; i < 8; ++i) EXPECT_THAT(Append(participant, "step"), IsOk());
    }
    const auto pem = keys_->ReceiptKeyPem();
    EXPECT_THAT(pem, IsOk());
    key_.emplace(*SigningKey::FromPem(*pem));
    EXPECT_THAT(SignAuditRoots(context_, *key_, "k", Deadline()), IsOk());
    roots_ = *AuditLog(context_).RootsAfter(ManagerCall(study_), 0);
  }

  std::vector<std::string> FaultsSeenIn(pqxx::work& tx) {
    AuditChainChecker checker;
    std::vector<std::string> faults;
    for (const pqxx::row& row : tx.exec_prepared(sql::kListAuditOfStudy.name, study_.ToString(),
                                                 Uuid().ToString(), 0, 1'000'000)) {
      const auto link = AuditLinkOfRow(row);
      if (!link.ok()) return {"a row cannot be read"};
      checker.Add(*link);
      const auto body = row["body"].is_null() ? absl::StatusOr<std::optional<std::string>>("")
                                              : OpenAuditBody(*keys_, link->subject, link->study_id,
                                                              link->seq, db::BytesOf(row["body"]));
      if (body.ok() && *body) {
        checker.CheckBody(*link, **body);
      } else {
        faults.push_back("a body cannot be opened");
      }
    }
    for (const v1::AuditRoot& root : roots_) CheckRoot(checker, root, faults);
    faults.insert(faults.end(), checker.faults().begin(), checker.faults().end());
    return faults;
  }
  void CheckRoot(AuditChainChecker& checker, const v1::AuditRoot& root,
                 std::vector<std::string>& faults) const {
    std::vector<AuditChainHead> heads;
    for (const v1::AuditHead& signed_head : root.heads()) {
      AuditChainHead& head = heads.emplace_back();
      head.subject = *Uuid::FromBytes(signed_head.subject());
      head.seq = signed_head.seq();
      std::copy(signed_head.link_hash().begin(), signed_head.link_hash().end(),
                head.link_hash.begin());
      checker.CheckHead(root.utc_day(), head);
    }
    if (!key_->Public().Verify(AuditRootMessage(study_.uuid, root.utc_day(), heads),
                               root.signature())) {
      faults.push_back("the root is not signed");
    }
  }

  // One change of one or two rows, as somebody with all rights to the table would make it.
  std::string Tamper(pqxx::work& tx, std::mt19937_64& random) {
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

  pqxx::connection connection_;
  std::optional<SigningKey> key_;
  std::vector<v1::AuditRoot> roots_;
};

TEST_F(TamperTest, AThousandTampersAreAllFound) {
  {
    pqxx::work tx(connection_);
    EXPECT_THAT(FaultsSeenIn(tx), IsEmpty());
  }
  std::mt19937_64 random(11);
  int found = 0;
  for (int i = 0; i < 1'000; ++i) {
    pqxx::work tx(connection_);
    const std::string change = Tamper(tx, random);
    ASSERT_EQ(tx.exec(change).affected_rows(), 1u) << change;
    const bool seen = !FaultsSeenIn(tx).empty();
    EXPECT_TRUE(seen) << change;
    found += seen;
    tx.abort();
  }
  EXPECT_EQ(found, 1'000);
  RecordProperty("tampers_found", found);
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
  ASSERT_THAT(Append("later"), IsOk());
  ASSERT_THAT(SignAuditRoots(context_, *key_, "k", Deadline()), IsOk());
  const auto roots = AuditLog(context_).RootsAfter(ManagerCall(study_), 0);
  ASSERT_THAT(roots, IsOk());
  ASSERT_EQ(roots->size(), 1u);
  EXPECT_EQ((*roots)[0].SerializeAsString(), roots_[0].SerializeAsString());
  clock_.Advance(absl::Hours(24));
  ASSERT_THAT(SignAuditRoots(context_, *key_, "k", Deadline()), IsOk());
  EXPECT_EQ(AuditLog(context_).RootsAfter(ManagerCall(study_), 0)->size(), 2u);
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

TEST_F(AuditTest, ConcurrentWritersMakeOneChain) {
  std::vector<std::thread> writers;
  std::atomic<int> failures = 0;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&] {
      for (int n = 0; n < 5; ++n) failures += !Append("many").ok();
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(AllLinks().size(), 22u);
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
