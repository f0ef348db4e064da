#include "study/access_directory.h"
#include "study/fields.h"
#include "study/staff.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;

class StaffTest : public StudyFixture {
 protected:
  PrincipalId MakeStaff(StudyId study, v1::Role role,
                        std::initializer_list<v1::DataKind> kinds = {v1::DATA_KIND_MOTION}) {
    v1::CreateStaffRequest request;
    request.set_request_id(NewRequestId());
    request.set_study_id(study.ToString());
    request.set_display_name("Ada");
    request.set_role(role);
    for (const v1::DataKind kind : kinds) request.mutable_data_kinds()->add_kinds(kind);
    const auto made = staff_.Create(ManagerCall(study), request);
    EXPECT_THAT(made, IsOk());
    return *PrincipalId::Parse(made->principal_id());
  }
  absl::StatusOr<v1::SetGrantResponse> Grant(StudyId study, PrincipalId principal, v1::Role role) {
    v1::SetGrantRequest request;
    request.set_request_id(NewRequestId());
    request.set_study_id(study.ToString());
    request.set_principal_id(principal.ToString());
    request.set_role(role);
    return staff_.SetGrant(ManagerCall(study), request);
  }
  absl::Status Remove(StudyId study, PrincipalId principal, v1::Role role) {
    v1::RemoveGrantRequest request;
    request.set_request_id(NewRequestId());
    request.set_study_id(study.ToString());
    request.set_principal_id(principal.ToString());
    request.set_role(role);
    return staff_.RemoveGrant(ManagerCall(study), request).status();
  }
  absl::Status Revoke(PrincipalId principal) {
    v1::RevokePrincipalRequest request;
    request.set_request_id(NewRequestId());
    request.set_principal_id(principal.ToString());
    return staff_.Revoke(OperatorCall(), request).status();
  }
  GrantsRecord GrantsOf(PrincipalId principal) {
    AccessDirectory directory(context_);
    const auto grants = directory.FindGrants(principal, Deadline());
    EXPECT_THAT(grants, IsOk());
    return **grants;
  }

  const Staff staff_{context_};
};

TEST_F(StaffTest, ANewPersonHasExactlyTheRoleThatWasGranted) {
  const StudyId study = MakeStudy();
  const PrincipalId ada = MakeStaff(study, v1::ROLE_LABELER, {v1::DATA_KIND_AUDIO});
  const GrantsRecord grants = GrantsOf(ada);
  const auto labeler = grants.In(study, {v1::ROLE_LABELER});
  EXPECT_EQ(labeler.roles, rpc::RoleSet{v1::ROLE_LABELER});
  EXPECT_EQ(labeler.data_kinds, rpc::DataKindSet{v1::DATA_KIND_AUDIO});
  EXPECT_TRUE(grants.In(study, {v1::ROLE_MANAGER, v1::ROLE_ADMIN}).roles.IsEmpty());
  EXPECT_TRUE(grants.In(MakeStudy(), {v1::ROLE_LABELER}).roles.IsEmpty());
}

TEST_F(StaffTest, SensitiveKindsAreGrantedByNameOnly) {
  const StudyId study = MakeStudy();
  v1::CreateStaffRequest request;
  request.set_request_id(NewRequestId());
  request.set_study_id(study.ToString());
  request.set_display_name("Ada");
  request.set_role(v1::ROLE_RESEARCHER);
  const auto made = staff_.Create(ManagerCall(study), request);
  ASSERT_THAT(made, IsOk());
  const auto match =
      GrantsOf(*PrincipalId::Parse(made->principal_id())).In(study, {v1::ROLE_RESEARCHER});
  EXPECT_EQ(match.data_kinds, rpc::kOrdinaryKinds);
  EXPECT_FALSE(match.data_kinds.Intersects(rpc::kSensitiveKinds));
}

TEST_F(StaffTest, ARoleOfTheWrongKindOrAnUnknownKindOfDataNamesItsField) {
  const StudyId study = MakeStudy();
  v1::CreateStaffRequest request;
  request.set_request_id(NewRequestId());
  request.set_study_id(study.ToString());
  request.set_display_name("Ada");
  for (const v1::Role role : {v1::ROLE_UNSPECIFIED, v1::ROLE_TRAINER, static_cast<v1::Role>(40)}) {
    request.set_role(role);
    const absl::Status status = staff_.Create(ManagerCall(study), request).status();
    EXPECT_EQ(rpc::ReasonOf(status), v1::ERROR_REASON_FIELD_INVALID) << status;
    EXPECT_NE(status.message().find("role"), std::string::npos);
  }
  request.set_role(v1::ROLE_LABELER);
  request.mutable_data_kinds()->add_kinds(static_cast<v1::DataKind>(99));
  EXPECT_EQ(rpc::ReasonOf(staff_.Create(ManagerCall(study), request).status()),
            v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(
      rpc::ReasonOf(Grant(study, MakeStaff(study, v1::ROLE_LABELER), v1::ROLE_DETECTOR).status()),
      v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(StaffTest, TheLastAdminCannotBeTakenAway) {
  const StudyId study = MakeStudy();
  const PrincipalId first = MakeStaff(study, v1::ROLE_ADMIN);
  EXPECT_EQ(rpc::ReasonOf(Remove(study, first, v1::ROLE_ADMIN)), v1::ERROR_REASON_LAST_ADMIN);
  EXPECT_EQ(rpc::ReasonOf(Revoke(first)), v1::ERROR_REASON_LAST_ADMIN);
  const PrincipalId second = MakeStaff(study, v1::ROLE_LABELER);
  ASSERT_THAT(Grant(study, second, v1::ROLE_ADMIN), IsOk());
  EXPECT_THAT(Remove(study, first, v1::ROLE_ADMIN), IsOk());
  EXPECT_EQ(rpc::ReasonOf(Remove(study, second, v1::ROLE_ADMIN)), v1::ERROR_REASON_LAST_ADMIN);
}

// An admin who was revoked does not count as the one who remains.
TEST_F(StaffTest, ARevokedAdminIsNoAdmin) {
  const StudyId study = MakeStudy();
  const PrincipalId first = MakeStaff(study, v1::ROLE_ADMIN);
  const PrincipalId second = MakeStaff(study, v1::ROLE_ADMIN);
  ASSERT_THAT(Revoke(first), IsOk());
  EXPECT_TRUE(GrantsOf(first).studies.empty());
  EXPECT_EQ(rpc::ReasonOf(Revoke(second)), v1::ERROR_REASON_LAST_ADMIN);
  EXPECT_EQ(rpc::ReasonOf(Grant(study, first, v1::ROLE_ADMIN).status()),
            v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(StaffTest, GrantsAreListedByPrincipalInPages) {
  const StudyId study = MakeStudy();
  std::set<std::string> made;
  for (int i = 0; i < 5; ++i) {
    const PrincipalId id = MakeStaff(study, v1::ROLE_LABELER);
    ASSERT_THAT(Grant(study, id, v1::ROLE_RESEARCHER), IsOk());
    made.insert(id.ToString());
  }
  MakeStaff(MakeStudy(), v1::ROLE_LABELER);
  std::set<std::string> listed;
  v1::ListGrantsRequest request;
  request.set_study_id(study.ToString());
  request.set_page_size(2);
  do {
    const auto page = staff_.ListGrants(ManagerCall(study), request);
    ASSERT_THAT(page, IsOk());
    for (const v1::Principal& principal : page->principals()) {
      EXPECT_TRUE(listed.insert(principal.principal_id()).second);
      EXPECT_EQ(principal.grants_size(), 2);
      EXPECT_EQ(principal.kind(), v1::PRINCIPAL_KIND_STAFF);
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, made);
}

TEST_F(StaffTest, AServiceGetsATokenAndOnlyARoleOfServices) {
  const StudyId study = MakeStudy();
  v1::CreateServiceRequest request;
  request.set_request_id(NewRequestId());
  request.set_study_id(study.ToString());
  request.set_display_name("trainer");
  request.set_role(v1::ROLE_MANAGER);
  EXPECT_EQ(rpc::ReasonOf(staff_.CreateService(ManagerCall(study), request).status()),
            v1::ERROR_REASON_FIELD_INVALID);
  request.set_role(v1::ROLE_TRAINER);
  const auto made = staff_.CreateService(ManagerCall(study), request);
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(Token::Parse(made->token())->kind, TokenKind::kService);
  const auto again = staff_.CreateService(ManagerCall(study), request);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->token(), made->token());
}

// It cannot make itself another one, so it is entered anew before this ends.
TEST_F(StaffTest, TheTokenOfAServiceEndsUnlessTheServerSaysOtherwise) {
  const StudyId study = MakeStudy();
  const auto lives_for = [&](const Context& context) -> std::optional<absl::Duration> {
    v1::CreateServiceRequest request;
    request.set_request_id(NewRequestId());
    request.set_study_id(study.ToString());
    request.set_display_name("trainer");
    request.set_role(v1::ROLE_TRAINER);
    const auto made = Staff(context).CreateService(ManagerCall(study), request);
    EXPECT_THAT(made, IsOk());
    AccessDirectory directory(context);
    const auto record =
        directory.FindCredential(Token::Parse(made->token())->public_id, Deadline());
    EXPECT_THAT(record, IsOk());
    EXPECT_THAT((*record)->CheckHolds(NowUs(clock_)), IsOk());
    if (!(*record)->expires_at_us) return std::nullopt;
    EXPECT_EQ(rpc::ReasonOf((*record)->CheckHolds(*(*record)->expires_at_us)),
              v1::ERROR_REASON_CREDENTIAL_INVALID);
    return absl::Microseconds(*(*record)->expires_at_us - NowUs(clock_));
  };
  EXPECT_EQ(lives_for(context_), kServiceTokenLife);
  Context other = context_;
  other.service_token_life = absl::Hours(24);
  EXPECT_EQ(lives_for(other), absl::Hours(24));
  other.service_token_life = absl::ZeroDuration();
  EXPECT_EQ(lives_for(other), std::nullopt);
}

}  // namespace
}  // namespace tidemark::study
