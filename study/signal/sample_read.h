// One ReadSamples call over gRPC's callback API.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "base/rpc/guard.h"
#include "store/signal_reader.h"
#include "study/signal/sample_messages.h"
#include "study/signal/sample_reads.h"
#include "tidemark/v1/signal.pb.h"

namespace tidemark::study {

inline constexpr std::string_view kReadSamplesMethod = "/tidemark.v1.SignalService/ReadSamples";

// Reading and sending take turns, so that one thread at a time acts for a call:
//
//   Step (a thread of SampleReads) ─► StartWrite ... OnWriteDone (gRPC) ─► Schedule ─► Step
//
// Only the one whose turn it is finishes the call, and nothing of it is touched after its turn has
// been passed on. Deletes itself in OnDone.
class SampleRead final : public grpc::ServerWriteReactor<v1::ReadSamplesResponse> {
 public:
  // `reads` outlives this. Does nothing until the first Step().
  SampleRead(SampleReads* reads, grpc::CallbackServerContext* context,
             v1::ReadSamplesRequest request)
      : reads_(reads),
        context_(context),
        request_(std::move(request)),
        log_(kReadSamplesMethod, context) {}

  // Reads until there is something to send or the end is reached. May block.
  void Step();
  // Ends the call with an error of the server; it is this thread's turn.
  void End(const absl::Status& status);

  // For others than the one whose turn it is: whether a message has waited for the client since
  // `then` or longer, and how to end the call without a turn. Only while SampleReads knows the
  // call.
  bool HasWaitedSince(std::chrono::steady_clock::time_point then) const;
  void Cancel() { context_->TryCancel(); }

 private:
  using SteadyClock = std::chrono::steady_clock;

  absl::Status Begin();
  absl::Status Advance();
  absl::Status ReadPiece();
  void Send();
  void Pass();

  void OnWriteDone(bool ok) override;
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override;

  SampleReads* const reads_;
  grpc::CallbackServerContext* const context_;
  const v1::ReadSamplesRequest request_;
  const rpc::CallLog log_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<SteadyClock::rep> sending_since_ = 0;  // 0: not sending

  std::optional<rpc::Caller> caller_;  // set by the first step
  std::optional<PrincipalId> admitted_;
  absl::Time deadline_;
  std::vector<store::SampleQuery> queries_;
  size_t query_ = 0;
  std::unique_ptr<store::SampleReading> reading_;
  absl::Status damage_;                  // of a query before this one
  std::optional<absl::Status> outcome_;  // everything was read
  SampleMessages messages_;
};

}  // namespace tidemark::study
