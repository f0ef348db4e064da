#include "ingest/client/stream_upload.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/rpc/error.h"
#include "base/status_macros.h"
#include "ingest/client/rpc_channel.h"

namespace tidemark::ingest {
namespace {

// Beyond the soft end of a stream: time for the last receipts.
constexpr absl::Duration kGrace = absl::Minutes(5);

using SteadyClock = std::chrono::steady_clock;

}  // namespace

absl::Status StreamUpload::Run(const std::vector<std::string>& stream_ids) {
  Prepare(context_, options_.token, options_.time_max + kGrace);
  const std::unique_ptr<Stream> stream = stub_.Upload(&context_);
  absl::Status written = Open(*stream, stream_ids);
  if (written.ok()) {
    std::thread reader([&] { ReadReceipts(*stream); });
    written = WriteAll(*stream);
    // What cannot be written any more needs no receipts either, unless the stream itself broke:
    // then receipts that are on their way still count.
    if (absl::IsDeadlineExceeded(written)) context_.TryCancel();
    stream->WritesDone();
    reader.join();
  }
  const absl::Status finished = rpc::FromGrpc(stream->Finish());
  // The first cause, not what followed from it.
  if (!receive_status_.ok()) return receive_status_;
  if (absl::IsDeadlineExceeded(written)) return written;
  return finished.ok() ? written : finished;
}

absl::Status StreamUpload::Open(Stream& stream, const std::vector<std::string>& stream_ids) {
  v1::UploadRequest request;
  for (const std::string& id : stream_ids) {
    if (request.open().stream_ids_size() == kStreamsPerOpenMax) break;
    request.mutable_open()->add_stream_ids(id);
  }
  request.mutable_open();
  v1::UploadResponse response;
  if (!stream.Write(request) || !stream.Read(&response)) {
    return absl::UnavailableError("the server closed the upload at its opening");
  }
  if (!response.has_opened()) {
    context_.TryCancel();
    receive_status_ = absl::DataLossError("the upload was not opened as documented");
    return receive_status_;
  }
  window_ = options_.window_chunks_max;
  if (response.opened().chunks_in_flight_max() > 0) {
    window_ = std::min<size_t>(window_, response.opened().chunks_in_flight_max());
  }
  return absl::OkStatus();
}

void StreamUpload::ReadReceipts(Stream& stream) {
  v1::UploadResponse response;
  while (stream.Read(&response)) {
    receive_status_ = receive_(response.receipts());
    if (!receive_status_.ok()) {
      context_.TryCancel();
      break;
    }
  }
  queue_.Interrupt();
}

absl::Status StreamUpload::WriteAll(Stream& stream) {
  const auto end = SteadyClock::now() + absl::ToChronoNanoseconds(options_.time_max);
  while (!queue_.interrupted()) {
    const size_t in_flight = queue_.in_flight();
    if (in_flight >= window_) {
      TM_RETURN_IF_ERROR(AwaitRoom());
      continue;
    }
    v1::UploadRequest message;
    if (SteadyClock::now() < end) {
      message = NextMessage(window_ - in_flight);
    }
    if (message.chunks().envelopes_size() > 0) {
      if (!stream.Write(message)) return absl::UnavailableError("the upload broke");
      continue;
    }
    // Nothing to send now: the last receipts may bring chunks back.
    if (in_flight == 0) return absl::OkStatus();
    TM_RETURN_IF_ERROR(AwaitReceipt(in_flight));
  }
  return absl::UnavailableError("the server closed the upload");
}

v1::UploadRequest StreamUpload::NextMessage(size_t chunks_max) {
  v1::UploadRequest message;
  auto& envelopes = *message.mutable_chunks()->mutable_envelopes();
  size_t bytes = 0;
  chunks_max = std::min(chunks_max, options_.message_chunks_max);
  while (static_cast<size_t>(envelopes.size()) < chunks_max) {
    const PreparedChunk* const next = source_.Peek();
    if (next == nullptr) break;
    const size_t with_next = bytes + next->envelope.ByteSizeLong();
    if (bytes > 0 && with_next > options_.message_bytes_max) break;
    bytes = with_next;
    *envelopes.Add() = source_.Take().envelope;
  }
  return message;
}

absl::Status StreamUpload::AwaitRoom() {
  const size_t enough = window_ - window_ / 4;
  while (!queue_.interrupted()) {
    const size_t in_flight = queue_.in_flight();
    if (in_flight < enough || in_flight == 0) break;
    TM_RETURN_IF_ERROR(AwaitReceipt(in_flight));
  }
  return absl::OkStatus();
}

absl::Status StreamUpload::AwaitReceipt(size_t in_flight_seen) {
  const auto deadline = SteadyClock::now() + absl::ToChronoNanoseconds(options_.stall_timeout);
  if (queue_.AwaitReceipt(in_flight_seen, deadline)) return absl::OkStatus();
  return absl::DeadlineExceededError("no receipt came for too long");
}

}  // namespace tidemark::ingest
