#include "study/participants.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;
using testing::HasSubstr;

class ParticipantsTest : public StudyFixture {
 protected:
  v1::RecordConsentRequest Decision(v1::DataKind kind, v1::ConsentDecision decision) const {
    v1::RecordConsentRequest request;
    request.set_request_id(NewRequestId());
    request.set_participant_id(participant_.ToString());
    request.mutable_consent()->set_data_kind(kind);
    request.mutable_consent()->set_decision(decision);
    request.mutable_consent()->set_document("ICF-2.1");
    return request;
  }
  v1::GetParticipantResponse Get() {
    const auto found = participants_.Get(call(), {});
    EXPECT_THAT(found, IsOk());
    return *found;
  }
  Call call() const { return ManagerCall(study_, participant_); }
  int64_t NowNs() const { return absl::ToUnixNanos(clock_.Now()) / 1000 * 1000; }

  const Participants participants_{context_};
  const StudyId study_ = MakeStudy();
  const ParticipantId participant_ = MakeParticipant(study_);
};

// What was signed lies sealed, each under its own decision, and who may ask is told.
TEST_F(ParticipantsTest, DocumentsAreSealed) {
  for (const v1::DataKind kind : {v1::DATA_KIND_MOTION, v1::DATA_KIND_AUDIO}) {
    ASSERT_THAT(participants_.RecordConsent(call(), Decision(kind, v1::CONSENT_DECISION_GRANTED)),
                IsOk());
  }
  const auto documents = [&] {
    v1::ListConsentsRequest request;
    return participants_.ListConsents(call(), request);
  };
  TM_ASSERT_OK_AND_ASSIGN(const v1::ListConsentsResponse before, documents());
  ASSERT_EQ(before.consents_size(), 2);
  for (const v1::Consent& consent : before.consents()) EXPECT_EQ(consent.document(), "ICF-2.1");
  const auto& database = support::TestDatabase::Shared();
  const std::string of_person = "where participant_id = '" + participant_.ToString() + "'";
  EXPECT_EQ(database.QueryValue("select count(*) from consent " + of_person +
                                " and position('ICF' in encode(document, 'escape')) > 0"),
            "0");
  // One that was put into the place of another does not pass for it.
  database.Execute("update consent set document = (select document from consent " + of_person +
                   " order by data_kind limit 1) " + of_person);
  EXPECT_THAT(documents(), support::StatusIs(absl::StatusCode::kDataLoss));
  // Decisions of before have none.
  database.Execute("update consent set document = null " + of_person);
  TM_ASSERT_OK_AND_ASSIGN(const v1::ListConsentsResponse without, documents());
  EXPECT_EQ(without.consents(0).document(), "");
}

TEST_F(ParticipantsTest, ANewParticipantHasDecidedNothing) {
  const auto found = Get();
  EXPECT_EQ(found.participant().state(), v1::PARTICIPANT_STATE_ACTIVE);
  EXPECT_EQ(found.consents_size(), 0);
  EXPECT_EQ(found.devices(), 0u);
}

TEST_F(ParticipantsTest, DecisionsAreVersionedPerKindAndNothingIsEdited) {
  for (const auto decision : {v1::CONSENT_DECISION_GRANTED, v1::CONSENT_DECISION_REFUSED}) {
    ASSERT_THAT(participants_.RecordConsent(call(), Decision(v1::DATA_KIND_AUDIO, decision)),
                IsOk());
    clock_.Advance(absl::Hours(1));
  }
  const auto motion = participants_.RecordConsent(
      call(), Decision(v1::DATA_KIND_MOTION, v1::CONSENT_DECISION_GRANTED));
  ASSERT_THAT(motion, IsOk());
  EXPECT_EQ(motion->consent().version(), 1u);
  const auto listed = participants_.ListConsents(call(), {});
  ASSERT_THAT(listed, IsOk());
  ASSERT_EQ(listed->consents_size(), 3);
  EXPECT_EQ(listed->consents(2).version(), 2u);
  EXPECT_EQ(listed->consents(2).decision(), v1::CONSENT_DECISION_REFUSED);
  const auto now = Get();
  ASSERT_EQ(now.consents_size(), 2);
  EXPECT_EQ(now.consents(1).decision(), v1::CONSENT_DECISION_REFUSED);
}

TEST_F(ParticipantsTest, AWrongDecisionNamesItsField) {
  const auto field_of = [&](auto&& change) {
    v1::RecordConsentRequest request = Decision(v1::DATA_KIND_MOTION, v1::CONSENT_DECISION_GRANTED);
    change(*request.mutable_consent());
    return std::string(participants_.RecordConsent(call(), request).status().message());
  };
  EXPECT_THAT(field_of([](v1::Consent& c) { c.clear_data_kind(); }),
              HasSubstr("consent.data_kind"));
  EXPECT_THAT(field_of([](v1::Consent& c) { c.set_data_kind(static_cast<v1::DataKind>(31)); }),
              HasSubstr("consent.data_kind"));
  EXPECT_THAT(field_of([](v1::Consent& c) { c.clear_decision(); }), HasSubstr("consent.decision"));
  EXPECT_THAT(field_of([](v1::Consent& c) { c.clear_document(); }), HasSubstr("consent.document"));
  EXPECT_THAT(field_of([](v1::Consent& c) {
                c.set_valid_from_ns(10);
                c.set_valid_until_ns(10);
              }),
              HasSubstr("consent.valid_until_ns"));
}

TEST_F(ParticipantsTest, WithdrawingEndsEveryConsentFromThenOn) {
  v1::RecordConsentRequest granted = Decision(v1::DATA_KIND_AUDIO, v1::CONSENT_DECISION_GRANTED);
  granted.mutable_consent()->set_valid_from_ns(NowNs() - 1'000'000);
  ASSERT_THAT(participants_.RecordConsent(call(), granted), IsOk());
  clock_.Advance(absl::Hours(1));
  v1::WithdrawParticipantRequest request;
  request.set_request_id(NewRequestId());
  request.set_at_ns(NowNs() + 1'000'000);
  EXPECT_THAT(participants_.Withdraw(call(), request).status().message(), HasSubstr("at_ns"));
  request.set_at_ns(NowNs() - 500'000);
  for (int i = 0; i < 2; ++i) {
    request.set_request_id(NewRequestId());
    const auto withdrawn = participants_.Withdraw(call(), request);
    ASSERT_THAT(withdrawn, IsOk());
    EXPECT_EQ(withdrawn->participant().state(), v1::PARTICIPANT_STATE_WITHDRAWN);
  }
  const auto listed = participants_.ListConsents(call(), {});
  ASSERT_EQ(listed->consents_size(), 2);
  EXPECT_EQ(listed->consents(1).valid_from_ns(), request.at_ns());
  EXPECT_EQ(listed->consents(1).decision(), v1::CONSENT_DECISION_REFUSED);
  // Nobody consents for somebody who left; refusing is always possible.
  EXPECT_EQ(rpc::ReasonOf(participants_
                              .RecordConsent(call(), Decision(v1::DATA_KIND_AUDIO,
                                                              v1::CONSENT_DECISION_GRANTED))
                              .status()),
            v1::ERROR_REASON_STATE_CONFLICT);
  EXPECT_THAT(participants_.RecordConsent(
                  call(), Decision(v1::DATA_KIND_AUDIO, v1::CONSENT_DECISION_REFUSED)),
              IsOk());
}

TEST_F(ParticipantsTest, OnlyAnActiveParticipantCompletes) {
  v1::CompleteParticipantRequest request;
  request.set_request_id(NewRequestId());
  ASSERT_THAT(participants_.Complete(call(), request), IsOk());
  request.set_request_id(NewRequestId());
  EXPECT_EQ(rpc::ReasonOf(participants_.Complete(call(), request).status()),
            v1::ERROR_REASON_STATE_CONFLICT);
}

TEST_F(ParticipantsTest, AttributesAreSealedAtRestAndComeBack) {
  v1::SetAttributesRequest request;
  request.set_request_id(NewRequestId());
  v1::Attributes& attributes = *request.mutable_attributes();
  attributes.set_age_from(30);
  attributes.set_age_to(39);
  attributes.set_handedness(v1::HANDEDNESS_LEFT);
  attributes.set_skin_tone_monk(7);
  ASSERT_THAT(participants_.SetAttributes(call(), request), IsOk());
  EXPECT_EQ(Get().attributes().SerializeAsString(), attributes.SerializeAsString());
  pqxx::connection connection(support::TestDatabase::Shared().SuperuserDsn());
  pqxx::nontransaction tx(connection);
  const pqxx::result rows = tx.exec("select attributes from participant where participant_id = '" +
                                    participant_.ToString() + "'");
  EXPECT_EQ(db::BytesOf(rows[0][0]).find(attributes.SerializeAsString()), std::string::npos);
}

TEST_F(ParticipantsTest, AttributesOutOfRangeNameTheirField) {
  const auto field_of = [&](auto&& change) {
    v1::SetAttributesRequest request;
    request.set_request_id(NewRequestId());
    change(*request.mutable_attributes());
    return std::string(participants_.SetAttributes(call(), request).status().message());
  };
  using A = v1::Attributes;
  EXPECT_THAT(field_of([](A& a) { a.set_age_from(30); }), HasSubstr("attributes.age_from"));
  EXPECT_THAT(field_of([](A& a) {
                a.set_age_from(30);
                a.set_age_to(29);
              }),
              HasSubstr("attributes.age_to"));
  EXPECT_THAT(field_of([](A& a) { a.set_skin_tone_monk(11); }),
              HasSubstr("attributes.skin_tone_monk"));
  EXPECT_THAT(field_of([](A& a) { a.set_height_cm(49); }), HasSubstr("attributes.height_cm"));
  EXPECT_THAT(field_of([](A& a) { a.set_sex(static_cast<v1::Sex>(9)); }),
              HasSubstr("attributes.sex"));
}

}  // namespace
}  // namespace tidemark::study
