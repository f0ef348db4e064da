#include "tests/bench/upload_load.h"

#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "absl/time/clock.h"
#include "base/rpc/error.h"
#include "base/status_macros.h"
#include "ingest/client/rpc_channel.h"
#include "tidemark/v1/ingest.pb.h"
#include "tidemark/v1/receipt.pb.h"

namespace tidemark::bench {
namespace {

constexpr char kUploadMethod[] = "/tidemark.v1.IngestService/Upload";
constexpr absl::Duration kCallTimeout = absl::Minutes(10);

using SteadyClock = std::chrono::steady_clock;
using SystemClock = std::chrono::system_clock;

absl::Time SteadyNow() {
  return absl::UnixEpoch() + absl::FromChrono(SteadyClock::now().time_since_epoch());
}

bool Parse(const grpc::ByteBuffer& bytes, v1::UploadResponse& response) {
  grpc::ByteBuffer copy = bytes;
  return grpc::SerializationTraits<v1::UploadResponse>::Deserialize(&copy, &response).ok();
}

// One Upload call as a state machine over the events of a completion queue: at any time one read,
// and at most one write, is under way.
class UploadLane {
 public:
  enum Event { kStarted, kReadDone, kWriteDone, kClosed, kFinished };
  struct Tag {
    UploadLane* lane;
    Event event;
  };

  UploadLane(const LoadLane& lane, const LoadOptions& options, grpc::CompletionQueue* queue)
      : lane_(lane), options_(options), stub_(lane.device->channel) {
    ingest::Prepare(context_, lane.device->token, kCallTimeout);
    context_.set_wait_for_ready(true);  // its server may have been started anew
    call_ = stub_.PrepareCall(&context_, kUploadMethod, queue);
    call_->StartCall(&tags_[kStarted]);
  }

  void On(Event event, bool ok);
  // Sends what is due.
  void Pump(absl::Time now);
  void Begin(absl::Time now) { begun_at_ = now; }
  // What is not yet sent stays unsent.
  void StopSending() {
    result_.ran_dry = next_ == lane_.messages.size();
    result_.body_bytes_in_time = result_.body_bytes;
    is_stopped_ = true;
  }
  void HalfClose();

  bool is_open() const { return is_open_; }
  bool has_finished() const { return has_finished_; }
  bool is_paced() const { return lane_.period > absl::ZeroDuration(); }
  // Everything that was sent is answered, and nothing more is to be sent.
  bool is_done() const {
    return in_flight_ == 0 && !is_writing_ && (is_stopped_ || next_ == lane_.messages.size());
  }
  // When a paced lane has something to do; never for others.
  absl::Time due() const;
  const absl::Status& fault() const { return fault_; }
  LaneResult&& TakeResult() { return std::move(result_); }
  uint64_t body_bytes() const { return result_.body_bytes; }

 private:
  void WriteOpen();
  void TakeAnswer();
  void TakeReceipts(const v1::ReceiptBatch& batch);
  bool FitsWindow(const PreparedMessage& message) const {
    return in_flight_ == 0 || in_flight_ + message.chunks <= options_.window_chunks;
  }
  void Fail(absl::Status status) {
    if (fault_.ok()) fault_ = std::move(status);
  }
  void Finish() {
    if (std::exchange(is_finishing_, true)) return;
    call_->Finish(&status_, &tags_[kFinished]);
  }

  const LoadLane& lane_;
  const LoadOptions& options_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  Tag tags_[5] = {
      {this, kStarted}, {this, kReadDone}, {this, kWriteDone}, {this, kClosed}, {this, kFinished}};
  grpc::ByteBuffer answer_;
  v1::UploadResponse response_;
  v1::ReceiptStatement statement_;
  grpc::Status status_;
  absl::Status fault_;
  absl::Time begun_at_ = absl::InfiniteFuture();
  size_t next_ = 0;
  uint32_t in_flight_ = 0;
  bool is_open_ = false;
  bool is_writing_ = false;
  bool is_stopped_ = false;
  bool is_finishing_ = false;
  bool has_finished_ = false;
  std::unordered_map<uint64_t, absl::Time> due_at_;  // of watched messages, by their first number
  LaneResult result_;
};

void UploadLane::On(Event event, bool ok) {
  switch (event) {
    case kStarted:
      if (!ok) return Finish();
      WriteOpen();
      call_->Read(&answer_, &tags_[kReadDone]);
      return;
    case kReadDone:
      if (!ok) return Finish();  // the server has ended the call
      TakeAnswer();
      call_->Read(&answer_, &tags_[kReadDone]);
      return;
    case kWriteDone:
      is_writing_ = false;
      return;
    case kClosed:
      return;
    case kFinished:
      has_finished_ = true;
      if (!status_.ok()) Fail(rpc::FromGrpc(status_));
      if (in_flight_ > 0) Fail(absl::InternalError("a stream ended without all receipts"));
      return;
  }
}

void UploadLane::WriteOpen() {
  v1::UploadRequest request;
  request.mutable_open()->add_stream_ids(lane_.device->stream_id.ToString());
  const grpc::Slice slice(request.SerializeAsString());
  is_writing_ = true;
  call_->Write(grpc::ByteBuffer(&slice, 1), &tags_[kWriteDone]);
}

void UploadLane::TakeAnswer() {
  if (!Parse(answer_, response_)) return Fail(absl::InternalError("an answer does not parse"));
  if (response_.has_opened()) is_open_ = true;
  if (response_.has_receipts()) TakeReceipts(response_.receipts());
}

void UploadLane::TakeReceipts(const v1::ReceiptBatch& batch) {
  const PreparedMessage& any = lane_.messages.front();
  for (const std::string& bytes : batch.statements()) {
    const bool readable = statement_.ParseFromString(bytes);
    const bool set_aside = statement_.outcome() == v1::OUTCOME_QUARANTINED;
    if (!readable ||
        (statement_.outcome() != v1::OUTCOME_STORED && !(set_aside && options_.may_quarantine))) {
      Fail(absl::InternalError(fmt::format(
          "a chunk was not stored ({}, {}): this is no measurement",
          v1::Outcome_Name(statement_.outcome()), v1::ReceiptReason_Name(statement_.reason()))));
    }
    result_.quarantined += set_aside;
    if (!lane_.is_watched) continue;
    const auto sent = due_at_.find(statement_.number());
    if (sent == due_at_.end()) continue;
    result_.latencies_ms.push_back(absl::ToDoubleMilliseconds(SteadyNow() - sent->second));
    due_at_.erase(sent);
  }
  const auto chunks = static_cast<uint32_t>(batch.statements_size());
  in_flight_ -= std::min(in_flight_, chunks);
  result_.chunks += chunks;
  result_.body_bytes += any.body_bytes / any.chunks * chunks;
}

absl::Time UploadLane::due() const {
  const bool waits = !is_paced() || is_stopped_ || is_writing_ || is_finishing_ ||
                     next_ == lane_.messages.size() || !FitsWindow(lane_.messages[next_]);
  if (waits) return absl::InfiniteFuture();
  return begun_at_ + lane_.period * static_cast<int64_t>(next_);
}

void UploadLane::Pump(absl::Time now) {
  if (is_writing_ || is_stopped_ || is_finishing_ || next_ == lane_.messages.size()) return;
  const PreparedMessage& message = lane_.messages[next_];
  if (!FitsWindow(message) || (is_paced() && now < due())) return;
  if (lane_.is_watched) due_at_[message.first_number] = is_paced() ? due() : now;
  in_flight_ += message.chunks;
  ++next_;
  is_writing_ = true;
  call_->Write(message.bytes, &tags_[kWriteDone]);
}

void UploadLane::HalfClose() {
  if (!is_finishing_) call_->WritesDone(&tags_[kClosed]);
}

// All lanes of a load, driven by one thread.
class Load {
 public:
  Load(std::span<const LoadLane> lanes, const LoadOptions& options) : options_(options) {
    for (const LoadLane& lane : lanes) {
      lanes_.push_back(std::make_unique<UploadLane>(lane, options_, &queue_));
    }
  }
  // Every call must have finished before its lane may go.
  ~Load() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) continue;
  }

  absl::StatusOr<LoadResult> Run();

 private:
  template <class Done>
  void DriveUntil(Done&& done, bool pump);
  void Tick(absl::Time now);
  absl::Time NextDue() const;
  template <class Of>
  bool All(Of&& of) const {
    return std::all_of(lanes_.begin(), lanes_.end(),
                       [&](const auto& lane) { return of(*lane) || lane->has_finished(); });
  }

  const LoadOptions& options_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<UploadLane>> lanes_;
  absl::Time stop_at_ = absl::InfiniteFuture();
  absl::Time tick_at_ = absl::InfiniteFuture();
};

absl::Time Load::NextDue() const {
  absl::Time due = std::min(stop_at_, tick_at_);
  for (const auto& lane : lanes_) due = std::min(due, lane->due());
  return due;
}

void Load::Tick(absl::Time now) {
  const auto report = [this] {
    uint64_t bytes = 0;
    for (const auto& lane : lanes_) bytes += lane->body_bytes();
    if (options_.on_tick) options_.on_tick(bytes);
  };
  if (now >= tick_at_) {
    tick_at_ += options_.tick;
    report();
  }
  if (now < stop_at_) return;
  stop_at_ = tick_at_ = absl::InfiniteFuture();
  for (const auto& lane : lanes_) lane->StopSending();
  report();
}

template <class Done>
void Load::DriveUntil(Done&& done, bool pump) {
  constexpr absl::Duration kIdle = absl::Milliseconds(50);
  while (!done()) {
    void* tag = nullptr;
    bool ok = false;
    const absl::Duration wait =
        pump ? std::clamp(NextDue() - SteadyNow(), absl::ZeroDuration(), kIdle) : kIdle;
    const auto until = SystemClock::now() + absl::ToChronoMicroseconds(wait);
    const auto next = queue_.AsyncNext(&tag, &ok, until);
    const absl::Time now = SteadyNow();
    if (pump) Tick(now);
    if (next == grpc::CompletionQueue::GOT_EVENT) {
      const auto* event = static_cast<UploadLane::Tag*>(tag);
      event->lane->On(event->event, ok);
      if (pump) event->lane->Pump(now);
    }
    if (!pump) continue;
    for (const auto& lane : lanes_) {
      if (lane->is_paced()) lane->Pump(now);
    }
  }
}

absl::StatusOr<LoadResult> Load::Run() {
  DriveUntil([&] { return All([](const UploadLane& lane) { return lane.is_open(); }); }, false);
  const absl::Time begin = SteadyNow();
  stop_at_ = begin + options_.send_for;
  tick_at_ = begin + options_.tick;
  for (const auto& lane : lanes_) {
    lane->Begin(begin);
    lane->Pump(begin);
  }
  DriveUntil([&] { return All([](const UploadLane& lane) { return lane.is_done(); }); }, true);
  LoadResult result;
  result.seconds = absl::ToDoubleSeconds(SteadyNow() - begin);
  for (const auto& lane : lanes_) lane->HalfClose();
  DriveUntil([&] { return All([](const UploadLane&) { return false; }); }, false);
  for (const auto& lane : lanes_) {
    TM_RETURN_IF_ERROR(lane->fault());
    result.lanes.push_back(lane->TakeResult());
  }
  return result;
}

}  // namespace

uint64_t LoadResult::chunks() const {
  uint64_t sum = 0;
  for (const LaneResult& lane : lanes) sum += lane.chunks;
  return sum;
}

uint64_t LoadResult::body_bytes() const {
  uint64_t sum = 0;
  for (const LaneResult& lane : lanes) sum += lane.body_bytes;
  return sum;
}

absl::StatusOr<LoadResult> RunLoad(std::span<const LoadLane> lanes, const LoadOptions& options) {
  return Load(lanes, options).Run();
}

}  // namespace tidemark::bench
