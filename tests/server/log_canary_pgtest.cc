// Nothing that a person typed, no id, code or token reaches the log, an error message, the page of
// metrics or the text of a statement.
//
// A marker of its own is planted in every text field of every request of every service, found by
// reflection, so that a method or field that is added is looked at, too: once all at a time in a
// request that is right otherwise and goes deep, then one by one. Every kind of caller sends them.
// Then the log of the server at its finest level is searched, its metrics, and the statement log of
// the database with everything that it can be told to write.
//
// In the statement log the parameters of some statements do hold markers: those that write or look
// up columns which docs/privacy.md names as plain (names, codes, labels). They stand here one by
// one, so that another one is noticed. A server never turns that log on; a site that does keeps it
// as it keeps the database.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/base64.h"
#include "base/log.h"
#include "server/roles.h"
#include "tests/server/any_method.h"
#include "tests/server/http_question.h"
#include "tidemark/v1/authz.pb.h"

namespace tidemark::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::MethodDescriptor;
using Path = std::vector<const FieldDescriptor*>;

constexpr int kDepthMax = 5;
// Of every marker; what is searched for, however it is written.
constexpr std::string_view kMarker = "canary7q";

// Statements whose parameters hold text of a request, because it stands in a plain column: names of
// studies, people, devices and labels of tokens; codes; the plan of a study.
const std::set<std::string> kPlainStatements = {
    "insert_credential",  "insert_device",       "insert_directory_entry",
    "insert_participant", "insert_principal",    "insert_study",
    "set_study_plan",     "lock_device_by_name", "revoke_credential"};

bool IsText(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
}
bool IsMessage(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}
std::string NameOf(const Path& path) {
  std::vector<std::string> names;
  for (const FieldDescriptor* field : path) names.push_back(field->name());
  return fmt::format("{}", fmt::join(names, "."));
}

// All text fields of a message and of the messages in it.
void FindTexts(const Descriptor& message, const Path& path, std::vector<Path>& found) {
  if (path.size() >= kDepthMax) return;
  for (int i = 0; i < message.field_count(); ++i) {
    Path longer = path;
    longer.push_back(message.field(i));
    if (IsText(*message.field(i))) found.push_back(longer);
    if (IsMessage(*message.field(i))) FindTexts(*message.field(i)->message_type(), longer, found);
  }
}

// Sets one text field, making what it stands in.
void SetText(Message& message, const Path& path, const std::string& text) {
  Message* at = &message;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    const auto* reflection = at->GetReflection();
    if (!path[i]->is_repeated()) {
      at = reflection->MutableMessage(at, path[i]);
    } else if (reflection->FieldSize(*at, path[i]) > 0) {
      at = reflection->MutableRepeatedMessage(at, path[i], 0);
    } else {
      at = reflection->AddMessage(at, path[i]);
    }
  }
  if (path.back()->is_repeated()) {
    at->GetReflection()->ClearField(at, path.back());
    at->GetReflection()->AddString(at, path.back(), text);
  } else {
    at->GetReflection()->SetString(at, path.back(), text);
  }
}

class LogCanaryTest : public ServerFixture {
 protected:
  void SetUp() override {
    const std::filesystem::path data = database_.QueryValue("show data_directory");
    database_log_ = data.parent_path() / "server.log";
    ASSERT_TRUE(std::filesystem::exists(database_log_)) << "a cluster that tests did not start";
    for (const char* setting : {"log_statement = 'all'", "log_parameter_max_length = -1",
                                "log_parameter_max_length_on_error = -1"}) {
      database_.Execute(fmt::format("alter database {} set {}", database_.name(), setting));
    }
    log_begin_ = std::filesystem::file_size(database_log_);
    ::testing::internal::CaptureStderr();
    InitLog("trace", true);
    ServerFixture::SetUp();
    site_ = MakeSite("own");
    spare_ = AddParticipant(site_, "p2");
    doomed_ = AddParticipant(site_, "p3");
    tokens_ = {operator_token_, site_.manager_token, site_.session_token, AuditorToken(), ""};
  }
  Config MakeConfig() const override {
    Config config = ServerFixture::MakeConfig();
    config.metrics_listen = "127.0.0.1:0";
    return config;
  }
  void TearDown() override {
    InitLog("info", false);
    ServerFixture::TearDown();
  }

  std::string AuditorToken() {
    const auto access = v1::AccessService::NewStub(channel_);
    v1::CreateStaffRequest create;
    create.set_request_id(NewRequestId());
    create.set_study_id(site_.study_id);
    create.set_display_name("auditor");
    create.set_role(v1::ROLE_AUDITOR);
    const auto made =
        Invoke(*access, &v1::AccessService::Stub::CreateStaff, create, site_.manager_token);
    EXPECT_THAT(made, support::IsOk());
    v1::SignInRequest sign_in;
    if (made.ok()) sign_in.set_sign_in_code(made->sign_in_code());
    const auto session = Invoke(*access, &v1::AccessService::Stub::SignIn, sign_in, "");
    EXPECT_THAT(session, support::IsOk());
    principal_ = session.ok() ? session->principal_id() : "";
    return session.ok() ? session->session_token() : "";
  }

  // A new marker, valid as a name, that tells where it was planted.
  std::string NewMarker(const std::string& where) {
    const std::string marker = fmt::format("{}-{:05}", kMarker, markers_.size());
    markers_.push_back(where);
    return marker;
  }
  // Where the markers in `text` were planted; empty without one.
  std::string Leaks(std::string_view text) const {
    std::set<std::string> where;
    for (size_t at = text.find(kMarker); at != std::string_view::npos;
         at = text.find(kMarker, at + 1)) {
      const size_t number = std::strtoul(text.data() + at + kMarker.size() + 1, nullptr, 10);
      where.insert(number < markers_.size() ? markers_[number] : "?");
    }
    // Written in hexadecimal digits, as the database does with bytes.
    const std::string hex = HexEncode(std::string(kMarker) + "-");
    for (size_t at = text.find(hex); at != std::string_view::npos; at = text.find(hex, at + 1)) {
      size_t number = 0;
      for (size_t i = at + hex.size(); i + 1 < text.size() && text[i] == '3'; i += 2) {
        number = number * 10 + static_cast<size_t>(text[i + 1] - '0');
        if (i >= at + hex.size() + 8) break;
      }
      where.insert(number < markers_.size() ? markers_[number] : "?");
    }
    return fmt::format("{}", fmt::join(where, ", "));
  }

  // What makes a text field right; nothing for one that takes any text.
  std::optional<std::string> RightText(const std::string& method, const std::string& field) const {
    const bool ends_it = method.ends_with("/RevokeDevice") || method.ends_with("/RevokePrincipal");
    if (field == "request_id") return NewRequestId();
    if (field == "study_id") return site_.study_id;
    if (field == "participant_id") {
      if (method.ends_with("/EraseParticipant")) return doomed_;
      const bool is_end =
          method.ends_with("/WithdrawParticipant") || method.ends_with("/CompleteParticipant");
      return is_end ? spare_ : site_.participant_id;
    }
    if (field == "confirm_code") return "p3";
    if (field == "device_id") return ends_it ? NewRequestId() : site_.device_id;
    if (field == "principal_id") return ends_it ? NewRequestId() : principal_;
    if (field == "stream_id" || field == "stream_ids") return stream_id_;
    if (field == "time_zone") return "Europe/Berlin";
    if (field == "page_token") return "";
    if (field == "unit") return "1";
    if (field.ends_with("_id")) return NewRequestId();
    return std::nullopt;
  }
  static int64_t RightNumber(const std::string& field) {
    static const std::map<std::string, int64_t> kNumbers = {
        {"begin", 0},   {"begin_ns", 0},    {"end", 10},       {"end_ns", 10}, {"age_from", 30},
        {"age_to", 39}, {"height_cm", 170}, {"wrist_mm", 160}, {"width", 100}, {"page_size", 10}};
    const auto found = kNumbers.find(field);
    return found == kNumbers.end() ? 1 : found->second;
  }

  // Every field as the method wants it, with markers where any text will do.
  void Fill(const std::string& method, Message& message, int depth) {
    const auto& descriptor = *message.GetDescriptor();
    for (int i = 0; i < descriptor.field_count(); ++i) {
      const FieldDescriptor& field = *descriptor.field(i);
      const auto* oneof = field.real_containing_oneof();
      // The first of those that exclude each other.
      if (oneof != nullptr && oneof->field(0) != &field) continue;
      FillField(method, message, field, depth);
    }
  }
  void FillField(const std::string& method, Message& message, const FieldDescriptor& field,
                 int depth) {
    const auto* reflection = message.GetReflection();
    if (IsMessage(field)) {
      if (depth == kDepthMax) return;
      Fill(method,
           field.is_repeated() ? *reflection->AddMessage(&message, &field)
                               : *reflection->MutableMessage(&message, &field),
           depth + 1);
    } else if (IsText(field)) {
      const auto right = RightText(method, field.name());
      SetText(message, {&field},
              right ? *right : NewMarker(fmt::format("{} {}", method, field.name())));
    } else {
      SetNumber(method, message, field);
    }
  }
  static void SetNumber(const std::string& method, Message& message, const FieldDescriptor& field) {
    const auto* reflection = message.GetReflection();
    const int64_t number = RightNumber(field.name());
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      int value = field.enum_type()->value(1)->number();
      if (method.ends_with("/CreateService") && field.name() == "role") value = v1::ROLE_TRAINER;
      field.is_repeated() ? reflection->AddEnumValue(&message, &field, value)
                          : reflection->SetEnumValue(&message, &field, value);
      return;
    }
    if (field.is_repeated()) return;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return reflection->SetInt32(&message, &field, static_cast<int32_t>(number));
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection->SetInt64(&message, &field, number);
      case FieldDescriptor::CPPTYPE_UINT32:
        return reflection->SetUInt32(&message, &field, static_cast<uint32_t>(number));
      case FieldDescriptor::CPPTYPE_UINT64:
        return reflection->SetUInt64(&message, &field, static_cast<uint64_t>(number));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return reflection->SetDouble(&message, &field, static_cast<double>(number));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return reflection->SetFloat(&message, &field, static_cast<float>(number));
      default:
        return;
    }
  }

  std::unique_ptr<Message> Filled(const MethodDescriptor& method, const std::string& name) {
    const auto* prototype = MessageFactory::generated_factory()->GetPrototype(method.input_type());
    std::unique_ptr<Message> request(prototype->New());
    Fill(name, *request, 0);
    return request;
  }

  // One message up, then the status, which must not repeat what was sent.
  void Send(const std::string& method, const Message& request, const std::string& token,
            const std::map<std::string, std::string>& metadata = {}) {
    const absl::Status status =
        CallAnyMethod(channel_, method, request.SerializeAsString(), token, metadata);
    passed_ += status.ok() ? 1 : 0;
    ++sent_;
    const std::string shown = status.ToString();
    EXPECT_EQ(Leaks(shown), "") << method << ": " << shown;
    for (const std::string& id : Ids()) {
      EXPECT_EQ(shown.find(id), std::string::npos) << method << ": " << shown;
    }
  }
  std::vector<std::string> Ids() const {
    return {site_.study_id, site_.participant_id, site_.device_id, spare_,
            doomed_,        principal_,           stream_id_};
  }

  void SendEveryField(const MethodDescriptor& method) {
    const std::string name = "/" + method.service()->full_name() + "/" + method.name();
    std::vector<Path> texts;
    FindTexts(*method.input_type(), {}, texts);
    for (const std::string& token : tokens_) {
      Send(name, *Filled(method, name), token);
      for (const Path& path : texts) {
        const auto request = Filled(method, name);
        SetText(*request, path, NewMarker(name + " " + NameOf(path)));
        Send(name, *request, token);
      }
    }
  }
  // In what comes beside a request.
  void SendMetadata() {
    const std::string method = "/tidemark.v1.IngestService/PutChunks";
    const v1::GetServerInfoRequest nothing;
    Send(method, nothing, NewMarker("token"));
    Send(method, nothing,
         "tmm_0123456789abcdef0123_" + NewMarker("secret of a token") +
             std::string(32 - kMarker.size() - 6, 'x'));
    for (const char* key : {"tidemark-device-signature", "traceparent", "x-forwarded-for"}) {
      Send(method, nothing, "", {{key, "v1." + NewMarker(key)}});
    }
  }

  // The rest of the database's log, one entry each: lines that begin with a tab go on.
  std::vector<std::string> DatabaseLog() const {
    std::ifstream file(database_log_);
    file.seekg(static_cast<std::streamoff>(log_begin_));
    std::vector<std::string> entries;
    for (std::string line; std::getline(file, line);) {
      if (!line.empty() && line[0] == '\t' && !entries.empty()) {
        entries.back() += "\n" + line;
      } else {
        entries.push_back(std::move(line));
      }
    }
    return entries;
  }
  static std::string StatementOf(const std::string& entry) {
    constexpr std::string_view kExecute = "execute ";
    const size_t at = entry.find(kExecute);
    if (at == std::string::npos) return "";
    const size_t begin = at + kExecute.size();
    return entry.substr(begin, entry.find(':', begin) - begin);
  }

  void CheckServerLog(const std::string& log) {
    EXPECT_THAT(log, ::testing::HasSubstr(R"("message":"call")"));
    std::istringstream lines(log);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_EQ(Leaks(line), "") << line;
      EXPECT_TRUE(nlohmann::json::accept(line)) << line;
      for (const std::string& id : Ids()) EXPECT_EQ(line.find(id), std::string::npos) << line;
      for (const std::string& token : tokens_) {
        if (!token.empty()) {
          EXPECT_EQ(line.find(token.substr(4, 20)), std::string::npos) << line;
        }
      }
    }
  }
  void CheckMetrics(const std::string& page) {
    EXPECT_EQ(Leaks(page), "");
    for (const std::string& id : Ids()) EXPECT_EQ(page.find(id), std::string::npos) << id;
    for (const std::string& token : tokens_) {
      if (token.empty()) continue;
      EXPECT_EQ(page.find(token.substr(4, 20)), std::string::npos);
    }
    // Every kind of end was counted, so there was something to leak.
    EXPECT_GE(MetricOf(page, "tidemark_calls_total{status=\"ok\"}"), passed_);
    for (const char* status : {"invalid_argument", "not_found", "permission_denied"}) {
      EXPECT_GT(MetricOf(page, fmt::format("tidemark_calls_total{{status=\"{}\"}}", status)), 0);
    }
    EXPECT_GT(MetricOf(page, "tidemark_authentication_failures_total"), 0);
  }
  // Of the text of a statement nothing comes from a request. Parameters are another thing.
  void CheckDatabaseLog() {
    std::string statement;
    std::set<std::string> with_text;
    size_t executed = 0;
    for (const std::string& entry : DatabaseLog()) {
      const std::string leaks = Leaks(entry);
      const bool are_parameters = entry.find("DETAIL:  parameters:") != std::string::npos;
      if (!are_parameters) {
        statement = StatementOf(entry);
        executed += statement.empty() ? 0 : 1;
        // CONTEXT repeats the parameters of a statement that failed.
        const bool repeats = entry.find("CONTEXT:") != std::string::npos;
        EXPECT_TRUE(leaks.empty() || repeats) << leaks << ": " << entry;
      } else if (!leaks.empty()) {
        with_text.insert(statement);
        EXPECT_TRUE(kPlainStatements.contains(statement)) << statement << " <- " << leaks;
      }
    }
    EXPECT_GT(executed, 400u) << "the statement log is not what this test takes it for";
    EXPECT_THAT(with_text, ::testing::IsSupersetOf(kPlainStatements)) << "no longer needed";
  }

  Site site_;
  std::string spare_, doomed_, principal_;
  const std::string stream_id_ = StreamId::MakeV7().ToString();
  std::vector<std::string> tokens_;
  std::vector<std::string> markers_;
  std::filesystem::path database_log_;
  uintmax_t log_begin_ = 0;
  int sent_ = 0;
  int passed_ = 0;
};

TEST_F(LogCanaryTest, NoTextOfARequestIsRepeated) {
  for (const std::string& name : ServicesOf(Config().roles)) {
    const auto* service = DescriptorPool::generated_pool()->FindServiceByName(name);
    // Streams first: other methods are about them.
    for (int i = service->method_count() - 1; i >= 0; --i) SendEveryField(*service->method(i));
  }
  SendMetadata();
  CheckMetrics(AskHttp(server_->metrics_port(), "/metrics").body);
  Disconnect();
  server_->Shutdown(absl::ZeroDuration());
  CheckServerLog(::testing::internal::GetCapturedStderr());
  CheckDatabaseLog();
  EXPECT_GT(passed_, 60) << "of " << sent_ << ": hardly a request came through";
  RecordProperty("sent", sent_);
  RecordProperty("passed", passed_);
}

}  // namespace
}  // namespace tidemark::server
