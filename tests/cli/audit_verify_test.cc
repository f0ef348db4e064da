#include "cli/audit_verify.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "base/base64.h"
#include "base/rpc/audit_messages.h"
#include "tests/store/temporary_folder.h"
#include "tests/support/status_matchers.h"

namespace tidemark::cli {
namespace {

using support::IsOk;
using support::StatusIs;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int32_t kFirstSignedDay = 20'000;  // 2024-10-04

// The evidence of a study as a server would export it: one chain, a link and a root a day.
class AuditVerifyTest : public testing::Test {
 protected:
  AuditVerifyTest() { keys_.emplace("k", key_.Public()); }

  void AddDays(int days) {
    for (int i = 0; i < days; ++i) {
      AddLink();
      AddRoot();
    }
  }
  void AddLink() {
    v1::AuditLink& link = *evidence_.add_links();
    link.set_subject(study_.ToString());
    link.set_seq(evidence_.links_size());
    link.set_prev_hash(std::string(AsView(link_hash_)));
    link.set_body(fmt::format(R"({{"action":"step","number":{}}})", link.seq()));
    link.set_body_hash(std::string(AsView(Sha256(link.body()))));
    link.mutable_recorded_at()->set_seconds(int64_t{86'400} * Day());
    link.mutable_recorded_at()->set_nanos(7'000);
    link.set_version(2);
    link_hash_ = AuditLinkHash(*rpc::ChainLinkOf(study_, link));
  }
  void AddRoot() {
    v1::AuditRoot& root = *evidence_.add_roots();
    root.set_utc_day(Day() - 1);
    root.set_key_id("k");
    rpc::AddAuditHead(HeadOfRootBefore(end_), root);
    rpc::AddAuditHead({study_, evidence_.links_size(), link_hash_}, root);
    const AuditRootContent content = *rpc::RootContentOf(root);
    root.set_signature(key_.Sign(AuditRootMessage(study_, root.utc_day(), content.heads)));
    end_ = EndOfRoot(study_, evidence_.roots_size(), content);
  }
  // Of the next root.
  int32_t Day() const { return kFirstSignedDay + evidence_.roots_size(); }

  // As `tidemark audit export` writes it.
  std::string Keep() const {
    std::string path = temporary_.path() + "/kept.jsonl";
    std::ofstream file(path);
    for (const v1::AuditLink& link : evidence_.links()) {
      file << fmt::format(R"({{"subject":"{}","seq":{},"prev_hash":"{}","body_hash":"{}"}})"
                          "\n",
                          link.subject(), link.seq(), HexEncode(link.prev_hash()),
                          HexEncode(link.body_hash()));
    }
    for (const v1::AuditRoot& root : evidence_.roots()) {
      file << fmt::format(R"({{"utc_day":{},"signature":"{}"}})"
                          "\n",
                          root.utc_day(), HexEncode(root.signature()));
    }
    return path;
  }
  // Faults on the day of the newest root that was ever made, against an export if there is one.
  std::vector<std::string> FaultsOf(const std::string& kept_path = "") {
    std::optional<KeptExport> kept;
    if (!kept_path.empty()) kept = *KeptExport::Read(kept_path);
    EvidenceCheck check(study_, keys_, kept ? &*kept : nullptr);
    EXPECT_THAT(check.Add(evidence_), IsOk());
    newest_root_ = check.newest_root();
    return check.Faults(absl::UnixEpoch() + absl::Hours(24) * today_ + absl::Minutes(30));
  }
  absl::Status ReadKept(const std::string& text) {
    const std::string path = temporary_.path() + "/bad.jsonl";
    std::ofstream(path) << text;
    return KeptExport::Read(path).status();
  }

  store::TemporaryFolder temporary_;
  const Uuid study_ = Uuid::MakeRandom();
  const SigningKey key_ = SigningKey::GenerateEd25519();
  ingest::ReceiptKeys keys_;
  v1::ExportAuditResponse evidence_;
  Sha256Digest link_hash_ = AuditChainBegin(study_);
  AuditRootEnd end_;
  int32_t today_ = kFirstSignedDay + 9;
  std::string newest_root_;
};

TEST_F(AuditVerifyTest, WholeEvidenceIsWhole) {
  AddDays(5);
  const std::string kept = Keep();
  AddDays(5);
  EXPECT_THAT(FaultsOf(), IsEmpty());
  EXPECT_EQ(newest_root_, "2024-10-13");
  EXPECT_THAT(FaultsOf(kept), IsEmpty());
}

// The newest links, with the roots over them.
TEST_F(AuditVerifyTest, AKeptExportShowsTruncation) {
  today_ -= 1;
  AddDays(10);
  const std::string kept = Keep();
  evidence_.mutable_links()->DeleteSubrange(8, 2);
  evidence_.mutable_roots()->DeleteSubrange(8, 2);
  EXPECT_THAT(FaultsOf(kept),
              ElementsAre(HasSubstr("ends before link 9"), HasSubstr("2 of the 10 roots")));
  // Without one, the date does an hour after the next midnight.
  EXPECT_THAT(FaultsOf(), IsEmpty());
  EXPECT_EQ(newest_root_, "2024-10-11");
  today_ += 1;
  EXPECT_THAT(FaultsOf(), ElementsAre(HasSubstr("nothing is signed since 2024-10-11")));
}

TEST_F(AuditVerifyTest, AKeptExportShowsWhatWasComputedAnewAndSignedAnew) {
  AddDays(10);
  const std::string kept = Keep();
  evidence_.Clear();
  link_hash_ = AuditChainBegin(study_);
  end_ = {};
  AddLink();
  evidence_.mutable_links(0)->set_body("{}");
  evidence_.mutable_links(0)->set_body_hash(std::string(AsView(Sha256("{}"))));
  link_hash_ = AuditLinkHash(*rpc::ChainLinkOf(study_, evidence_.links(0)));
  AddRoot();
  AddDays(9);
  EXPECT_THAT(FaultsOf(), IsEmpty());
  EXPECT_THAT(FaultsOf(kept), ElementsAre(HasSubstr("link 1 is not the one of the export"),
                                          HasSubstr("root 1 is not the one of the export")));
}

TEST_F(AuditVerifyTest, RootsAndBodiesAreHeldAgainstTheirSignatures) {
  AddDays(10);
  const v1::ExportAuditResponse whole = evidence_;
  evidence_.mutable_roots()->DeleteSubrange(4, 1);
  EXPECT_THAT(FaultsOf(), ElementsAre(HasSubstr("removed or altered")));
  evidence_ = whole;
  evidence_.mutable_roots(3)->set_key_id("another");
  EXPECT_THAT(FaultsOf(), ElementsAre(HasSubstr("2024-10-07 is not signed")));
  evidence_ = whole;
  evidence_.mutable_links(2)->set_body("{}");
  EXPECT_THAT(FaultsOf(), ElementsAre(HasSubstr("not the one that was recorded")));
  evidence_ = whole;
  evidence_.mutable_links(2)->set_erased(true);
  EXPECT_THAT(FaultsOf(), ElementsAre(HasSubstr("no erasure was recorded")));
}

TEST_F(AuditVerifyTest, AFileThatIsNoExportIsRefused) {
  EXPECT_THAT(KeptExport::Read(temporary_.path() + "/none").status(),
              StatusIs(absl::StatusCode::kInvalidArgument));
  const std::string link = R"({"subject":"s","seq":1,"prev_hash":"00","body_hash":"00"})";
  EXPECT_THAT(ReadKept(link + "\n"), IsOk());
  for (const std::string& text :
       {std::string("{"), std::string("7"), std::string("{}"), link + "\n" + link,
        std::string(R"({"subject":"s","seq":1,"prev_hash":"0g","body_hash":"00"})"),
        std::string(R"({"signature":7})"), std::string("\n")}) {
    EXPECT_THAT(ReadKept(text + "\n"),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("bad.jsonl:")))
        << text;
  }
}

}  // namespace
}  // namespace tidemark::cli
