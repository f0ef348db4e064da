#include "tests/ingest/client/fake_server.h"

#include <zstd.h>

#include <algorithm>

#include "ingest/bundle.h"

namespace tidemark::ingest {
namespace {

std::string BodyOf(const v1::ChunkEnvelope& envelope) {
  if (envelope.compression() != v1::COMPRESSION_ZSTD) return envelope.body();
  std::string body(envelope.uncompressed_size(), '\0');
  const size_t size =
      ZSTD_decompress(body.data(), body.size(), envelope.body().data(), envelope.body().size());
  body.resize(ZSTD_isError(size) != 0 ? 0 : size);
  return body;
}

}  // namespace

FakeServer::FakeServer() {
  makers_.emplace_back("k1");
  grpc::ServerBuilder builder;
  builder.RegisterService(static_cast<v1::DeviceService::Service*>(this));
  builder.RegisterService(static_cast<v1::IngestService::Service*>(this));
  builder.RegisterService(static_cast<v1::ServerService::Service*>(this));
  builder.SetMaxReceiveMessageSize(16 << 20);
  server_ = builder.BuildAndStart();
}

void FakeServer::SetDecide(Decide decide) {
  MutexLock lock(mutex_);
  decide_ = std::move(decide);
}

void FakeServer::Fail(const std::string& method, absl::Status status, int times) {
  MutexLock lock(mutex_);
  failures_[method].insert(failures_[method].end(), static_cast<size_t>(times), status);
}

void FakeServer::CutStreamsAfter(int chunks) {
  MutexLock lock(mutex_);
  cut_after_ = chunks;
}

void FakeServer::RotateReceiptKey() {
  MutexLock lock(mutex_);
  makers_.emplace_back("k" + std::to_string(makers_.size() + 1));
}

void FakeServer::ForgeReceipts() {
  MutexLock lock(mutex_);
  forge_ = true;
}

void FakeServer::SetLimits(const v1::ServerLimits& limits) {
  MutexLock lock(mutex_);
  limits_ = limits;
}

void FakeServer::SetWindow(uint32_t chunks) {
  MutexLock lock(mutex_);
  window_ = chunks;
}

void FakeServer::Remember(const std::string& stream_id, const std::string& writer_id,
                          uint64_t begin, uint64_t end) {
  MutexLock lock(mutex_);
  for (uint64_t n = begin; n < end; ++n) settled_[{stream_id, writer_id}].insert(n);
}

void FakeServer::CutListsAt(int ranges) {
  MutexLock lock(mutex_);
  ranges_per_list_ = ranges;
}

std::set<uint64_t> FakeServer::MissingBelow(uint64_t end, const std::string& stream_id,
                                            const std::string& writer_id) const {
  MutexLock lock(mutex_);
  const WriterKey key(stream_id, writer_id);
  std::set<uint64_t> missing;
  for (uint64_t n = 0; n < end; ++n) {
    const auto has = [&](const auto& sets) {
      return sets.contains(key) && sets.at(key).contains(n);
    };
    if (!has(settled_) && !has(abandoned_)) missing.insert(n);
  }
  return missing;
}

FakeServer::Seen FakeServer::seen() const {
  MutexLock lock(mutex_);
  return seen_;
}

grpc::Status FakeServer::NextFailure(const std::string& method) {
  MutexLock lock(mutex_);
  auto& failures = failures_[method];
  if (failures.empty()) return grpc::Status::OK;
  const absl::Status status = failures.front();
  failures.erase(failures.begin());
  return rpc::ToGrpc(status);
}

grpc::Status FakeServer::Enrol(grpc::ServerContext*, const v1::EnrolRequest* request,
                               v1::EnrolResponse* response) {
  {
    MutexLock lock(mutex_);
    seen_.last_public_key = request->public_key();
  }
  if (auto failure = NextFailure("Enrol"); !failure.ok()) return failure;
  response->mutable_device()->set_device_id(device_id.ToString());
  response->mutable_device()->set_participant_id(participant_id.ToString());
  response->mutable_device()->set_name("watch");
  response->set_audience("test-audience");
  return grpc::Status::OK;
}

grpc::Status FakeServer::RequestChallenge(grpc::ServerContext*, const v1::RequestChallengeRequest*,
                                          v1::RequestChallengeResponse* response) {
  response->set_challenge("challenge");
  return NextFailure("RequestChallenge");
}

grpc::Status FakeServer::OpenSession(grpc::ServerContext*, const v1::OpenSessionRequest*,
                                     v1::OpenSessionResponse* response) {
  if (auto failure = NextFailure("OpenSession"); !failure.ok()) return failure;
  MutexLock lock(mutex_);
  response->set_session_token("session-" + std::to_string(++seen_.sessions));
  return grpc::Status::OK;
}

grpc::Status FakeServer::RotateKey(grpc::ServerContext*, const v1::RotateKeyRequest* request,
                                   v1::RotateKeyResponse*) {
  {
    MutexLock lock(mutex_);
    seen_.last_public_key = request->new_public_key();
  }
  return NextFailure("RotateKey");
}

grpc::Status FakeServer::DeclareStream(grpc::ServerContext*,
                                       const v1::DeclareStreamRequest* request,
                                       v1::DeclareStreamResponse*) {
  if (auto failure = NextFailure("DeclareStream"); !failure.ok()) return failure;
  MutexLock lock(mutex_);
  seen_.declared[request->name() + "/" + std::to_string(request->version())] = *request;
  return grpc::Status::OK;
}

grpc::Status FakeServer::ListStreams(grpc::ServerContext*, const v1::ListStreamsRequest*,
                                     v1::ListStreamsResponse* response) {
  if (auto failure = NextFailure("ListStreams"); !failure.ok()) return failure;
  MutexLock lock(mutex_);
  for (const auto& [key, declared] : seen_.declared) {
    auto* stream = response->add_streams();
    stream->set_stream_id(declared.stream_id());
    stream->set_version(declared.version());
  }
  return grpc::Status::OK;
}

std::optional<v1::ReceiptStatement> FakeServer::Admit(const v1::ChunkEnvelope& envelope) {
  const std::string bytes = BodyOf(envelope);
  v1::ChunkBody body;
  body.ParseFromString(bytes);
  MutexLock lock(mutex_);
  ++seen_.chunks;
  const int times = ++seen_.bodies[bytes];
  Answer answer;
  if (decide_) {
    answer = decide_(body, times);
  } else if (times > 1) {
    answer.outcome = v1::OUTCOME_DUPLICATE;
  }
  if (answer.silent) return std::nullopt;
  const auto stream_id = StreamId::FromBytes(body.stream_id());
  const auto writer_id = WriterId::FromBytes(body.writer_id());
  if (answer.action == v1::DEVICE_ACTION_MAY_DELETE && stream_id.ok() && writer_id.ok()) {
    settled_[{stream_id->ToString(), writer_id->ToString()}].insert(body.number());
  }
  v1::ReceiptStatement statement;
  statement.set_version(1);
  statement.set_device_id(std::string(device_id.AsBytes()));
  statement.set_stream_id(body.stream_id());
  statement.set_writer_id(body.writer_id());
  statement.set_number(body.number());
  statement.set_sha256(envelope.sha256());
  statement.set_outcome(answer.outcome);
  statement.set_device_action(answer.action);
  statement.set_reason(answer.reason);
  statement.set_retry_after_ms(answer.retry_after_ms);
  if (answer.action == v1::DEVICE_ACTION_MAY_DELETE) statement.set_durability(answer.durability);
  return statement;
}

v1::ReceiptBatch FakeServer::Sign(const std::vector<v1::ReceiptStatement>& statements) {
  MutexLock lock(mutex_);
  v1::ReceiptBatch batch = makers_.back().Sign(statements);
  if (forge_) {
    v1::ReceiptStatement statement = statements[0];
    statement.set_number(statement.number() + 1);
    *batch.mutable_statements(0) = statement.SerializeAsString();
  }
  return batch;
}

grpc::Status FakeServer::Upload(
    grpc::ServerContext*, grpc::ServerReaderWriter<v1::UploadResponse, v1::UploadRequest>* stream) {
  if (auto failure = NextFailure("Upload"); !failure.ok()) return failure;
  v1::UploadRequest request;
  if (!stream->Read(&request) || !request.has_open()) {
    return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no open");
  }
  int cut_after = 0;
  {
    MutexLock lock(mutex_);
    ++seen_.streams_opened;
    cut_after = cut_after_;
    v1::UploadResponse opened;
    opened.mutable_opened()->set_chunks_in_flight_max(window_);
    stream->Write(opened);
  }
  int chunks = 0;
  while (stream->Read(&request)) {
    std::vector<v1::ReceiptStatement> statements;
    {
      MutexLock lock(mutex_);
      ++seen_.messages;
      seen_.in_flight_most =
          std::max(seen_.in_flight_most, static_cast<size_t>(request.chunks().envelopes_size()));
    }
    for (const auto& envelope : request.chunks().envelopes()) {
      if (cut_after > 0 && ++chunks > cut_after) {
        return grpc::Status(grpc::StatusCode::UNAVAILABLE, "cut off");
      }
      if (const auto statement = Admit(envelope)) statements.push_back(*statement);
    }
    if (statements.empty()) continue;
    v1::UploadResponse response;
    *response.mutable_receipts() = Sign(statements);
    stream->Write(response);
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::PutChunks(grpc::ServerContext* context,
                                   const v1::PutChunksRequest* request,
                                   v1::PutChunksResponse* response) {
  if (auto failure = NextFailure("PutChunks"); !failure.ok()) return failure;
  const auto bundle = ParseBundle(request->bundle());
  if (!bundle.ok()) return rpc::ToGrpc(bundle.status());
  {
    MutexLock lock(mutex_);
    ++seen_.bundles;
    seen_.last_bundle = request->bundle();
    const auto it = context->client_metadata().find("tidemark-device-signature");
    if (it != context->client_metadata().end()) {
      seen_.last_bundle_signature = std::string(it->second.data(), it->second.size());
    }
  }
  std::vector<v1::ReceiptStatement> statements;
  for (const auto& envelope : bundle->envelopes) {
    if (const auto statement = Admit(envelope)) statements.push_back(*statement);
  }
  if (!statements.empty()) *response->add_receipts() = Sign(statements);
  response->set_entries_received(static_cast<uint32_t>(bundle->envelopes.size()));
  return grpc::Status::OK;
}

grpc::Status FakeServer::GetUploadState(grpc::ServerContext*, const v1::GetUploadStateRequest*,
                                        v1::GetUploadStateResponse* response) {
  if (auto failure = NextFailure("GetUploadState"); !failure.ok()) return failure;
  MutexLock lock(mutex_);
  std::set<WriterKey> keys;
  for (const auto& [key, numbers] : settled_) keys.insert(key);
  for (const auto& [key, numbers] : abandoned_) keys.insert(key);
  for (const WriterKey& key : keys) *response->add_writers() = StateOf(key);
  return grpc::Status::OK;
}

v1::WriterState FakeServer::StateOf(const WriterKey& key) const {
  const auto find = [&](const auto& sets) {
    const auto it = sets.find(key);
    return it == sets.end() ? std::set<uint64_t>() : it->second;
  };
  const std::set<uint64_t> stored = find(settled_);
  const std::set<uint64_t> abandoned = find(abandoned_);
  std::set<uint64_t> missing;
  const uint64_t end = std::max(stored.empty() ? 0 : *stored.rbegin() + 1,
                                abandoned.empty() ? 0 : *abandoned.rbegin() + 1);
  for (uint64_t n = 0; n < end; ++n) {
    if (!stored.contains(n) && !abandoned.contains(n)) missing.insert(n);
  }
  v1::WriterState state;
  state.set_stream_id(key.first);
  state.set_writer_id(key.second);
  state.set_high_water(missing.empty() ? end : *missing.begin());
  const auto list = [&](const std::set<uint64_t>& numbers, auto* ranges) {
    for (const uint64_t number : numbers) {
      if (!ranges->empty() && ranges->rbegin()->end() == number) {
        ranges->rbegin()->set_end(number + 1);
        continue;
      }
      if (ranges->size() == ranges_per_list_) return state.set_truncated(true);
      ranges->Add()->set_begin(number);
      ranges->rbegin()->set_end(number + 1);
    }
  };
  list(stored, state.mutable_stored());
  list(abandoned, state.mutable_abandoned());
  list(missing, state.mutable_missing());
  return state;
}

grpc::Status FakeServer::AbandonRange(grpc::ServerContext*, const v1::AbandonRangeRequest* request,
                                      v1::AbandonRangeResponse*) {
  if (auto failure = NextFailure("AbandonRange"); !failure.ok()) return failure;
  MutexLock lock(mutex_);
  seen_.abandoned.push_back(*request);
  const WriterKey key(request->stream_id(), request->writer_id());
  for (uint64_t n = request->range().begin(); n < request->range().end(); ++n) {
    if (!settled_[key].contains(n)) abandoned_[key].insert(n);
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::GetServerInfo(grpc::ServerContext*, const v1::GetServerInfoRequest*,
                                       v1::GetServerInfoResponse* response) {
  if (auto failure = NextFailure("GetServerInfo"); !failure.ok()) return failure;
  MutexLock lock(mutex_);
  response->set_version("test");
  response->set_audience("test-audience");
  for (const ReceiptMaker& maker : makers_) {
    auto* key = response->add_receipt_keys();
    key->set_key_id(maker.key_id());
    key->set_public_key(maker.public_key());
  }
  *response->mutable_limits() = limits_;
  response->mutable_limits()->set_message_bytes_max(1 << 20);
  response->mutable_limits()->set_bundle_bytes_max(8 << 20);
  return grpc::Status::OK;
}

}  // namespace tidemark::ingest
