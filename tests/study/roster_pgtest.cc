#include <fmt/format.h>

#include <thread>

#include "study/participants.h"
#include "study/roster.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;
using testing::HasSubstr;

class RosterTest : public StudyFixture {
 protected:
  v1::ImportRosterRequest Request(int count) const {
    v1::ImportRosterRequest request;
    request.set_request_id(NewRequestId());
    request.set_study_id(study_.ToString());
    for (int i = 0; i < count; ++i) {
      v1::RosterEntry& entry = *request.add_entries();
      entry.set_code(fmt::format("p{:03}", i));
      entry.add_consented(v1::DATA_KIND_MOTION);
      entry.set_document("ICF-1");
      entry.mutable_attributes()->set_wrist_mm(150 + static_cast<uint32_t>(i % 100));
    }
    return request;
  }
  absl::StatusOr<v1::ImportRosterResponse> Import(v1::ImportRosterRequest request) {
    request.set_request_id(NewRequestId());
    return roster_.Import(ManagerCall(study_), request);
  }
  int CountParticipants() {
    v1::ListParticipantsRequest request;
    request.set_page_size(1000);
    return Studies(context_).ListParticipants(ManagerCall(study_), request)->participants_size();
  }

  const Roster roster_{context_};
  const StudyId study_ = MakeStudy();
};

TEST_F(RosterTest, EntersPeopleWithConsentAndAttributes) {
  const auto made = Import(Request(20));
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->created(), 20u);
  const ParticipantId last = *ParticipantId::Parse(made->participants(19).participant_id());
  const auto found = Participants(context_).Get(ManagerCall(study_, last), {});
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->participant().code(), "p019");
  ASSERT_EQ(found->consents_size(), 1);
  EXPECT_EQ(found->consents(0).data_kind(), v1::DATA_KIND_MOTION);
  EXPECT_EQ(found->attributes().wrist_mm(), 169u);
}

TEST_F(RosterTest, ConsentBeginsWhenTheRosterSays) {
  v1::ImportRosterRequest request = Request(1);
  request.mutable_entries(0)->set_consented_from_ns(12'345);
  const auto made = Import(request);
  ASSERT_THAT(made, IsOk());
  const ParticipantId id = *ParticipantId::Parse(made->participants(0).participant_id());
  EXPECT_EQ(Participants(context_).Get(ManagerCall(study_, id), {})->consents(0).valid_from_ns(),
            12'345);
  EXPECT_THAT(Import(request), IsOk()) << "the same entry again";
  request.mutable_entries(0)->set_consented_from_ns(12'346);
  EXPECT_TRUE(absl::IsAlreadyExists(Import(request).status()));
}

// What a client that was killed in the middle of a roster does: all of it again.
TEST_F(RosterTest, TheSameRosterAgainEntersOnlyWhatIsMissing) {
  const auto first = Import(Request(5));
  ASSERT_THAT(first, IsOk());
  const auto again = Import(Request(8));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->created(), 3u);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(again->participants(i).participant_id(), first->participants(i).participant_id());
  }
  EXPECT_EQ(CountParticipants(), 8);
}

TEST_F(RosterTest, ACodeWithOtherContentStopsTheWholeImport) {
  ASSERT_THAT(Import(Request(3)), IsOk());
  v1::ImportRosterRequest changed = Request(6);
  changed.mutable_entries(2)->add_consented(v1::DATA_KIND_AUDIO);
  const absl::Status status = Import(changed).status();
  EXPECT_EQ(rpc::ReasonOf(status), v1::ERROR_REASON_ALREADY_EXISTS);
  EXPECT_THAT(status.message(), HasSubstr("entries[2].code"));
  EXPECT_EQ(CountParticipants(), 3);
}

TEST_F(RosterTest, EveryWrongEntryIsNamedAndNothingIsEntered) {
  v1::ImportRosterRequest request = Request(6);
  request.mutable_entries(1)->set_code("no spaces");
  request.mutable_entries(3)->set_code("p000");
  request.mutable_entries(4)->clear_document();
  request.mutable_entries(5)->mutable_attributes()->set_wrist_mm(1);
  const absl::Status status = Import(request).status();
  EXPECT_EQ(rpc::ReasonOf(status), v1::ERROR_REASON_FIELD_INVALID);
  for (const char* field : {"entries[1].code", "entries[3].code", "entries[4].document",
                            "entries[5].attributes.wrist_mm"}) {
    EXPECT_THAT(status.message(), HasSubstr(field));
  }
  EXPECT_EQ(CountParticipants(), 0);
  EXPECT_EQ(rpc::ReasonOf(Import(Request(0)).status()), v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(rpc::ReasonOf(Import(Request(kRosterEntriesMax + 1)).status()),
            v1::ERROR_REASON_FIELD_INVALID);
}

// Far too many at once, and text that is none.
TEST_F(RosterTest, WhatCannotBeEnteredNamesItsLimitAndLeavesNothing) {
  const absl::Status status = Import(Request(100'000)).status();
  EXPECT_EQ(rpc::ReasonOf(status), v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_THAT(status.message(), HasSubstr("entries: has 1 to 1000 entries"));
  v1::ImportRosterRequest latin1 = Request(3);
  latin1.mutable_entries(1)->set_code("K\xE4the");
  EXPECT_THAT(Import(latin1).status().message(), HasSubstr("entries[1].code"));
  EXPECT_EQ(CountParticipants(), 0);
}

// The connection dies while a roster is half entered.
class CutRosterTest : public RosterTest {
 protected:
  // Somebody enters a participant of the same code and takes their time: the import waits there.
  class Rival {
   public:
    Rival(StudyId study, const std::string& code)
        : connection_(support::TestDatabase::Shared().SuperuserDsn()), tx_(connection_) {
      tx_.exec_params(
          "insert into participant_directory (study_id, code, participant_id) values ($1::uuid, "
          "$2, gen_random_uuid())",
          study.ToString(), code);
    }
    // Ends the session that waits for this one, once there is one; false if there never is.
    bool EndWaiter() {
      // On a connection of its own and outside of transactions: within one, the list of sessions
      // does not change.
      pqxx::connection connection(support::TestDatabase::Shared().SuperuserDsn());
      pqxx::nontransaction tx(connection);
      const absl::Time give_up = absl::Now() + absl::Seconds(15);
      while (absl::Now() < give_up) {
        const auto ended = tx.exec_params(
            "select pg_terminate_backend(pid) from pg_stat_activity where $1::int = "
            "any(pg_blocking_pids(pid))",
            connection_.backendpid());
        if (!ended.empty()) return true;
      }
      return false;
    }

   private:
    pqxx::connection connection_;
    pqxx::work tx_;
  };
};

TEST_F(CutRosterTest, LeavesNothingAndComesAgainWhole) {
  const v1::ImportRosterRequest request = Request(30);
  absl::Status cut;
  {
    Rival rival(study_, "p020");
    std::thread import([&] { cut = roster_.Import(ManagerCall(study_), request).status(); });
    EXPECT_TRUE(rival.EndWaiter());
    import.join();
  }
  EXPECT_EQ(cut.code(), absl::StatusCode::kUnavailable) << cut;
  EXPECT_EQ(CountParticipants(), 0);
  const auto again = roster_.Import(ManagerCall(study_), request);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->created(), 30u);
  EXPECT_EQ(CountParticipants(), 30);
}

}  // namespace
}  // namespace tidemark::study
