#include <fmt/format.h>

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
      entry.mutable_attributes()->set_wrist_mm(150 + static_cast<uint32_t>(i));
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
  EXPECT_THAT(status.message(), HasSubstr("p002"));
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

}  // namespace
}  // namespace tidemark::study
