#include "ingest/client/upload_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>
#include <utility>

#include "base/endian.h"
#include "base/rpc/error.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "ingest/bundle.h"
#include "ingest/client/durable_file.h"
#include "ingest/client/reconcile.h"
#include "ingest/client/stream_upload.h"

namespace tidemark::ingest {
namespace {

constexpr uint32_t kPageSize = 1000;
constexpr int kPagesMax = 10'000;
constexpr int kSessionRefusalsMax = 2;
// Asking again after lists of ranges that were cut; each time settles something.
constexpr int kAskAgainMax = 64;

uint64_t SeedOf(const UploadOptions& options) {
  if (options.backoff_seed != 0) return options.backoff_seed;
  return LoadLe<uint64_t>(RandomBytes(sizeof(uint64_t)).data());
}

absl::StatusOr<ReceiptKeys> KeysOf(const v1::GetServerInfoResponse& info) {
  ReceiptKeys keys;
  for (const v1::ReceiptKey& key : info.receipt_keys()) {
    TM_ASSIGN_OR_RETURN(VerifyKey verify, VerifyKey::FromEd25519Raw(key.public_key()));
    keys.emplace(key.key_id(), std::move(verify));
  }
  return keys;
}

// With the code of the first: it is this machine's file.
absl::Status Unreadable(const ChunkQueue::PassedOver& unread) {
  return OnThisMachine(absl::Status(
      unread.first.code(),
      fmt::format("{} chunks cannot be read here and stay for another run; the first: {}",
                  unread.chunks, std::string(unread.first.message()))));
}

}  // namespace

UploadClient::UploadClient(std::shared_ptr<grpc::Channel> channel, Identity& identity,
                           Outbox& outbox, Ledger& ledger, UploadOptions options)
    : channel_(std::move(channel)),
      identity_(identity),
      outbox_(outbox),
      options_(std::move(options)),
      clock_(options_.clock != nullptr ? *options_.clock : Clock::Real()),
      session_(channel_, identity_, clock_),
      devices_(v1::DeviceService::NewStub(channel_)),
      ingest_(v1::IngestService::NewStub(channel_)),
      server_(v1::ServerService::NewStub(channel_)),
      desk_({.device_id = identity_.device_id(),
             .accept_unsafe_durability = options_.accept_unsafe_durability,
             .waits_max = options_.waits_max,
             .clock = &clock_,
             .on_progress = options_.on_progress},
            outbox_, ledger),
      backoff_(options_.backoff, SeedOf(options_)) {
  if (!options_.sleep) {
    options_.sleep = [](absl::Duration time) {
      std::this_thread::sleep_for(absl::ToChronoNanoseconds(time));
    };
  }
}

UploadReport UploadClient::Drain() {
  const absl::Time begin = clock_.Now();
  queue_ = std::make_unique<ChunkQueue>(outbox_.Pending());
  bundle_bytes_now_ = options_.bundle_bytes_max;
  absl::Status status = DrainUntilDone();
  UploadReport report = desk_.report();
  const ChunkQueue::PassedOver unread = queue_->passed_over();
  report.chunks_unreadable = unread.chunks;
  if (status.ok() && unread.chunks > 0) status = Unreadable(unread);
  report.status = std::move(status);
  report.chunks_left = outbox_.pending_chunks();
  report.elapsed = clock_.Now() - begin;
  return report;
}

absl::Status UploadClient::DrainUntilDone() {
  int failures = 0;
  while (true) {
    const uint64_t settled_before = desk_.settled();
    const absl::Status attempt = Attempt();
    queue_->ReturnInFlight();
    if (attempt.ok()) {
      const auto next = queue_->NextTime();
      if (!next) return absl::OkStatus();
      failures = 0;
      const absl::Duration wait = std::max(absl::ZeroDuration(), *next - clock_.Now());
      if (wait > options_.wait_max) {
        desk_.NoteWait(wait);
        return absl::OkStatus();
      }
      options_.sleep(wait);
      continue;
    }
    desk_.Note([](UploadReport& report) { ++report.attempts_failed; });
    if (desk_.settled() > settled_before) {
      failures = 0;
      backoff_.Reset();
    }
    const auto delay = DelayAfter(attempt);
    if (!delay || ++failures >= options_.failures_max) return attempt;
    options_.sleep(*delay);
  }
}

std::optional<absl::Duration> UploadClient::DelayAfter(const absl::Status& failure) {
  if (absl::IsUnauthenticated(failure)) {
    // Sessions end; a device that was revoked, or whose fresh session is refused, stops.
    const bool ended = rpc::ReasonOf(failure) == v1::ERROR_REASON_CREDENTIAL_INVALID;
    session_.Invalidate();
    if (!ended || ++refusals_of_session_ >= kSessionRefusalsMax) return std::nullopt;
    return absl::ZeroDuration();
  }
  // Sending again makes no room on this device's disk.
  if (IsDiskFull(failure) || !IsTransient(failure)) return std::nullopt;
  const absl::Duration told = rpc::RetryDelayOf(failure).value_or(absl::ZeroDuration());
  if (told > options_.wait_max) return std::nullopt;
  return std::max(std::min(backoff_.Next(), options_.wait_max), told);
}

absl::Status UploadClient::Attempt() {
  TM_RETURN_IF_ERROR(LearnServer());
  const absl::Status declared = DeclareStreams();
  // A device whose participant was erased may only hand over, and is told chunk by chunk to delete.
  if (rpc::ReasonOf(declared) != v1::ERROR_REASON_NOT_PERMITTED) TM_RETURN_IF_ERROR(declared);
  TM_RETURN_IF_ERROR(ReconcileWriters());
  const absl::Status sent = options_.way == UploadWay::kStream ? SendByStream() : SendByBundles();
  // What was given up is told even when the connection broke: it needs no stream.
  const absl::Status told = AbandonGivenUp();
  TM_RETURN_IF_ERROR(sent);
  TM_RETURN_IF_ERROR(told);
  // What was sent has shortened the lists: they may show now what they had no room for.
  return lists_were_cut_ ? ReconcileWriters() : absl::OkStatus();
}

absl::Status UploadClient::LearnServer() {
  grpc::ClientContext context;
  Prepare(context, "");
  v1::GetServerInfoResponse info;
  TM_RETURN_IF_ERROR(rpc::FromGrpc(server_->GetServerInfo(&context, {}, &info)));
  TM_ASSIGN_OR_RETURN(ReceiptKeys keys, KeysOf(info));
  desk_.SetKeys(std::move(keys));
  const auto lower = [](auto& ours, uint32_t theirs) {
    if (theirs > 0 && theirs < ours) ours = theirs;
  };
  lower(options_.message_bytes_max, info.limits().message_bytes_max());
  lower(options_.bundle_bytes_max, info.limits().bundle_bytes_max());
  lower(options_.window_chunks_max, info.limits().chunks_in_flight_max());
  lower(options_.message_chunks_max, info.limits().chunks_per_message_max());
  lower(options_.bundle_entries_max, info.limits().bundle_entries_max());
  lower(options_.abandoned_numbers_max, info.limits().abandoned_numbers_max());
  return absl::OkStatus();
}

absl::Status UploadClient::DeclareStreams() {
  TM_ASSIGN_OR_RETURN(const std::string token, session_.Token());
  std::set<std::pair<std::string, uint32_t>> known;
  v1::ListStreamsRequest list;
  list.set_participant_id(identity_.participant_id().ToString());
  list.set_device_id(identity_.device_id().ToString());
  list.set_all_versions(true);
  list.set_page_size(kPageSize);
  for (int page = 0; page < kPagesMax; ++page) {
    grpc::ClientContext context;
    Prepare(context, token);
    v1::ListStreamsResponse answer;
    TM_RETURN_IF_ERROR(rpc::FromGrpc(devices_->ListStreams(&context, list, &answer)));
    for (const v1::Stream& stream : answer.streams()) {
      known.emplace(stream.stream_id(), stream.version());
    }
    if (answer.next_page_token().empty()) break;
    list.set_page_token(answer.next_page_token());
  }
  for (const OutboxStream& stream : outbox_.Streams()) {
    for (uint32_t version = 1; version <= stream.declarations.size(); ++version) {
      if (known.contains({stream.stream_id.ToString(), version})) continue;
      v1::DeclareStreamRequest declare;
      declare.set_device_id(identity_.device_id().ToString());
      declare.set_stream_id(stream.stream_id.ToString());
      declare.set_name(stream.name);
      declare.set_version(version);
      *declare.mutable_declaration() = stream.declarations[version - 1];
      grpc::ClientContext context;
      Prepare(context, token);
      v1::DeclareStreamResponse answer;
      TM_RETURN_IF_ERROR(rpc::FromGrpc(devices_->DeclareStream(&context, declare, &answer)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<UploadClient::WriterStates> UploadClient::AskWhatIsThere() {
  TM_ASSIGN_OR_RETURN(const std::string token, session_.Token());
  WriterStates states;
  v1::GetUploadStateRequest request;
  request.set_participant_id(identity_.participant_id().ToString());
  request.set_device_id(identity_.device_id().ToString());
  request.set_page_size(kPageSize);
  for (int page = 0; page < kPagesMax; ++page) {
    grpc::ClientContext context;
    Prepare(context, token);
    v1::GetUploadStateResponse answer;
    TM_RETURN_IF_ERROR(rpc::FromGrpc(ingest_->GetUploadState(&context, request, &answer)));
    for (v1::WriterState& state : *answer.mutable_writers()) {
      std::pair key(state.stream_id(), state.writer_id());
      states.emplace(std::move(key), std::move(state));
    }
    if (answer.next_page_token().empty()) break;
    request.set_page_token(answer.next_page_token());
  }
  return states;
}

absl::Status UploadClient::ReconcileWriters() {
  std::set<std::pair<StreamId, WriterId>> asked_for_newest;
  for (int round = 0; round < kAskAgainMax; ++round) {
    TM_ASSIGN_OR_RETURN(const WriterStates states, AskWhatIsThere());
    bool settled_some = false;
    lists_were_cut_ = false;
    for (const OutboxWriter& writer : outbox_.Writers()) {
      const auto it = states.find({writer.stream_id.ToString(), writer.writer_id.ToString()});
      Reconciliation found = Reconcile(writer, it == states.end() ? nullptr : &it->second);
      TM_RETURN_IF_ERROR(RenewWriter(writer, found));
      if (found.unseen_newest &&
          !asked_for_newest.emplace(writer.stream_id, writer.writer_id).second) {
        found.unseen_newest.reset();
      }
      TM_ASSIGN_OR_RETURN(const bool told, AbandonLost(writer, found));
      lists_were_cut_ |= found.more;
      settled_some |= found.more && told;
    }
    if (!settled_some) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status UploadClient::RenewWriter(const OutboxWriter& writer, const Reconciliation& found) {
  if (!found.restored && !found.scattered) return absl::OkStatus();
  for (const OutboxStream& stream : outbox_.Streams()) {
    if (stream.stream_id != writer.stream_id || stream.writer_id != writer.writer_id) continue;
    if (found.restored) desk_.Note([](UploadReport& report) { ++report.writers_started; });
    return outbox_.StartNewWriter(writer.stream_id);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> UploadClient::AbandonLost(const OutboxWriter& writer,
                                               const Reconciliation& found) {
  constexpr char kReason[] = "the device holds no body for this number";
  absl::Status told;
  for (auto lost = found.lost.begin(); told.ok() && lost != found.lost.end(); ++lost) {
    told = Abandon(writer.stream_id, writer.writer_id, *lost, kReason);
  }
  if (told.ok()) {
    desk_.Note([&](UploadReport& report) { report.numbers_abandoned += found.lost_numbers; });
  }
  if (told.ok() && found.unseen_newest) {
    told = Abandon(writer.stream_id, writer.writer_id,
                   {*found.unseen_newest, *found.unseen_newest + 1}, kReason);
  }
  if (told.ok()) return !found.lost.empty() || found.unseen_newest.has_value();
  // The server takes no more of them, perhaps because it has too many runs: they stay missing for
  // now, and everything that has a body is sent all the same.
  if (!absl::IsResourceExhausted(told)) return told;
  desk_.Note([&](UploadReport& report) { report.note = std::string(told.message()); });
  return false;
}

absl::Status UploadClient::Abandon(const StreamId& stream_id, const WriterId& writer_id,
                                   Numbers numbers, const std::string& reason) {
  for (uint64_t at = numbers.begin; at < numbers.end; at += options_.abandoned_numbers_max) {
    TM_ASSIGN_OR_RETURN(const std::string token, session_.Token());
    v1::AbandonRangeRequest request;
    request.set_participant_id(identity_.participant_id().ToString());
    request.set_stream_id(stream_id.ToString());
    request.set_writer_id(writer_id.ToString());
    request.mutable_range()->set_begin(at);
    request.mutable_range()->set_end(std::min(numbers.end, at + options_.abandoned_numbers_max));
    request.set_reason(reason.substr(0, kAbandonReasonBytesMax));
    grpc::ClientContext context;
    Prepare(context, token);
    v1::AbandonRangeResponse response;
    TM_RETURN_IF_ERROR(rpc::FromGrpc(ingest_->AbandonRange(&context, request, &response)));
  }
  return absl::OkStatus();
}

absl::Status UploadClient::AbandonGivenUp() {
  // After a failure here the next attempt finds the numbers by asking the server.
  for (const ChunkRef& ref : desk_.TakeToAbandon()) {
    TM_RETURN_IF_ERROR(Abandon(ref.stream_id, ref.writer_id, {ref.number, ref.number + 1},
                               "the server can never accept this body; the device keeps it"));
    desk_.Note([](UploadReport& report) { ++report.numbers_abandoned; });
  }
  return absl::OkStatus();
}

EnvelopeSource UploadClient::MakeSource() {
  return EnvelopeSource(outbox_, *queue_, desk_, clock_, options_.compress);
}

absl::Status UploadClient::Receive(const v1::ReceiptBatch& batch) {
  absl::Status handled = desk_.Handle(batch, *queue_);
  if (!absl::IsNotFound(handled)) return handled;
  TM_RETURN_IF_ERROR(LearnServer());
  handled = desk_.Handle(batch, *queue_);
  if (!absl::IsNotFound(handled)) return handled;
  return absl::DataLossError("a receipt is signed with a key that the server does not list");
}

absl::Status UploadClient::SendByStream() {
  EnvelopeSource source = MakeSource();
  if (source.Peek() == nullptr) return absl::OkStatus();
  TM_ASSIGN_OR_RETURN(const std::string token, session_.Token());
  StreamUpload stream({.token = token,
                       .window_chunks_max = options_.window_chunks_max,
                       .message_bytes_max = options_.message_bytes_max,
                       .message_chunks_max = options_.message_chunks_max,
                       .stall_timeout = options_.stall_timeout,
                       .time_max = options_.stream_time_max},
                      *ingest_, source, *queue_,
                      [this](const v1::ReceiptBatch& batch) { return Receive(batch); });
  std::vector<std::string> stream_ids;
  for (const OutboxStream& known : outbox_.Streams()) {
    stream_ids.push_back(known.stream_id.ToString());
  }
  const absl::Status sent = stream.Run(stream_ids);
  if (sent.ok()) refusals_of_session_ = 0;
  return sent;
}

absl::Status UploadClient::SendByBundles() {
  EnvelopeSource source = MakeSource();
  while (source.Peek() != nullptr) {
    TM_RETURN_IF_ERROR(SendBundle(source));
    // What the server did not receive whole goes again; what it answered is in the queue already.
    queue_->ReturnInFlight();
  }
  return absl::OkStatus();
}

std::string UploadClient::NextBundle(EnvelopeSource& source) {
  BundleWriter writer;
  const size_t bytes_max = std::min(options_.bundle_bytes_max, bundle_bytes_now_);
  while (const PreparedChunk* const next = source.Peek()) {
    if (writer.entries() >= options_.bundle_entries_max) break;
    const size_t with_next = writer.bytes() + sizeof(uint32_t) + next->envelope.ByteSizeLong();
    if (writer.entries() > 0 && with_next > bytes_max) break;
    if (!writer.TryAdd(next->envelope)) break;
    source.Take();
  }
  return writer.Take();
}

absl::Status UploadClient::SendBundle(EnvelopeSource& source) {
  const uint64_t settled_before = desk_.settled();
  v1::PutChunksRequest request;
  request.set_bundle(NextBundle(source));
  grpc::ClientContext context;
  Prepare(context, "", options_.bundle_timeout);
  context.AddMetadata("tidemark-device-signature", identity_.BundleSignature(request.bundle()));
  v1::PutChunksResponse response;
  const absl::Status sent = rpc::FromGrpc(ingest_->PutChunks(&context, request, &response));
  if (absl::IsDeadlineExceeded(sent)) {
    bundle_bytes_now_ = std::min(bundle_bytes_now_, request.bundle().size()) / 2;
  }
  TM_RETURN_IF_ERROR(sent);
  for (const v1::ReceiptBatch& batch : response.receipts()) TM_RETURN_IF_ERROR(Receive(batch));
  if (queue_->in_flight() > 0 && desk_.settled() == settled_before) {
    return absl::UnavailableError("the server answered less than was sent, and settled nothing");
  }
  return absl::OkStatus();
}

}  // namespace tidemark::ingest
