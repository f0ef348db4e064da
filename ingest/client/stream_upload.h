// One Upload stream, from its open to its last receipt.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "ingest/client/envelope_source.h"
#include "ingest/wire_limits.h"
#include "tidemark/v1/ingest.grpc.pb.h"

namespace tidemark::ingest {

// The calling thread writes; a thread of its own reads receipts. The window holds the writer back:
// there are never more than `window_chunks_max` chunks without a receipt. Borrows everything.
class StreamUpload {
 public:
  struct Options {
    std::string token;
    size_t window_chunks_max = kChunksInFlightMax;
    size_t message_bytes_max = kChunkMessageBytesMax;
    size_t message_chunks_max = kChunksPerMessageMax;
    absl::Duration stall_timeout = absl::Seconds(60);
    absl::Duration time_max = absl::Minutes(10);
  };
  using Receive = std::function<absl::Status(const v1::ReceiptBatch&)>;

  StreamUpload(Options options, v1::IngestService::Stub& stub, EnvelopeSource& source,
               ChunkQueue& queue, Receive receive)
      : options_(std::move(options)),
        stub_(stub),
        source_(source),
        queue_(queue),
        receive_(std::move(receive)) {}

  // Sends until the source has nothing for now and every receipt is in. OK then, also when the time
  // was up and chunks are left; else the status of the stream or of what `receive` said.
  // DEADLINE_EXCEEDED when receipts stopped coming.
  absl::Status Run(const std::vector<std::string>& stream_ids);

 private:
  using Stream = grpc::ClientReaderWriter<v1::UploadRequest, v1::UploadResponse>;

  absl::Status Open(Stream& stream, const std::vector<std::string>& stream_ids);
  void ReadReceipts(Stream& stream);
  absl::Status WriteAll(Stream& stream);
  // The next message; without chunks when the source is empty for now.
  v1::UploadRequest NextMessage(size_t chunks_max);
  // Waits for the next receipt; DEADLINE_EXCEEDED when there is none within the stall timeout.
  absl::Status AwaitReceipt(size_t in_flight_seen);
  // Waits until a good part of the window is free, so that messages carry several chunks.
  absl::Status AwaitRoom();

  const Options options_;
  v1::IngestService::Stub& stub_;
  EnvelopeSource& source_;
  ChunkQueue& queue_;
  const Receive receive_;
  grpc::ClientContext context_;
  size_t window_ = 0;
  absl::Status receive_status_;  // written by the reader, read after it ended
};

}  // namespace tidemark::ingest
