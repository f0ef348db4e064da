#include <fstream>

#include "store/key_files.h"
#include "study/audit_log.h"
#include "study/evidence.h"
#include "study/installation.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;
using testing::HasSubstr;

// What a rotation meets at the changes it makes to the disk.
int changes_seen = 0;
int transactions_seen = 0;

void LookAtTransactions(std::string_view /*change*/) {
  ++changes_seen;
  transactions_seen += std::stoi(support::TestDatabase::Shared().QueryValue(
      "select count(*) from pg_stat_activity where datname = current_database()"
      " and state like 'idle in transaction%'"));
}

class InstallationTest : public StudyFixture {
 protected:
  ~InstallationTest() override { store::SetKeyFileHook(nullptr); }

  absl::StatusOr<v1::RotateKeyEncryptionKeyResponse> Rotate(const std::string& request_id) {
    v1::RotateKeyEncryptionKeyRequest request;
    request.set_request_id(request_id);
    return Installation(context_).RotateKeyEncryptionKey(OperatorCall(), request);
  }
  std::string Kek() const {
    std::ifstream file(folder_ / "kek");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  int RotationsInEvidenceOf(StudyId chain) {
    int rotations = 0;
    AuditCursor cursor;
    Call call = ManagerCall(chain);
    while (true) {
      const auto links = AuditLog(context_).LinksAfter(call, cursor);
      EXPECT_THAT(links, IsOk());
      if (!links.ok() || links->empty()) return rotations;
      for (const v1::AuditLink& link : *links) {
        rotations += link.body().find("\"key.rotate\"") != std::string::npos;
      }
    }
  }

  const StudyId study_ = MakeStudy();
};

TEST_F(InstallationTest, TheSameRotationIsDoneOnceAndRecordedOnce) {
  const std::string before = Kek();
  const std::string request = NewRequestId();
  const auto first = Rotate(request);
  ASSERT_THAT(first, IsOk());
  EXPECT_GE(first->keys_rewrapped(), 3u);  // the check, and the keys of memory and evidence
  const std::string after = Kek();
  EXPECT_NE(after, before);
  const auto again = Rotate(request);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->keys_rewrapped(), first->keys_rewrapped());
  EXPECT_EQ(Kek(), after);
  EXPECT_EQ(RotationsInEvidenceOf(study_), 1);
  ASSERT_THAT(Rotate(NewRequestId()), IsOk());
  EXPECT_NE(Kek(), after);
  EXPECT_EQ(RotationsInEvidenceOf(study_), 2);
}

TEST_F(InstallationTest, NoTransactionIsOpenWhileKeysAreWrapped) {
  changes_seen = transactions_seen = 0;
  store::SetKeyFileHook(LookAtTransactions);
  ASSERT_THAT(Rotate(NewRequestId()), IsOk());
  store::SetKeyFileHook(nullptr);
  EXPECT_GT(changes_seen, 10);
  EXPECT_EQ(transactions_seen, 0);
}

// Nothing is remembered of a rotation that failed: the same request goes on with it.
TEST_F(InstallationTest, ARotationThatFailedGoesOnWithTheSameRequest) {
  const std::string request = NewRequestId();
  const std::filesystem::path file = folder_ / "service" / "audit";
  std::string bytes;
  {
    std::ifstream in(file, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  std::ofstream(file, std::ios::binary) << "damaged";
  const auto failed = Rotate(request);
  EXPECT_THAT(failed, support::StatusIs(absl::StatusCode::kDataLoss, HasSubstr("rotate again")));
  std::ofstream(file, std::ios::binary) << bytes;
  EXPECT_EQ(RotationsInEvidenceOf(study_), 0);
  ASSERT_THAT(Rotate(request), IsOk());
  EXPECT_EQ(RotationsInEvidenceOf(study_), 1);
}

}  // namespace
}  // namespace tidemark::study
