#include "base/rpc/policy.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include "tests/support/status_matchers.h"
#include "tidemark/v1/device.pb.h"
#include "tidemark/v1/study.pb.h"

namespace tidemark::rpc {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;
using google::protobuf::MethodDescriptorProto;
using support::IsOk;
using support::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kServices[] = {"tidemark.v1.StudyService", "tidemark.v1.DeviceService"};

// The generated services are linked because their messages are used.
const void* const kLinked[] = {v1::Study::descriptor(), v1::Device::descriptor()};

// A pool with the service "t.S" of one unary method "M" whose request has the string "id".
class OneMethod {
 public:
  explicit OneMethod(const std::optional<v1::Authz>& authz)
      : pool_(DescriptorPool::generated_pool()) {
    FileDescriptorProto file;
    file.set_name("t.proto");
    file.set_package("t");
    file.set_syntax("proto3");
    file.add_dependency("tidemark/v1/authz.proto");
    DescriptorProto* request = file.add_message_type();
    request->set_name("R");
    FieldDescriptorProto* id = request->add_field();
    id->set_name("id");
    id->set_number(1);
    id->set_label(FieldDescriptorProto::LABEL_OPTIONAL);
    id->set_type(FieldDescriptorProto::TYPE_STRING);
    auto* service = file.add_service();
    service->set_name("S");
    MethodDescriptorProto* method = service->add_method();
    method->set_name("M");
    method->set_input_type(".t.R");
    method->set_output_type(".t.R");
    if (authz) *method->mutable_options()->MutableExtension(v1::authz) = *authz;
    built_ = pool_.BuildFile(file) != nullptr;
  }

  absl::Status Check() const {
    if (!built_) return absl::InternalError("the test's own proto does not build");
    const std::string services[] = {"t.S"};
    return PolicyTable::Load(services, pool_).status();
  }

 private:
  DescriptorPool pool_;
  bool built_ = false;
};

v1::Authz ForManagers() {
  v1::Authz authz;
  authz.set_permission("thing.read");
  authz.add_allowed(v1::PRINCIPAL_KIND_STAFF);
  authz.add_roles(v1::ROLE_MANAGER);
  authz.set_object_field("id");
  authz.set_object_kind(v1::OBJECT_KIND_STUDY);
  return authz;
}

TEST(PolicyTest, EveryMethodOfOurServicesHasOne) {
  ASSERT_NE(kLinked[0], nullptr);
  EXPECT_THAT(CheckEveryMethodHasPolicy(kServices), IsOk());
}

TEST(PolicyTest, FindsAMethodByItsFullName) {
  TM_ASSERT_OK_AND_ASSIGN(const PolicyTable table, PolicyTable::Load(kServices));
  const v1::Authz* authz = table.Find("/tidemark.v1.DeviceService/RotateKey");
  ASSERT_NE(authz, nullptr);
  EXPECT_EQ(authz->permission(), "device.rotate_key");
  EXPECT_EQ(table.Find("/tidemark.v1.DeviceService/Nothing"), nullptr);
}

TEST(PolicyTest, MarkdownHasALinePerMethod) {
  TM_ASSERT_OK_AND_ASSIGN(const PolicyTable table, PolicyTable::Load(kServices));
  const std::string text = table.ToMarkdown();
  EXPECT_EQ(static_cast<size_t>(std::count(text.begin(), text.end(), '\n')),
            table.methods().size() + 2);
  EXPECT_THAT(text,
              HasSubstr("| `/tidemark.v1.StudyService/CreateStudy` | study.create | operator"));
}

TEST(PolicyTest, UnknownServiceIsRefused) {
  const std::string services[] = {"tidemark.v1.NoService"};
  EXPECT_THAT(CheckEveryMethodHasPolicy(services),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("NoService is not known")));
}

TEST(PolicyTest, MethodWithoutPolicyIsNamed) {
  EXPECT_THAT(OneMethod(std::nullopt).Check(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("/t.S/M has no policy")));
}

TEST(PolicyTest, SensiblePolicyIsTaken) { EXPECT_THAT(OneMethod(ForManagers()).Check(), IsOk()); }

TEST(PolicyTest, PoliciesThatMakeNoSenseAreRefused) {
  struct Case {
    const char* fault;
    void (*spoil)(v1::Authz&);
  };
  const Case cases[] = {
      {"names no permission", [](v1::Authz& a) { a.clear_permission(); }},
      {"must either allow", [](v1::Authz& a) { a.clear_allowed(); }},
      {"must either allow", [](v1::Authz& a) { a.set_unauthenticated(true); }},
      {"unspecified principal",
       [](v1::Authz& a) { a.add_allowed(v1::PRINCIPAL_KIND_UNSPECIFIED); }},
      {"needs both", [](v1::Authz& a) { a.clear_object_field(); }},
      {"needs both", [](v1::Authz& a) { a.clear_object_kind(); }},
      {"no string of the request", [](v1::Authz& a) { a.set_object_field("missing"); }},
      {"nobody to check it for",
       [](v1::Authz& a) {
         a.clear_allowed();
         a.clear_roles();
         a.set_unauthenticated(true);
       }},
      {"but no device", [](v1::Authz& a) { a.set_device_signature(true); }},
      {"others than devices", [](v1::Authz& a) { a.set_object_kind(v1::OBJECT_KIND_OWN_DEVICE); }},
      {"not used any more", [](v1::Authz& a) { a.add_allowed(v1::PRINCIPAL_KIND_MANAGER); }},
      {"roles of staff", [](v1::Authz& a) { a.clear_roles(); }},
      {"roles of services", [](v1::Authz& a) { a.add_roles(v1::ROLE_TRAINER); }},
      {"roles of services", [](v1::Authz& a) { a.add_allowed(v1::PRINCIPAL_KIND_SERVICE); }},
      {"operator reach a participant",
       [](v1::Authz& a) {
         a.add_allowed(v1::PRINCIPAL_KIND_OPERATOR);
         a.set_object_kind(v1::OBJECT_KIND_PARTICIPANT);
       }},
      {"erased participants", [](v1::Authz& a) { a.set_also_erased(true); }},
  };
  for (const Case& c : cases) {
    v1::Authz authz = ForManagers();
    c.spoil(authz);
    EXPECT_THAT(OneMethod(authz).Check(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                                   AllOf(HasSubstr("/t.S/M"), HasSubstr(c.fault))));
  }
}

}  // namespace
}  // namespace tidemark::rpc
