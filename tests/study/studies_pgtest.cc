#include "study/participants.h"
#include "study/studies.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;
using ::testing::ElementsAre;

class StudiesTest : public StudyFixture {
 protected:
  absl::StatusOr<v1::CreateStudyResponse> Create(const std::string& name,
                                                 const std::string& id = NewRequestId()) {
    v1::CreateStudyRequest request;
    request.set_request_id(id);
    request.set_name(name);
    return studies_.Create(OperatorCall(), request);
  }
  absl::StatusOr<v1::CreateParticipantResponse> Enter(StudyId study, const std::string& code) {
    v1::CreateParticipantRequest request;
    request.set_request_id(NewRequestId());
    request.set_study_id(study.ToString());
    request.set_code(code);
    return studies_.CreateParticipant(ManagerCall(study), request);
  }
  static std::string NewName() { return "n" + Uuid::MakeRandom().ToString(); }

  const Studies studies_{context_};
};

TEST_F(StudiesTest, NameIsUniqueAndHasARule) {
  const std::string name = NewName();
  ASSERT_THAT(Create(name), IsOk());
  const absl::Status taken = Create(name).status();
  EXPECT_TRUE(absl::IsAlreadyExists(taken));
  EXPECT_EQ(rpc::ReasonOf(taken), v1::ERROR_REASON_ALREADY_EXISTS);
  for (const std::string& bad : {std::string(), std::string("a b"), std::string(65, 'a')}) {
    EXPECT_EQ(rpc::ReasonOf(Create(bad).status()), v1::ERROR_REASON_FIELD_INVALID);
  }
}

TEST_F(StudiesTest, RepeatedRequestGivesTheSameStudy) {
  const std::string name = NewName();
  const std::string id = NewRequestId();
  TM_ASSERT_OK_AND_ASSIGN(const auto first, Create(name, id));
  TM_ASSERT_OK_AND_ASSIGN(const auto second, Create(name, id));
  EXPECT_EQ(first.SerializeAsString(), second.SerializeAsString());
  EXPECT_EQ(rpc::ReasonOf(Create(NewName(), id).status()), v1::ERROR_REASON_REQUEST_ID_REUSED);
}

TEST_F(StudiesTest, StaffListTheStudiesWhereTheyHaveARole) {
  const StudyId own = MakeStudy();
  MakeStudy();
  v1::CreateManagerRequest request;
  request.set_request_id(NewRequestId());
  request.set_study_id(own.ToString());
  request.set_display_name("Ada");
  TM_ASSERT_OK_AND_ASSIGN(const auto ada, studies_.CreateManager(OperatorCall(), request));
  Call call = ManagerCall(own);
  TM_ASSERT_OK_AND_ASSIGN(call.principal_id, PrincipalId::Parse(ada.principal_id()));
  TM_ASSERT_OK_AND_ASSIGN(const auto listed, studies_.List(call, {}));
  ASSERT_EQ(listed.studies_size(), 1);
  EXPECT_EQ(listed.studies(0).study_id(), own.ToString());
}

TEST_F(StudiesTest, OperatorPagesThroughAll) {
  MakeStudy();
  MakeStudy();
  MakeStudy();
  v1::ListStudiesRequest request;
  request.set_page_size(2);
  std::string last;
  int seen = 0;
  do {
    TM_ASSERT_OK_AND_ASSIGN(const auto page, studies_.List(OperatorCall(), request));
    EXPECT_LE(page.studies_size(), 2);
    seen += page.studies_size();
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(std::to_string(seen),
            support::TestDatabase::Shared().QueryValue("select count(*) from study"));
}

TEST_F(StudiesTest, PageTokenIsOfUseToItsCallerOnly) {
  MakeStudy();
  MakeStudy();
  v1::ListStudiesRequest request;
  request.set_page_size(1);
  TM_ASSERT_OK_AND_ASSIGN(const auto page, studies_.List(OperatorCall(), request));
  request.set_page_token(page.next_page_token());
  Call other = OperatorCall();
  other.principal_id = PrincipalId::MakeV7();
  EXPECT_EQ(rpc::ReasonOf(studies_.List(other, request).status()),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  request.set_page_size(1001);
  EXPECT_EQ(rpc::ReasonOf(studies_.List(OperatorCall(), request).status()),
            v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(StudiesTest, ManagerNeedsAStudyThatExists) {
  v1::CreateManagerRequest request;
  request.set_request_id(NewRequestId());
  request.set_study_id(StudyId::MakeV7().ToString());
  request.set_display_name("Ada");
  EXPECT_EQ(rpc::ReasonOf(studies_.CreateManager(OperatorCall(), request).status()),
            v1::ERROR_REASON_NOT_FOUND);
  request.set_study_id(MakeStudy().ToString());
  TM_ASSERT_OK_AND_ASSIGN(const auto made, studies_.CreateManager(OperatorCall(), request));
  EXPECT_TRUE(Token::Parse(made.token()).has_value());
  // The lost answer comes again with the same token.
  TM_ASSERT_OK_AND_ASSIGN(const auto again, studies_.CreateManager(OperatorCall(), request));
  EXPECT_EQ(made.token(), again.token());
}

TEST_F(StudiesTest, ParticipantCodeIsUniqueWithinAStudy) {
  const StudyId study = MakeStudy();
  ASSERT_THAT(Enter(study, "p1"), IsOk());
  EXPECT_EQ(rpc::ReasonOf(Enter(study, "p1").status()), v1::ERROR_REASON_ALREADY_EXISTS);
  EXPECT_THAT(Enter(MakeStudy(), "p1"), IsOk());
}

TEST_F(StudiesTest, AParticipantMayConsentAtTheEntry) {
  const StudyId study = MakeStudy();
  const auto create = [&](const std::string& code, const auto& change) {
    v1::CreateParticipantRequest request;
    request.set_request_id(NewRequestId());
    request.set_study_id(study.ToString());
    request.set_code(code);
    request.add_consented(v1::DATA_KIND_MOTION);
    request.add_consented(v1::DATA_KIND_AUDIO);
    request.set_document("ICF-1");
    change(request);
    return studies_.CreateParticipant(ManagerCall(study), request);
  };
  TM_ASSERT_OK_AND_ASSIGN(const auto made,
                          create("p1", [](auto& r) { r.set_consented_from_ns(-7); }));
  const ParticipantId id = *ParticipantId::Parse(made.participant().participant_id());
  TM_ASSERT_OK_AND_ASSIGN(const auto found, Participants(context_).Get(ManagerCall(study, id), {}));
  ASSERT_EQ(found.consents_size(), 2);
  EXPECT_EQ(found.consents(0).data_kind(), v1::DATA_KIND_MOTION);
  EXPECT_EQ(found.consents(1).data_kind(), v1::DATA_KIND_AUDIO);
  for (const v1::Consent& consent : found.consents()) {
    EXPECT_EQ(consent.valid_from_ns(), -7);
    EXPECT_EQ(consent.document(), "ICF-1");
    EXPECT_EQ(consent.decision(), v1::CONSENT_DECISION_GRANTED);
  }
  const auto reason = [&](const auto& change) {
    return rpc::ReasonOf(create("p2", change).status());
  };
  constexpr auto kWrong = v1::ERROR_REASON_FIELD_INVALID;
  EXPECT_EQ(reason([](auto& r) { r.clear_document(); }), kWrong);
  EXPECT_EQ(reason([](auto& r) { r.clear_consented(); }), kWrong);
  EXPECT_EQ(reason([](auto& r) { r.add_consented(v1::DATA_KIND_MOTION); }), kWrong);
  EXPECT_EQ(reason([](auto& r) { r.add_consented(static_cast<v1::DataKind>(99)); }), kWrong);
  EXPECT_EQ(reason([](auto& r) {
              r.clear_consented();
              r.clear_document();
              r.set_consented_from_ns(1);
            }),
            kWrong);
}

TEST_F(StudiesTest, ParticipantsComeInOrderOfCodeAndPages) {
  const StudyId study = MakeStudy();
  for (const char* code : {"c", "a", "b"}) ASSERT_THAT(Enter(study, code), IsOk());
  ASSERT_THAT(Enter(MakeStudy(), "foreign"), IsOk());
  v1::ListParticipantsRequest request;
  request.set_page_size(2);
  std::vector<std::string> codes;
  do {
    TM_ASSERT_OK_AND_ASSIGN(const auto page,
                            studies_.ListParticipants(ManagerCall(study), request));
    for (const auto& participant : page.participants()) codes.push_back(participant.code());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(codes, ElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace tidemark::study
