// All methods x all principals and roles x {own, other participant, other study, withdrawn,
// erased}, through a real server.
//
// What must happen is derived from the options in the protos, here and apart from the code that
// enforces them; the methods that anybody may call are written out once more, so that one cannot be
// opened by a slip in a proto.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>

#include <algorithm>
#include <map>
#include <pqxx/pqxx>
#include <set>

#include "server/roles.h"
#include "tests/server/any_method.h"
#include "tidemark/v1/access.grpc.pb.h"
#include "tidemark/v1/authz.pb.h"
#include "tidemark/v1/ingest.pb.h"
#include "tidemark/v1/signal.pb.h"

namespace tidemark::server {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::MethodDescriptor;

const std::set<std::string> kOpenToAll = {
    "/tidemark.v1.AccessService/SignIn", "/tidemark.v1.DeviceService/Enrol",
    "/tidemark.v1.DeviceService/OpenSession", "/tidemark.v1.DeviceService/RequestChallenge",
    "/tidemark.v1.ServerService/GetServerInfo"};

// Who calls: nobody, or a principal of a kind with at most one role.
struct Who {
  std::string name;
  v1::PrincipalKind kind = v1::PRINCIPAL_KIND_UNSPECIFIED;
  v1::Role role = v1::ROLE_UNSPECIFIED;
};
const Who kEverybody[] = {
    {"anonymous"},
    {"device", v1::PRINCIPAL_KIND_DEVICE},
    {"operator", v1::PRINCIPAL_KIND_OPERATOR},
    {"labeler", v1::PRINCIPAL_KIND_STAFF, v1::ROLE_LABELER},
    {"researcher", v1::PRINCIPAL_KIND_STAFF, v1::ROLE_RESEARCHER},
    {"manager", v1::PRINCIPAL_KIND_STAFF, v1::ROLE_MANAGER},
    {"admin", v1::PRINCIPAL_KIND_STAFF, v1::ROLE_ADMIN},
    {"auditor", v1::PRINCIPAL_KIND_STAFF, v1::ROLE_AUDITOR},
    {"trainer", v1::PRINCIPAL_KIND_SERVICE, v1::ROLE_TRAINER},
    {"detector", v1::PRINCIPAL_KIND_SERVICE, v1::ROLE_DETECTOR},
};

// Withdrawn and erased are participants of the caller's own study; a device then is theirs.
enum class Whose { kOwn, kOtherParticipant, kOtherStudy, kWithdrawn, kErased };
constexpr Whose kEveryone[] = {Whose::kOwn, Whose::kOtherParticipant, Whose::kOtherStudy,
                               Whose::kWithdrawn, Whose::kErased};

std::string NameOf(Whose whose) {
  const char* const names[] = {"own", "other participant", "other study", "withdrawn", "erased"};
  return names[static_cast<int>(whose)];
}
std::string NameOf(const MethodDescriptor& method) {
  return "/" + method.service()->full_name() + "/" + method.name();
}

std::vector<const MethodDescriptor*> AllMethods() {
  std::vector<const MethodDescriptor*> methods;
  for (const std::string& name : ServicesOf(Config().roles)) {
    const auto* service = DescriptorPool::generated_pool()->FindServiceByName(name);
    for (int i = 0; i < service->method_count(); ++i) methods.push_back(service->method(i));
  }
  return methods;
}

// What the answer must be, as far as access decides it.
enum class Expected { kPassed, kUnauthenticated, kDenied };

Expected PassedIf(bool may) { return may ? Expected::kPassed : Expected::kDenied; }

template <class Range>
bool Has(const Range& range, int value) {
  return std::count(range.begin(), range.end(), value) > 0;
}

Expected ForDevice(const v1::Authz& authz, Whose whose) {
  if (whose == Whose::kErased) return PassedIf(authz.also_erased());
  if (authz.object_kind() == v1::OBJECT_KIND_UNSPECIFIED) return Expected::kPassed;
  return PassedIf(whose == Whose::kOwn || whose == Whose::kWithdrawn);
}

Expected ForPeopleAndPrograms(const v1::Authz& authz, v1::PrincipalKind kind, Whose whose) {
  const bool is_operator = kind == v1::PRINCIPAL_KIND_OPERATOR;
  switch (authz.object_kind()) {
    case v1::OBJECT_KIND_STUDY:
      return PassedIf(is_operator || whose != Whose::kOtherStudy);
    case v1::OBJECT_KIND_PARTICIPANT:
      if (whose == Whose::kWithdrawn) return PassedIf(kind != v1::PRINCIPAL_KIND_SERVICE);
      return PassedIf(whose == Whose::kOwn || whose == Whose::kOtherParticipant);
    case v1::OBJECT_KIND_OWN_DEVICE:
      return Expected::kDenied;
    default:
      return Expected::kPassed;
  }
}

Expected ExpectedFor(const v1::Authz& authz, const Who& who, Whose whose) {
  if (authz.unauthenticated()) return Expected::kPassed;
  if (who.kind == v1::PRINCIPAL_KIND_UNSPECIFIED) return Expected::kUnauthenticated;
  if (!Has(authz.allowed(), who.kind)) return Expected::kDenied;
  if (who.role != v1::ROLE_UNSPECIFIED && !Has(authz.roles(), who.role)) return Expected::kDenied;
  if (who.kind == v1::PRINCIPAL_KIND_DEVICE) return ForDevice(authz, whose);
  return ForPeopleAndPrograms(authz, who.kind, whose);
}

Expected Observed(const absl::Status& status) {
  const v1::ErrorReason reason = rpc::ReasonOf(status);
  if (status.code() == absl::StatusCode::kPermissionDenied) return Expected::kDenied;
  // OpenSession answers so of itself: what proves the device is in the request.
  if (status.code() == absl::StatusCode::kUnauthenticated &&
      reason == v1::ERROR_REASON_CREDENTIAL_INVALID) {
    return Expected::kUnauthenticated;
  }
  return Expected::kPassed;
}

class AccessMatrixTest : public ServerFixture {
 protected:
  void SetUp() override {
    ServerFixture::SetUp();
    own_ = MakeSite("own");
    sibling_ = MakeSibling("p2");
    withdrawn_ = MakeSibling("p3");
    erased_ = MakeSibling("p4");
    foreign_ = MakeSite("foreign");
    for (const Who& who : kEverybody) tokens_[who.name] = MakeToken(who);
    SetState(withdrawn_, v1::PARTICIPANT_STATE_WITHDRAWN);
    SetState(erased_, v1::PARTICIPANT_STATE_ERASED);
    // What the server believed of them holds for 5 s.
    clock_.Advance(absl::Seconds(6));
  }

  Site MakeSibling(const std::string& code) {
    Site site = own_;
    site.participant_id = AddParticipant(own_, code);
    site.device_key = SigningKey::GenerateP256();
    EnrolDevice(site);
    return site;
  }

  // A request that enters somebody with exactly this role.
  template <class Request>
  Request With(const Who& who) const {
    Request request;
    request.set_request_id(NewRequestId());
    request.set_study_id(own_.study_id);
    request.set_display_name(who.name);
    request.set_role(who.role);
    return request;
  }

  // A token of somebody who can do nothing but what the role allows; of a device there are many.
  std::string MakeToken(const Who& who) {
    const auto stub = v1::AccessService::NewStub(channel_);
    if (who.kind == v1::PRINCIPAL_KIND_OPERATOR) return operator_token_;
    if (who.kind == v1::PRINCIPAL_KIND_SERVICE) {
      const auto made = Invoke(*stub, &v1::AccessService::Stub::CreateService,
                               With<v1::CreateServiceRequest>(who), own_.manager_token);
      EXPECT_THAT(made, support::IsOk());
      return made.ok() ? made->token() : "";
    }
    return who.kind == v1::PRINCIPAL_KIND_STAFF ? TokenOfStaff(*stub, who) : "";
  }

  // Not the session that signing in gives: a call that passes would renew and so end it.
  std::string TokenOfStaff(v1::AccessService::Stub& stub, const Who& who) {
    const auto made = Invoke(stub, &v1::AccessService::Stub::CreateStaff,
                             With<v1::CreateStaffRequest>(who), own_.manager_token);
    EXPECT_THAT(made, support::IsOk());
    v1::SignInRequest sign_in;
    if (made.ok()) sign_in.set_sign_in_code(made->sign_in_code());
    const auto session = Invoke(stub, &v1::AccessService::Stub::SignIn, sign_in, "");
    EXPECT_THAT(session, support::IsOk());
    v1::CreateTokenRequest request;
    request.set_request_id(NewRequestId());
    request.set_label("matrix");
    const auto token = Invoke(stub, &v1::AccessService::Stub::CreateToken, request,
                              session.ok() ? session->session_token() : "");
    EXPECT_THAT(token, support::IsOk());
    return token.ok() ? token->token() : "";
  }

  // As a withdrawal and the end of an erasure leave it.
  void SetState(const Site& site, v1::ParticipantState state) {
    pqxx::connection connection(database_.SuperuserDsn());
    pqxx::work tx(connection);
    tx.exec_params("update participant set state = $1 where participant_id = $2::uuid",
                   static_cast<int>(state), site.participant_id);
    if (state == v1::PARTICIPANT_STATE_ERASED) {
      tx.exec_params("update principal set state = 4 where principal_id = $1::uuid",
                     site.device_id);
    }
    tx.commit();
  }

  const Clock& clock() const override { return clock_; }

  const Site& SiteOf(Whose whose) const {
    switch (whose) {
      case Whose::kOwn:
        return own_;
      case Whose::kOtherParticipant:
        return sibling_;
      case Whose::kOtherStudy:
        return foreign_;
      case Whose::kWithdrawn:
        return withdrawn_;
      case Whose::kErased:
        return erased_;
    }
    return own_;
  }
  std::string TokenOf(const Who& who, Whose whose) const {
    if (who.kind != v1::PRINCIPAL_KIND_DEVICE) return tokens_.at(who.name);
    const bool is_theirs = whose == Whose::kWithdrawn || whose == Whose::kErased;
    return is_theirs ? SiteOf(whose).session_token : own_.session_token;
  }

  // An empty request but for its object, so that nothing is ever changed by it.
  std::string RequestAbout(const MethodDescriptor& method, const v1::Authz& authz,
                           const Site& site) const {
    const Message* prototype =
        MessageFactory::generated_factory()->GetPrototype(method.input_type());
    const std::unique_ptr<Message> request(prototype->New());
    if (!authz.object_field().empty()) {
      const auto* field = method.input_type()->FindFieldByName(authz.object_field());
      const std::string& id = authz.object_kind() == v1::OBJECT_KIND_STUDY ? site.study_id
                              : authz.object_kind() == v1::OBJECT_KIND_PARTICIPANT
                                  ? site.participant_id
                                  : site.device_id;
      request->GetReflection()->SetString(request.get(), field, id);
    }
    return request->SerializeAsString();
  }

  ManualClock clock_{absl::Now()};
  Site own_, sibling_, withdrawn_, erased_, foreign_;
  std::map<std::string, std::string> tokens_;
};

TEST_F(AccessMatrixTest, EveryCellIsAsTheOptionsSay) {
  std::set<std::string> open_to_all;
  int cells = 0;
  for (const MethodDescriptor* method : AllMethods()) {
    const v1::Authz& authz = method->options().GetExtension(v1::authz);
    if (authz.unauthenticated()) open_to_all.insert(NameOf(*method));
    for (const Who& who : kEverybody) {
      for (const Whose whose : kEveryone) {
        const absl::Status status =
            CallAnyMethod(channel_, NameOf(*method), RequestAbout(*method, authz, SiteOf(whose)),
                          TokenOf(who, whose));
        EXPECT_NE(status.code(), absl::StatusCode::kUnimplemented) << NameOf(*method);
        EXPECT_EQ(Observed(status), ExpectedFor(authz, who, whose))
            << NameOf(*method) << " by " << who.name << " about " << NameOf(whose) << ": "
            << status;
        ++cells;
      }
    }
  }
  EXPECT_EQ(open_to_all, kOpenToAll);
  EXPECT_GE(cells, 50 * 30);
  RecordProperty("cells", cells);
}

TEST_F(AccessMatrixTest, ForeignAndMissingObjectsGetTheSameAnswer) {
  v1::ListDevicesRequest request;
  request.set_participant_id(foreign_.participant_id);
  const absl::Status foreign = CallAnyMethod(channel_, "/tidemark.v1.DeviceService/ListDevices",
                                             request.SerializeAsString(), own_.manager_token);
  request.set_participant_id(ParticipantId::MakeV7().ToString());
  const absl::Status missing = CallAnyMethod(channel_, "/tidemark.v1.DeviceService/ListDevices",
                                             request.SerializeAsString(), own_.manager_token);
  EXPECT_EQ(foreign, missing);
  request.set_participant_id("no id");
  EXPECT_EQ(CallAnyMethod(channel_, "/tidemark.v1.DeviceService/ListDevices",
                          request.SerializeAsString(), own_.manager_token)
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(AccessMatrixTest, WrongCredentialsAreUnauthenticated) {
  const std::string method = "/tidemark.v1.StudyService/ListStudies";
  std::string wrong_secret = own_.manager_token;
  wrong_secret.back() = wrong_secret.back() == 'A' ? 'B' : 'A';
  std::string wrong_kind = own_.manager_token;
  wrong_kind[2] = 'o';
  for (const std::string& token : {std::string("x"), wrong_secret, wrong_kind}) {
    const absl::Status status = CallAnyMethod(channel_, method, "", token);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated) << status;
    EXPECT_EQ(rpc::ReasonOf(status), v1::ERROR_REASON_CREDENTIAL_INVALID);
  }
}

}  // namespace
}  // namespace tidemark::server
