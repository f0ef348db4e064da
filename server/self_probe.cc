#include "server/self_probe.h"

#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "absl/time/clock.h"

namespace tidemark::server {
namespace {

// The second has a request that cannot be read: it takes a thread for calls, and nothing more.
struct QuestionKind {
  const char* method;
  const char* request;
};
constexpr std::array<QuestionKind, 2> kQuestions = {
    {{"/grpc.health.v1.Health/Check", ""}, {"/tidemark.v1.ServerService/GetServerInfo", "\xff"}}};

// One call under way, and what became of it.
struct Question {
  grpc::ClientContext context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> call;
  grpc::ByteBuffer answer;
  grpc::Status status;
};

SelfAnswer Worse(SelfAnswer a, SelfAnswer b) { return std::max(a, b); }

// Two codes are the client's own words for "nobody there": no handler is behind the questions.
SelfAnswer AnswerOf(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::UNAVAILABLE:
      return SelfAnswer::kNone;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return SelfAnswer::kBusy;
    default:
      return SelfAnswer::kServing;
  }
}

std::shared_ptr<grpc::Channel> FreshChannel(
    const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // no connection of an earlier probe
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

}  // namespace

bool FailureCount::Fail(absl::Time now) {
  failures_.push_back(now);
  while (failures_.front() + window_ < now) failures_.pop_front();
  if (static_cast<int>(failures_.size()) < failures_max_) return false;
  failures_.clear();
  return true;
}

std::string OwnAddress(const std::string& listen, int port) {
  std::string host = listen.substr(0, listen.rfind(':'));
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "[::]") host = "[::1]";
  return fmt::format("{}:{}", host, port);
}

std::shared_ptr<grpc::ChannelCredentials> OwnChannelCredentials(bool tls) {
  if (!tls) return grpc::InsecureChannelCredentials();
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  return grpc::experimental::TlsCredentials(options);
}

SelfAnswer AskSelf(const std::string& address,
                   const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                   absl::Duration timeout) {
  grpc::GenericStub stub(FreshChannel(address, credentials));
  grpc::CompletionQueue queue;
  std::array<Question, kQuestions.size()> questions;
  for (size_t i = 0; i < kQuestions.size(); ++i) {
    Question& question = questions[i];
    question.context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    const grpc::Slice request(kQuestions[i].request);
    question.call = stub.PrepareUnaryCall(&question.context, kQuestions[i].method,
                                          grpc::ByteBuffer(&request, 1), &queue);
    question.call->StartCall();
    question.call->Finish(&question.answer, &question.status, &question);
  }
  void* tag = nullptr;
  bool ok = false;
  for (size_t i = 0; i < kQuestions.size(); ++i) queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) continue;
  return Worse(AnswerOf(questions[0].status), AnswerOf(questions[1].status));
}

SelfProbe::SelfProbe(SelfProbeOptions options, const Clock& clock, std::function<SelfAnswer()> ask,
                     std::function<void(SelfAnswer)> on_answer)
    : options_(std::move(options)),
      clock_(clock),
      ask_(std::move(ask)),
      on_answer_(std::move(on_answer)),
      failures_(options_.failures_max, options_.window),
      periodic_({{absl::ToChronoMilliseconds(options_.pause), [this] { Look(); }}}) {}

void SelfProbe::Look() {
  if (dead_) return;
  const SelfAnswer answer = ask_();
  on_answer_(answer);
  if (answer != SelfAnswer::kNone) {
    if (options_.on_alive) options_.on_alive();
    return failures_.Succeed();
  }
  if (!failures_.Fail(clock_.Now())) return;
  dead_ = true;
  options_.on_dead();
}

}  // namespace tidemark::server
