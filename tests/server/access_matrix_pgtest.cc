// All methods x all principals x {own, other participant, other study}, through a real server.
//
// What must happen is derived from the options in the protos, here and apart from the code that
// enforces them; the methods that anybody may call are written out once more, so that one cannot be
// opened by a slip in a proto.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>

#include <algorithm>
#include <set>

#include "server/roles.h"
#include "tests/server/server_fixture.h"
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
    "/tidemark.v1.DeviceService/Enrol", "/tidemark.v1.DeviceService/OpenSession",
    "/tidemark.v1.DeviceService/RequestChallenge", "/tidemark.v1.ServerService/GetServerInfo"};

enum class Who { kAnonymous, kDevice, kManager, kOperator };
enum class Whose { kOwn, kOtherParticipant, kOtherStudy };

std::string NameOf(Who who) {
  const char* const names[] = {"anonymous", "device", "manager", "operator"};
  return names[static_cast<int>(who)];
}
std::string NameOf(Whose whose) {
  const char* const names[] = {"own", "other participant", "other study"};
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

Expected ExpectedFor(const v1::Authz& authz, Who who, Whose whose) {
  if (authz.unauthenticated()) return Expected::kPassed;
  if (who == Who::kAnonymous) return Expected::kUnauthenticated;
  const bool allowed =
      std::count(authz.allowed().begin(), authz.allowed().end(), static_cast<int>(who)) > 0;
  if (!allowed) return Expected::kDenied;
  switch (authz.object_kind()) {
    case v1::OBJECT_KIND_STUDY:
      return whose == Whose::kOtherStudy ? Expected::kDenied : Expected::kPassed;
    case v1::OBJECT_KIND_PARTICIPANT:
      if (who == Who::kManager) {
        return whose == Whose::kOtherStudy ? Expected::kDenied : Expected::kPassed;
      }
      return whose == Whose::kOwn ? Expected::kPassed : Expected::kDenied;
    case v1::OBJECT_KIND_OWN_DEVICE:
      return whose == Whose::kOwn ? Expected::kPassed : Expected::kDenied;
    default:
      return Expected::kPassed;
  }
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
    sibling_ = own_;
    sibling_.participant_id = AddParticipant(own_, "p2");
    sibling_.device_key = SigningKey::GenerateP256();
    EnrolDevice(sibling_);
    foreign_ = MakeSite("foreign");
  }

  const Site& SiteOf(Whose whose) const {
    if (whose == Whose::kOwn) return own_;
    return whose == Whose::kOtherParticipant ? sibling_ : foreign_;
  }
  std::string TokenOf(Who who) const {
    switch (who) {
      case Who::kAnonymous:
        return "";
      case Who::kDevice:
        return own_.session_token;
      case Who::kManager:
        return own_.manager_token;
      case Who::kOperator:
        return operator_token_;
    }
    return "";
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

  // Any method, unary or streaming: one message up, then the status.
  absl::Status Call(const std::string& method, const std::string& request,
                    const std::string& token) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    Prepare(context, token);
    grpc::CompletionQueue queue;
    const auto stream = stub.PrepareCall(&context, method, &queue);
    const auto wait = [&] {
      void* tag = nullptr;
      bool ok = false;
      queue.Next(&tag, &ok);
      return ok;
    };
    stream->StartCall(nullptr);
    wait();
    const grpc::Slice slice(request);
    stream->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    wait();
    grpc::ByteBuffer answer;
    do {
      stream->Read(&answer, nullptr);
    } while (wait());
    grpc::Status status;
    stream->Finish(&status, nullptr);
    wait();
    queue.Shutdown();
    return rpc::FromGrpc(status);
  }

  Site own_, sibling_, foreign_;
};

TEST_F(AccessMatrixTest, EveryCellIsAsTheOptionsSay) {
  std::set<std::string> open_to_all;
  int cells = 0;
  for (const MethodDescriptor* method : AllMethods()) {
    const v1::Authz& authz = method->options().GetExtension(v1::authz);
    if (authz.unauthenticated()) open_to_all.insert(NameOf(*method));
    for (const Who who : {Who::kAnonymous, Who::kDevice, Who::kManager, Who::kOperator}) {
      for (const Whose whose : {Whose::kOwn, Whose::kOtherParticipant, Whose::kOtherStudy}) {
        const absl::Status status =
            Call(NameOf(*method), RequestAbout(*method, authz, SiteOf(whose)), TokenOf(who));
        EXPECT_NE(status.code(), absl::StatusCode::kUnimplemented) << NameOf(*method);
        EXPECT_EQ(Observed(status), ExpectedFor(authz, who, whose))
            << NameOf(*method) << " by " << NameOf(who) << " about " << NameOf(whose) << ": "
            << status;
        ++cells;
      }
    }
  }
  EXPECT_EQ(open_to_all, kOpenToAll);
  EXPECT_GE(cells, 12 * 20);
}

TEST_F(AccessMatrixTest, ForeignAndMissingObjectsGetTheSameAnswer) {
  v1::ListDevicesRequest request;
  request.set_participant_id(foreign_.participant_id);
  const absl::Status foreign = Call("/tidemark.v1.DeviceService/ListDevices",
                                    request.SerializeAsString(), own_.manager_token);
  request.set_participant_id(ParticipantId::MakeV7().ToString());
  const absl::Status missing = Call("/tidemark.v1.DeviceService/ListDevices",
                                    request.SerializeAsString(), own_.manager_token);
  EXPECT_EQ(foreign, missing);
  request.set_participant_id("no id");
  EXPECT_EQ(Call("/tidemark.v1.DeviceService/ListDevices", request.SerializeAsString(),
                 own_.manager_token)
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
    const absl::Status status = Call(method, "", token);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated) << status;
    EXPECT_EQ(rpc::ReasonOf(status), v1::ERROR_REASON_CREDENTIAL_INVALID);
  }
}

}  // namespace
}  // namespace tidemark::server
