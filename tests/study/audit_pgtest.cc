#include <pqxx/pqxx>
#include <thread>

#include "base/endian.h"
#include "store/envelope.h"
#include "study/audit.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

struct Link {
  int64_t seq;
  std::string prev_hash, body_hash, body;
};

class AuditTest : public StudyFixture {
 protected:
  absl::Status Append(const std::string& action) {
    return db::Transact(
        pool_, "test", db::AccessScope::Participant(participant_), Deadline(),
        [&](db::Transaction& tx) {
          return AppendAudit(tx, *keys_, clock_, {participant_.uuid, study_, action, manager_, {}});
        });
  }
  std::vector<Link> Chain(const Uuid& subject) {
    pqxx::connection connection(support::TestDatabase::Shared().SuperuserDsn());
    pqxx::nontransaction tx(connection);
    std::vector<Link> chain;
    for (const auto& row :
         tx.exec("select seq, prev_hash, body_hash, body from audit where subject = '" +
                 subject.ToString() + "' order by seq")) {
      chain.push_back(
          {row[0].as<int64_t>(), db::BytesOf(row[1]), db::BytesOf(row[2]), db::BytesOf(row[3])});
    }
    return chain;
  }
  // The first number at which the chain breaks; 0 if it holds.
  static int64_t FirstBreak(const Uuid& subject, const std::vector<Link>& chain) {
    Link before{0, "", "", ""};
    for (const Link& link : chain) {
      const Sha256Digest expected =
          AuditLinkHash(subject, before.seq, before.prev_hash, before.body_hash);
      if (link.seq != before.seq + 1 || link.prev_hash != AsView(expected)) return link.seq;
      before = link;
    }
    return 0;
  }

  const StudyId study_ = MakeStudy();
  const ParticipantId participant_ = MakeParticipant(study_);
};

TEST_F(AuditTest, ChainHoldsAndBodiesOpenWithTheParticipantsKey) {
  ASSERT_THAT(Append("one"), IsOk());
  ASSERT_THAT(Append("two"), IsOk());
  const std::vector<Link> chain = Chain(participant_.uuid);
  ASSERT_EQ(chain.size(), 3u);  // with the participant's creation
  EXPECT_EQ(FirstBreak(participant_.uuid, chain), 0);
  std::string row_key;
  AppendLe(row_key, chain[2].seq);
  TM_ASSERT_OK_AND_ASSIGN(
      const auto opened,
      store::OpenEnvelope(*keys_, {"audit.body", participant_, row_key}, {}, chain[2].body));
  EXPECT_THAT(opened.plain, HasSubstr("\"two\""));
  const Sha256Digest hash = Sha256(opened.plain);
  EXPECT_EQ(AsView(hash), chain[2].body_hash);
}

TEST_F(AuditTest, AlteredRemovedOrSwappedLinksAreSeen) {
  for (const char* action : {"one", "two", "three"}) ASSERT_THAT(Append(action), IsOk());
  const std::vector<Link> chain = Chain(participant_.uuid);
  std::vector<Link> altered = chain;
  altered[1].body_hash[0] ^= 1;
  EXPECT_EQ(FirstBreak(participant_.uuid, altered), 3);
  std::vector<Link> removed = chain;
  removed.erase(removed.begin() + 1);
  EXPECT_EQ(FirstBreak(participant_.uuid, removed), 3);
  std::vector<Link> swapped = chain;
  std::swap(swapped[1].body_hash, swapped[2].body_hash);
  EXPECT_NE(FirstBreak(participant_.uuid, swapped), 0);
  EXPECT_NE(FirstBreak(study_.uuid, chain), 0);
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
  const std::vector<Link> chain = Chain(participant_.uuid);
  EXPECT_EQ(chain.size(), 21u);
  EXPECT_EQ(FirstBreak(participant_.uuid, chain), 0);
}

TEST_F(AuditTest, ApplicationCannotChangeWhatStands) {
  for (const char* sql : {"update audit set body = null", "delete from audit"}) {
    pqxx::connection connection(support::TestDatabase::Shared().Dsn("tm_app"));
    pqxx::work tx(connection);
    EXPECT_THROW(tx.exec(sql), pqxx::insufficient_privilege) << sql;
  }
}

TEST_F(AuditTest, StudyHasAChainToo) {
  const std::vector<Link> chain = Chain(study_.uuid);
  ASSERT_EQ(chain.size(), 1u);
  EXPECT_EQ(FirstBreak(study_.uuid, chain), 0);
  EXPECT_THAT(chain[0].body, Not(HasSubstr("study.create")));
}

}  // namespace
}  // namespace tidemark::study
