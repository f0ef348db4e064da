// A server in this process that answers chunks as a test says.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/rpc/error.h"
#include "tests/ingest/client/receipt_maker.h"
#include "tidemark/v1/device.grpc.pb.h"
#include "tidemark/v1/ingest.grpc.pb.h"
#include "tidemark/v1/server.grpc.pb.h"

namespace tidemark::ingest {

// What one chunk is answered.
struct Answer {
  v1::Outcome outcome = v1::OUTCOME_STORED;
  v1::DeviceAction action = v1::DEVICE_ACTION_MAY_DELETE;
  v1::ReceiptReason reason = v1::RECEIPT_REASON_UNSPECIFIED;
  v1::Durability durability = v1::DURABILITY_LOCAL;
  uint32_t retry_after_ms = 0;
  bool silent = false;  // no receipt at all
};

class FakeServer final : public v1::DeviceService::Service,
                         public v1::IngestService::Service,
                         public v1::ServerService::Service {
 public:
  using Decide = std::function<Answer(const v1::ChunkBody& body, int times_seen)>;

  FakeServer();
  ~FakeServer() override { server_->Shutdown(); }
  std::shared_ptr<grpc::Channel> channel() {
    return server_->InProcessChannel(grpc::ChannelArguments());
  }

  // How chunks are answered; without: STORED, or DUPLICATE the second time.
  void SetDecide(Decide decide) TM_EXCLUDES(mutex_);
  // The next calls of this method ("Upload", "OpenSession", ...) fail so, in this order.
  void Fail(const std::string& method, absl::Status status, int times = 1) TM_EXCLUDES(mutex_);
  // Every Upload stream is cut off, undecided, after so many chunks; 0: never.
  void CutStreamsAfter(int chunks) TM_EXCLUDES(mutex_);
  // Receipts are signed by `maker`; it is listed only once GetServerInfo was called again.
  void RotateReceiptKey() TM_EXCLUDES(mutex_);
  void ForgeReceipts() TM_EXCLUDES(mutex_);
  void SetWindow(uint32_t chunks) TM_EXCLUDES(mutex_);
  // Said by GetServerInfo, beside the usual bytes.
  void SetLimits(const v1::ServerLimits& limits) TM_EXCLUDES(mutex_);
  // Says that `numbers` of a writer were stored before.
  void Remember(const std::string& stream_id, const std::string& writer_id, uint64_t begin,
                uint64_t end) TM_EXCLUDES(mutex_);

  // GetUploadState lists so many ranges at most.
  void CutListsAt(int ranges) TM_EXCLUDES(mutex_);
  // Numbers below `end` of a writer that are not settled.
  std::set<uint64_t> MissingBelow(uint64_t end, const std::string& stream_id,
                                  const std::string& writer_id) const TM_EXCLUDES(mutex_);

  struct Seen {
    int streams_opened = 0;
    int bundles = 0;
    int chunks = 0;
    int sessions = 0;
    int messages = 0;
    size_t in_flight_most = 0;  // chunks of one stream without a receipt
    std::vector<v1::AbandonRangeRequest> abandoned;
    std::map<std::string, v1::DeclareStreamRequest> declared;  // "name/version"
    std::map<std::string, int> bodies;                         // body -> times
    std::string last_public_key;
    std::string last_bundle_signature;
    std::string last_bundle;
  };
  Seen seen() const TM_EXCLUDES(mutex_);

  const DeviceId device_id = DeviceId::MakeV7();
  const ParticipantId participant_id = ParticipantId::MakeV7();

  grpc::Status Enrol(grpc::ServerContext*, const v1::EnrolRequest*, v1::EnrolResponse*) override;
  grpc::Status RequestChallenge(grpc::ServerContext*, const v1::RequestChallengeRequest*,
                                v1::RequestChallengeResponse*) override;
  grpc::Status OpenSession(grpc::ServerContext*, const v1::OpenSessionRequest*,
                           v1::OpenSessionResponse*) override;
  grpc::Status RotateKey(grpc::ServerContext*, const v1::RotateKeyRequest*,
                         v1::RotateKeyResponse*) override;
  grpc::Status DeclareStream(grpc::ServerContext*, const v1::DeclareStreamRequest*,
                             v1::DeclareStreamResponse*) override;
  grpc::Status ListStreams(grpc::ServerContext*, const v1::ListStreamsRequest*,
                           v1::ListStreamsResponse*) override;
  grpc::Status Upload(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::UploadResponse, v1::UploadRequest>* stream) override;
  grpc::Status PutChunks(grpc::ServerContext*, const v1::PutChunksRequest*,
                         v1::PutChunksResponse*) override;
  grpc::Status GetUploadState(grpc::ServerContext*, const v1::GetUploadStateRequest*,
                              v1::GetUploadStateResponse*) override;
  grpc::Status AbandonRange(grpc::ServerContext*, const v1::AbandonRangeRequest*,
                            v1::AbandonRangeResponse*) override;
  grpc::Status GetServerInfo(grpc::ServerContext*, const v1::GetServerInfoRequest*,
                             v1::GetServerInfoResponse*) override;

 private:
  using WriterKey = std::pair<std::string, std::string>;  // canonical texts

  grpc::Status NextFailure(const std::string& method) TM_EXCLUDES(mutex_);
  v1::WriterState StateOf(const WriterKey& key) const TM_REQUIRES(mutex_);
  // The statement on one envelope; nothing for a silent one.
  std::optional<v1::ReceiptStatement> Admit(const v1::ChunkEnvelope& envelope) TM_EXCLUDES(mutex_);
  v1::ReceiptBatch Sign(const std::vector<v1::ReceiptStatement>& statements) TM_EXCLUDES(mutex_);

  mutable Mutex mutex_;
  Decide decide_ TM_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<absl::Status>> failures_ TM_GUARDED_BY(mutex_);
  int cut_after_ TM_GUARDED_BY(mutex_) = 0;
  bool forge_ TM_GUARDED_BY(mutex_) = false;
  uint32_t window_ TM_GUARDED_BY(mutex_) = 64;
  v1::ServerLimits limits_ TM_GUARDED_BY(mutex_);
  std::vector<ReceiptMaker> makers_ TM_GUARDED_BY(mutex_);
  int ranges_per_list_ TM_GUARDED_BY(mutex_) = 1'000;
  std::map<WriterKey, std::set<uint64_t>> settled_ TM_GUARDED_BY(mutex_);  // but abandoned
  std::map<WriterKey, std::set<uint64_t>> abandoned_ TM_GUARDED_BY(mutex_);
  Seen seen_ TM_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tidemark::ingest
