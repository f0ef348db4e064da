#include "ingest/client/read_back.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

#include "base/endian.h"
#include "tests/support/status_matchers.h"

namespace tidemark::ingest {
namespace {

using support::IsOk;
using support::StatusIs;

// Answers ReadSamples as a test says.
class FakeSignals final : public v1::SignalService::Service {
 public:
  using Answer = std::function<grpc::Status(grpc::ServerContext&,
                                            grpc::ServerWriter<v1::ReadSamplesResponse>&)>;
  explicit FakeSignals(Answer answer) : answer_(std::move(answer)) {
    grpc::ServerBuilder builder;
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    stub_ = v1::SignalService::NewStub(server_->InProcessChannel({}));
  }
  ~FakeSignals() override { server_->Shutdown(); }

  absl::StatusOr<StreamDigest::Summary> Read(absl::Duration stall_timeout) {
    return ReadBack(*stub_, "token", ParticipantId::MakeV7(), StreamId::MakeV7(), stall_timeout);
  }
  grpc::Status ReadSamples(grpc::ServerContext* context, const v1::ReadSamplesRequest*,
                           grpc::ServerWriter<v1::ReadSamplesResponse>* writer) override {
    return answer_(*context, *writer);
  }

 private:
  const Answer answer_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::SignalService::Stub> stub_;
};

v1::ReadSamplesResponse OneSample() {
  v1::ReadSamplesResponse response;
  response.mutable_block()->set_count(1);
  response.mutable_block()->set_values("v");
  std::string stamp;
  AppendLe(stamp, int64_t{7});
  response.mutable_block()->set_stamps_device_ns(stamp);
  return response;
}

TEST(ReadBack, TakesAsLongAsItMayWhileSomethingComes) {
  std::atomic<bool> limited = true;
  FakeSignals signals([&](auto& context, auto& writer) {
    limited = context.deadline() != std::chrono::system_clock::time_point::max();
    for (int i = 0; i < 3; ++i) writer.Write(OneSample());
    return grpc::Status::OK;
  });
  const auto read = signals.Read(kReadStallTimeout);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->samples, 3u);
  EXPECT_FALSE(limited) << "a recording may be of any length";
}

TEST(ReadBack, AServerThatFallsSilentIsLeft) {
  FakeSignals signals([&](auto& context, auto& writer) {
    writer.Write(OneSample());
    while (!context.IsCancelled()) std::this_thread::yield();
    return grpc::Status::CANCELLED;
  });
  EXPECT_THAT(signals.Read(absl::Milliseconds(50)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, ::testing::HasSubstr("50ms")));
}

TEST(ReadBack, AnErrorOfTheServerIsPassedOn) {
  FakeSignals signals(
      [](auto&, auto&) { return grpc::Status(grpc::StatusCode::DATA_LOSS, "bad"); });
  EXPECT_THAT(signals.Read(kReadStallTimeout), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace tidemark::ingest
