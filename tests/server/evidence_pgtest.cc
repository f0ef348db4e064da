// Everything that changes something leaves evidence, through a real server.
//
// The methods come from the descriptors: all that are not said to be without side effects. Each is
// called once, successfully, and must leave a link whose action is its permission, in some chain;
// or it stands here in one list with the reason why not.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <pqxx/pqxx>
#include <set>

#include "base/audit_chain.h"
#include "base/base64.h"
#include "ingest/bundle.h"
#include "server/commands.h"
#include "server/roles.h"
#include "study/audit.h"
#include "study/evidence.h"
#include "study/proofs.h"
#include "study/token.h"
#include "tests/ingest/chunk_builder.h"
#include "tests/server/any_method.h"
#include "tidemark/v1/audit.grpc.pb.h"
#include "tidemark/v1/authz.pb.h"
#include "tidemark/v1/ingest.grpc.pb.h"
#include "tidemark/v1/operator.grpc.pb.h"

namespace tidemark::server {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::MethodDescriptor;
using support::IsOk;
using support::StatusIs;

const std::map<std::string, std::string> kWithoutEvidence = {
    {"/tidemark.v1.AccessService/RenewSession",
     "gives nothing that signing in did not; its link says until when that may go on"},
    {"/tidemark.v1.DeviceService/DeclareStream",
     "the declaration is kept as it is, with its time and device, in a table that only grows"},
    {"/tidemark.v1.DeviceService/OpenSession",
     "a device proves the key that it enrolled, several times a day; enrolling left a link"},
    {"/tidemark.v1.DeviceService/RequestChallenge", "changes nothing, and anybody may ask"},
    {"/tidemark.v1.IngestService/PutChunks", "every chunk has its own row and a signed receipt"},
    {"/tidemark.v1.IngestService/Upload", "every chunk has its own row and a signed receipt"},
};

std::string EvidenceNameOf(const MethodDescriptor& method) {
  return "/" + method.service()->full_name() + "/" + method.name();
}

std::map<std::string, const MethodDescriptor*> MutatingMethods() {
  std::map<std::string, const MethodDescriptor*> methods;
  for (const std::string& name : ServicesOf(Config().roles)) {
    const auto* service = DescriptorPool::generated_pool()->FindServiceByName(name);
    for (int i = 0; i < service->method_count(); ++i) {
      const MethodDescriptor& method = *service->method(i);
      if (method.options().idempotency_level() ==
          google::protobuf::MethodOptions::NO_SIDE_EFFECTS) {
        continue;
      }
      methods[EvidenceNameOf(method)] = &method;
    }
  }
  return methods;
}

// A link with what it says.
struct Link {
  Uuid subject;
  std::string action;
  std::string actor;
  nlohmann::json details;
};

class EvidenceTest : public ServerFixture {
 protected:
  void SetUp() override {
    ServerFixture::SetUp();
    site_ = MakeSite("site");
    spare_ = AddParticipant(site_, "p2");
    access_ = v1::AccessService::NewStub(channel_);
  }
  void TearDown() override {
    access_.reset();
    ServerFixture::TearDown();
  }

  // All links that can be read, oldest first within each chain.
  std::vector<Link> Links() {
    const auto keys = store::OpenFolderKeyStore({.folder = folder_.File("keys")});
    EXPECT_THAT(keys, IsOk());
    std::vector<Link> links;
    pqxx::connection connection(database_.SuperuserDsn());
    pqxx::work tx(connection);
    for (const pqxx::row& row :
         tx.exec("select subject, study_id, seq, body from audit order by subject, seq")) {
      const Uuid subject = *Uuid::Parse(row[0].c_str());
      const auto body = study::OpenAuditBody(**keys, subject, *Uuid::Parse(row[1].c_str()),
                                             row[2].as<int64_t>(), db::BytesOf(row[3]));
      if (!body.ok() || !*body) continue;
      const auto json = nlohmann::json::parse(**body);
      links.push_back({subject, json["action"], json["actor"], json["details"]});
    }
    return links;
  }
  size_t CountOf(const std::string& action) {
    size_t count = 0;
    for (const Link& link : Links()) count += link.action == action ? 1 : 0;
    return count;
  }
  std::vector<Link> LinksOf(const std::string& action) {
    std::vector<Link> found;
    for (Link& link : Links()) {
      if (link.action == action) found.push_back(std::move(link));
    }
    return found;
  }

  // Calls a method with a request in JSON; a request_id that it has is filled in. The answer is
  // needed where a later call builds on it.
  absl::StatusOr<nlohmann::json> Call(const std::string& name, const std::string& token,
                                      const std::string& json) {
    const MethodDescriptor& method = *MutatingMethods().at(name);
    auto* const factory = MessageFactory::generated_factory();
    const std::unique_ptr<Message> request(factory->GetPrototype(method.input_type())->New());
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, request.get()).ok()) << json;
    if (const auto* field = method.input_type()->FindFieldByName("request_id")) {
      request->GetReflection()->SetString(request.get(), field, NewRequestId());
    }
    std::string answer;
    const absl::Status status =
        CallAnyMethod(channel_, name, request->SerializeAsString(), token, {}, &answer);
    if (!status.ok()) return status;
    const std::unique_ptr<Message> response(factory->GetPrototype(method.output_type())->New());
    EXPECT_TRUE(response->ParseFromString(answer));
    std::string text;
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    (void)google::protobuf::util::MessageToJsonString(*response, &text, options);
    return nlohmann::json::parse(text);
  }

  // The same, and it must leave its link. What it answered.
  nlohmann::json Act(const std::string& name, const std::string& token, const std::string& json) {
    const std::string action =
        MutatingMethods().at(name)->options().GetExtension(v1::authz).permission();
    const size_t before = CountOf(action);
    const auto answer = Call(name, token, json);
    EXPECT_TRUE(answer.ok()) << name << ": " << answer.status();
    acted_.insert(name);
    if (!kWithoutEvidence.contains(name)) {
      EXPECT_GT(CountOf(action), before) << name << " left no link \"" << action << "\"";
    }
    return answer.ok() ? *answer : nlohmann::json::object();
  }
  nlohmann::json ActAs(const std::string& method, const std::string& token,
                       std::map<std::string, std::string> fields, const std::string& more = "") {
    std::string json;
    for (const auto& [name, value] : fields) {
      json += fmt::format("{}\"{}\":\"{}\"", json.empty() ? "" : ",", name, value);
    }
    if (!more.empty()) json += (json.empty() ? "" : ",") + more;
    return Act("/tidemark.v1." + method, token, "{" + json + "}");
  }

  // A token of a person with one role, and who it is.
  struct Person {
    std::string id;
    std::string session;
  };
  Person Enter(const std::string& study, const std::string& by, const std::string& role) {
    const auto made = ActAs("AccessService/CreateStaff", by,
                            {{"study_id", study}, {"display_name", role}, {"role", role}});
    const auto session =
        ActAs("AccessService/SignIn", "", {{"sign_in_code", made.value("sign_in_code", "")}});
    return {made.value("principal_id", ""), session.value("session_token", "")};
  }

  void ActOnPeople();
  void ActOnParticipants();
  void ActOnDevices();
  void ActOnChunks();
  void ActOnTheInstallation();

  Site site_;
  std::string spare_;
  std::unique_ptr<v1::AccessService::Stub> access_;
  std::set<std::string> acted_;
};

void EvidenceTest::ActOnPeople() {
  const auto study = ActAs("StudyService/CreateStudy", operator_token_, {{"name", "second"}});
  const std::string study_id = study["study"]["study_id"];
  ActAs("StudyService/CreateManager", operator_token_,
        {{"study_id", study_id}, {"display_name", "Bob"}});
  ActAs("StudyService/SetStudyPlan", site_.manager_token, {{"study_id", site_.study_id}},
        R"("plan":{"participants":3})");
  const Person person = Enter(site_.study_id, site_.manager_token, "ROLE_LABELER");
  ActAs("AccessService/CreateSignInCode", site_.manager_token,
        {{"study_id", site_.study_id}, {"principal_id", person.id}});
  const auto renewed = ActAs("AccessService/RenewSession", person.session, {});
  const std::string session = renewed["session_token"];
  const auto token = ActAs("AccessService/CreateToken", session, {{"label", "cron"}});
  ActAs("AccessService/RevokeToken", session, {{"public_id", token["public_id"]}});
  ActAs("AccessService/SetGrant", site_.manager_token,
        {{"study_id", site_.study_id}, {"principal_id", person.id}, {"role", "ROLE_RESEARCHER"}});
  ActAs("AccessService/RemoveGrant", site_.manager_token,
        {{"study_id", site_.study_id}, {"principal_id", person.id}, {"role", "ROLE_RESEARCHER"}});
  ActAs("AccessService/RevokePrincipal", operator_token_, {{"principal_id", person.id}});
  ActAs("AccessService/CreateService", site_.manager_token,
        {{"study_id", site_.study_id}, {"display_name", "t"}, {"role", "ROLE_TRAINER"}});
  const Person auditor = Enter(site_.study_id, site_.manager_token, "ROLE_AUDITOR");
  ActAs("AuditService/ExportAudit", auditor.session, {{"study_id", site_.study_id}});
}

void EvidenceTest::ActOnParticipants() {
  const std::string& by = site_.manager_token;
  ActAs("StudyService/CreateParticipant", by, {{"study_id", site_.study_id}, {"code", "p3"}});
  ActAs("ParticipantService/ImportRoster", by, {{"study_id", site_.study_id}},
        R"("entries":[{"code":"p4"}])");
  ActAs("ParticipantService/RecordConsent", by, {{"participant_id", spare_}},
        R"("consent":{"data_kind":"DATA_KIND_AUDIO","decision":"CONSENT_DECISION_REFUSED",)"
        R"("valid_from_ns":"0","document":"form"})");
  ActAs("ParticipantService/SetAttributes", by, {{"participant_id", spare_}},
        R"("attributes":{"sex":"SEX_FEMALE"})");
  ActAs("ParticipantService/CompleteParticipant", by, {{"participant_id", spare_}});
  ActAs("ParticipantService/WithdrawParticipant", by,
        {{"participant_id", spare_}, {"reason", "moved"}});
  ActAs("ErasureService/EraseRange", by,
        {{"participant_id", site_.participant_id}, {"reason", "an evening"}},
        R"("begin_ns":"0","end_ns":"10")");
  ActAs("ErasureService/EraseParticipant", by,
        {{"participant_id", spare_}, {"confirm_code", "p2"}, {"reason", "asked"}});
}

void EvidenceTest::ActOnDevices() {
  const std::string& by = site_.manager_token;
  const auto made = ActAs("DeviceService/CreateDevice", by,
                          {{"participant_id", site_.participant_id}, {"name", "phone"}});
  const std::string device = made["device"]["device_id"];
  const auto code = ActAs("DeviceService/CreateEnrolmentCode", by,
                          {{"participant_id", site_.participant_id}, {"device_id", device}});
  const std::string text = code["enrolment_code"]["code"];
  const SigningKey key = SigningKey::GenerateP256();
  const auto base64 = [](std::string_view bytes) { return Base64UrlEncode(bytes); };
  const std::string exported = key.Public().Export();
  ActAs("DeviceService/Enrol", "",
        {{"code", text},
         {"public_key", base64(exported)},
         {"proof", base64(key.Sign(study::EnrolProofBytes(text, exported)))}});
  const auto asked = ActAs("DeviceService/RequestChallenge", "", {{"device_id", device}});
  std::string challenge;
  {
    v1::RequestChallengeResponse response;
    (void)google::protobuf::util::JsonStringToMessage(asked.dump(), &response);
    challenge = response.challenge();
  }
  const DeviceId device_id = *DeviceId::Parse(device);
  const auto session =
      ActAs("DeviceService/OpenSession", "",
            {{"device_id", device},
             {"challenge", base64(challenge)},
             {"signature",
              base64(key.Sign(study::SessionProofBytes("test-audience", device_id, challenge)))}});
  const SigningKey second = SigningKey::GenerateP256();
  const std::string second_key = second.Public().Export();
  ActAs("DeviceService/RotateKey", session["session_token"],
        {{"device_id", device},
         {"new_public_key", base64(second_key)},
         {"proof", base64(second.Sign(study::RotateProofBytes(device_id, second_key)))}});
  ActAs("DeviceService/RevokeDevice", by,
        {{"participant_id", site_.participant_id}, {"device_id", device}});
}

// Two chunks of a version that nobody knows are set aside.
void EvidenceTest::ActOnChunks() {
  ingest::BundleWriter bundle;
  for (const uint64_t number : {0, 1}) {
    v1::ChunkBody body = ingest::SamplesBody(1, number);
    body.set_version(99);
    ASSERT_TRUE(bundle.TryAdd(ingest::EnvelopeOf(body)));
  }
  ActAs("IngestService/PutChunks", site_.session_token,
        {{"bundle", Base64UrlEncode(bundle.Take())}});
  ActAs("IngestService/Upload", site_.session_token, {}, R"("open":{})");
  ActAs("DeviceService/DeclareStream", site_.session_token,
        {{"device_id", site_.device_id},
         {"stream_id", StreamId::MakeV7().ToString()},
         {"name", "acc"}},
        R"("version":1,"declaration":{"modality":"MODALITY_OTHER","nominal_rate":)"
        R"({"numerator":100,"denominator":1},"channels":)"
        R"([{"name":"x","unit":"1","type":"CHANNEL_TYPE_INT16"}]})");
  const std::string stream = Uuid(ingest::UuidOf(4, 1)).ToString();
  ActAs("IngestService/AbandonRange", site_.session_token,
        {{"participant_id", site_.participant_id},
         {"stream_id", stream},
         {"writer_id", Uuid(ingest::UuidOf(5, 1)).ToString()},
         {"reason", "lost"}},
        R"("range":{"begin":"7","end":"9"})");
  pqxx::connection connection(database_.SuperuserDsn());
  pqxx::work tx(connection);
  const pqxx::result held = tx.exec("select quarantine_id from quarantine where state = 1");
  ASSERT_EQ(held.size(), 2u);
  ActAs("IngestService/RedriveQuarantined", site_.manager_token,
        {{"participant_id", site_.participant_id}, {"quarantine_id", held[0][0].c_str()}});
  ActAs("IngestService/DiscardQuarantined", site_.manager_token,
        {{"participant_id", site_.participant_id},
         {"quarantine_id", held[1][0].c_str()},
         {"reason", "noise"}});
}

void EvidenceTest::ActOnTheInstallation() {
  ActAs("OperatorService/RotateKeyEncryptionKey", operator_token_, {});
  ActAs("OperatorService/ConfirmRestored", operator_token_, {}, R"("force":true)");
}

TEST_F(EvidenceTest, EveryMethodThatChangesSomethingLeavesALinkOrSaysWhyNot) {
  ActOnPeople();
  ActOnDevices();
  ActOnChunks();
  ActOnParticipants();
  ActOnTheInstallation();
  std::set<std::string> all;
  for (const auto& [name, method] : MutatingMethods()) {
    all.insert(name);
    EXPECT_TRUE(acted_.contains(name)) << name << " is not called here";
    const bool is_remembered = method->input_type()->FindFieldByName("request_id") != nullptr;
    EXPECT_FALSE(is_remembered && kWithoutEvidence.contains(name)) << name;
  }
  for (const auto& [name, reason] : kWithoutEvidence) EXPECT_TRUE(all.contains(name)) << name;
}

// Who has no role anywhere, and what nobody's study is.
TEST_F(EvidenceTest, WhatBelongsToNoStudyStandsInTheChainOfTheInstallation) {
  const Person person = Enter(site_.study_id, site_.manager_token, "ROLE_LABELER");
  ActAs("AccessService/RemoveGrant", site_.manager_token,
        {{"study_id", site_.study_id}, {"principal_id", person.id}, {"role", "ROLE_LABELER"}});
  ActAs("AccessService/RevokePrincipal", operator_token_, {{"principal_id", person.id}});
  ActAs("AccessService/CreateToken", operator_token_, {{"label", "laptop"}});
  std::vector<std::string> actions;
  for (const Link& link : Links()) {
    if (link.subject == study::kInstallation.uuid) actions.push_back(link.action);
  }
  EXPECT_THAT(actions,
              ::testing::ElementsAre("operator.bootstrap", "principal.revoke", "token.create"));
  EXPECT_EQ(LinksOf("operator.bootstrap").at(0).details["principal"],
            LinksOf("token.create").at(0).actor);
}

// By the methods and commands that studies have.
TEST_F(EvidenceTest, AnAuditorOfTheInstallationReadsItAndCanDoNothingElseThere) {
  const std::string installation = study::kInstallation.ToString();
  const Person auditor = Enter(installation, operator_token_, "ROLE_AUDITOR");
  v1::ListAuditRequest list;
  list.set_study_id(installation);
  const auto stub = v1::AuditService::NewStub(channel_);
  TM_ASSERT_OK_AND_ASSIGN(const auto listed,
                          Invoke(*stub, &v1::AuditService::Stub::ListAudit, list, auditor.session));
  ASSERT_GE(listed.links_size(), 3);  // the operator, the auditor, and that they signed in
  AuditChainChecker checker;
  for (const v1::AuditLink& link : listed.links()) {
    checker.Add({.subject = study::kInstallation.uuid,
                 .seq = link.seq(),
                 .study_id = study::kInstallation.uuid,
                 .prev_hash = link.prev_hash(),
                 .body_hash = link.body_hash(),
                 .recorded_at_us =
                     link.recorded_at().seconds() * 1'000'000 + link.recorded_at().nanos() / 1'000,
                 .version = static_cast<int>(link.version())});
  }
  EXPECT_THAT(checker.faults(), ::testing::IsEmpty());
  EXPECT_THAT(Invoke(*stub, &v1::AuditService::Stub::ListAudit, list, site_.manager_token),
              StatusIs(absl::StatusCode::kPermissionDenied));
  // Roles that would make something of it.
  for (const char* role : {"ROLE_MANAGER", "ROLE_ADMIN", "ROLE_RESEARCHER"}) {
    EXPECT_THAT(Call("/tidemark.v1.AccessService/CreateStaff", operator_token_,
                     fmt::format(R"({{"study_id":"{}","display_name":"x","role":"{}"}})",
                                 installation, role)),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << role;
    EXPECT_THAT(Call("/tidemark.v1.AccessService/SetGrant", operator_token_,
                     fmt::format(R"({{"study_id":"{}","principal_id":"{}","role":"{}"}})",
                                 installation, auditor.id, role)),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << role;
  }
  EXPECT_THAT(Call("/tidemark.v1.StudyService/CreateManager", operator_token_,
                   fmt::format(R"({{"study_id":"{}","display_name":"x"}})", installation)),
              StatusIs(absl::StatusCode::kNotFound));
  // Its ends are signed with those of the studies.
  StartServer();
  EXPECT_EQ(database_.QueryValue("select count(*) > 0 from audit_root where study_id = '" +
                                 installation + "'"),
            "t");
}

// An operator who is made before there are keys is told of when a server starts with some.
TEST(FirstOperatorEvidenceTest, IsLeftByTheFirstServerThatStarts) {
  const TemporaryFolder folder;
  const support::TestDatabase database;
  const Config config = TestConfig(database, folder);
  ASSERT_THAT(BootstrapOperator(config, folder.File("token")), IsOk());
  const auto links = [&] {
    return database.QueryValue("select count(*) from audit where subject = '" +
                               study::kInstallation.ToString() + "'");
  };
  EXPECT_EQ(links(), "0");
  for (int start = 0; start < 2; ++start) {
    ASSERT_THAT(Server::Start(config), IsOk());
    EXPECT_EQ(links(), "1");
  }
}

}  // namespace
}  // namespace tidemark::server
