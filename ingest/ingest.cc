#include "ingest/ingest.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"

namespace tidemark::ingest {
namespace {

constexpr size_t kWeightPerChunk = 4'096;
constexpr absl::Duration kFindStreamTime = absl::Seconds(5);
constexpr std::chrono::milliseconds kFindStreamPauseFirst{5};
constexpr absl::Duration kRefusedRetry = absl::Seconds(10);

size_t TotalWeight(const std::vector<v1::ChunkEnvelope>& envelopes) {
  size_t weight = 0;
  for (const v1::ChunkEnvelope& envelope : envelopes) weight += WeightOf(envelope);
  return weight;
}

absl::Status ShuttingDown() { return absl::UnavailableError("the server is shutting down"); }

ChunkStoreOptions StoreOptions(const IngestOptions& options) {
  return {.dsn = options.dsn,
          .keys = options.keys,
          .clock = options.clock,
          .quotas = options.quotas,
          .statement_timeout_ms = options.statement_timeout_ms};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Ingest>> Ingest::Start(IngestOptions options) {
  if (options.keys == nullptr || options.catalog == nullptr || options.clock == nullptr ||
      options.admission_threads < 1 || options.writers < 1) {
    return absl::InvalidArgumentError("ingest: an option is missing");
  }
  std::unique_ptr<Ingest> ingest(new Ingest(std::move(options)));
  const IngestOptions& chosen = ingest->options_;
  for (int i = 0; i < chosen.writers; ++i) {
    ingest->writers_.push_back(std::make_unique<CommitWriter>(
        CommitWriter::Options{.store = StoreOptions(chosen),
                              .patience = chosen.patience,
                              .signer = &ingest->signer_,
                              .clock = chosen.clock,
                              .queue_messages_max = chosen.messages_in_flight_max,
                              .queue_weight_max = chosen.weight_in_flight_max}));
  }
  for (int i = 0; i < chosen.admission_threads; ++i) {
    ingest->admission_threads_.emplace_back([raw = ingest.get()] { raw->RunAdmission(); });
  }
  return ingest;
}

// Every queue has the bounds of the budget, so that none of them is ever full.
Ingest::Ingest(IngestOptions options)
    : options_(std::move(options)),
      signer_(options_.receipts),
      budget_(options_.messages_in_flight_max, options_.weight_in_flight_max),
      tasks_(options_.messages_in_flight_max, options_.weight_in_flight_max),
      redrive_store_(StoreOptions(options_)) {}

Ingest::~Ingest() { Shutdown(); }

Take Ingest::TrySubmit(Submission& submission, std::function<void()> when_room) {
  const size_t weight = TotalWeight(submission.envelopes);
  const Take take = budget_.TryTake(weight, std::move(when_room));
  if (take != Take::kTaken) return take;
  ReceiptCallback done = submission.done;
  submission.done = [this, weight, done](auto receipts) {
    done(std::move(receipts));
    budget_.GiveBack(weight);
  };
  Task task = std::move(submission);
  if (tasks_.TryPush(task, weight)) return Take::kTaken;
  // Only a queue that was closed refuses: the caller keeps its submission, uncalled.
  submission = std::get<Submission>(std::move(task));
  submission.done = std::move(done);
  budget_.GiveBack(weight);
  return Take::kClosed;
}

void Ingest::Expect(const Sender& sender) {
  if (budget_.TryTake(kWeightPerChunk, [] {}) != Take::kTaken) return;
  Task task = Expected{sender};
  if (!tasks_.TryPush(task, kWeightPerChunk)) budget_.GiveBack(kWeightPerChunk);
}

void Ingest::RunAdmission() {
  while (true) {
    std::vector<Task> next = tasks_.PopSome(1, 0);
    if (next.empty()) return;
    if (const auto* expected = std::get_if<Expected>(&next.front())) {
      LookUpStreams(expected->sender);
      budget_.GiveBack(kWeightPerChunk);
      continue;
    }
    Submission& submission = std::get<Submission>(next.front());
    const size_t weight = TotalWeight(submission.envelopes);
    Process(std::move(submission), weight);
  }
}

// One question for all streams, where their first chunks would ask one by one.
void Ingest::LookUpStreams(const Sender& sender) {
  const auto streams = options_.catalog->List(sender.participant_id, absl::Now() + kFindStreamTime);
  if (!streams.ok()) {
    LogDebug("ingest: streams were not looked up ahead: {}",
             std::string(streams.status().message()));
  }
}

void Ingest::Process(Submission submission, size_t weight) {
  auto message = std::make_unique<AdmittedMessage>();
  message->sender = submission.sender;
  message->done = std::move(submission.done);
  message->weight = weight;
  const auto find = [&](StreamId stream, int32_t version) {
    return Find(message->sender, stream, version);
  };
  for (v1::ChunkEnvelope& envelope : submission.envelopes) {
    absl::StatusOr<Decision> decision = Admit(message->sender, std::move(envelope), find);
    if (!decision.ok()) return message->done(decision.status());
    message->decisions.push_back(*std::move(decision));
  }
  if (!WriterOf(message->sender.participant_id).TryPush(message)) message->done(ShuttingDown());
}

absl::StatusOr<FoundStream> Ingest::Find(const Sender& sender, StreamId stream, int32_t version) {
  const absl::Time deadline = absl::Now() + kFindStreamTime;
  bool known = false;
  auto info = AskCatalog(sender, stream, version, deadline, &known);
  if (info.ok()) return FoundStream{*info, (*info)->device_id == sender.device_id};
  if (!absl::IsNotFound(info.status())) return info.status();
  if (!known) return FoundStream{};
  // The first version, which every stream has, tells whose it is.
  info = AskCatalog(sender, stream, 1, deadline, &known);
  if (!info.ok() && !absl::IsNotFound(info.status())) return info.status();
  return FoundStream{nullptr, info.ok() && (*info)->device_id == sender.device_id};
}

// A look-up changes nothing, so that any loss of the connection is a reason to ask again.
absl::StatusOr<std::shared_ptr<const store::StreamInfo>> Ingest::AskCatalog(
    const Sender& sender, StreamId stream, int32_t version, absl::Time deadline, bool* known) {
  for (std::chrono::milliseconds pause = kFindStreamPauseFirst;; pause *= 2) {
    auto info = options_.catalog->Find(sender.participant_id, stream, version, deadline, known);
    const bool lost = absl::IsUnavailable(info.status()) || absl::IsUnknown(info.status());
    if (!lost || absl::Now() + absl::FromChrono(pause) > deadline) return info;
    if (stop_.WaitFor(pause)) return info;
  }
}

CommitWriter& Ingest::WriterOf(ParticipantId participant) const {
  return *writers_[std::hash<ParticipantId>{}(participant) % writers_.size()];
}

v1::ReceiptBatch Ingest::Refuse(const Sender& sender,
                                const std::vector<v1::ChunkEnvelope>& envelopes,
                                const Verdict& verdict) const {
  std::vector<std::string> statements;
  for (const v1::ChunkEnvelope& envelope : envelopes) {
    const Decision decision{envelope.sha256().substr(0, sizeof(Sha256Digest)), {}, "", verdict};
    statements.push_back(signer_.Statement(sender, decision, verdict, options_.clock->Now()));
  }
  std::vector<std::vector<std::string>> messages;
  messages.push_back(std::move(statements));
  return std::move(signer_.Sign(std::move(messages)).front());
}

absl::Status Ingest::CheckReady() const {
  if (!options_.ready) return absl::OkStatus();
  const absl::Status status = options_.ready();
  if (status.ok()) return status;
  return rpc::WithRetry(rpc::Error(absl::StatusCode::kFailedPrecondition,
                                   v1::ERROR_REASON_INGEST_REFUSED, std::string(status.message())),
                        kRefusedRetry);
}

absl::StatusOr<Verdict> Ingest::Redrive(const Sender& sender, QuarantineId id, std::string body,
                                        std::string sha256) {
  TM_ASSIGN_OR_RETURN(Decision decision, AdmitBody(sender, std::move(body), std::move(sha256),
                                                   [&](StreamId stream, int32_t version) {
                                                     return Find(sender, stream, version);
                                                   }));
  if (const auto* verdict = std::get_if<Verdict>(&decision.what)) return *verdict;
  if (const auto* broken = std::get_if<SetAside>(&decision.what)) {
    return Verdict::Quarantined(broken->reason);
  }
  std::optional<Verdict> unused;
  MutexLock lock(redrive_mutex_);
  return redrive_store_.Redrive(id, {&sender, &decision, &unused});
}

// In the direction of the flow, so that each stage is empty before the next one closes.
void Ingest::Shutdown() {
  MutexLock lock(shutdown_mutex_);
  if (shut_down_) return;
  shut_down_ = true;
  budget_.Close();
  stop_.Stop();
  tasks_.Close();
  for (std::thread& thread : admission_threads_) thread.join();
  for (const auto& writer : writers_) writer->Close();
  for (const auto& writer : writers_) writer->Join();
  budget_.WaitUntilEmpty();
}

size_t WeightOf(const v1::ChunkEnvelope& envelope) {
  const size_t body_bytes = std::min<size_t>(envelope.uncompressed_size(), kBodyBytesMax);
  return envelope.body().size() + body_bytes + kWeightPerChunk;
}

std::vector<std::vector<v1::ChunkEnvelope>> SplitEnvelopes(
    std::vector<v1::ChunkEnvelope> envelopes) {
  std::vector<std::vector<v1::ChunkEnvelope>> runs;
  size_t weight = 0;
  for (v1::ChunkEnvelope& envelope : envelopes) {
    const size_t more = WeightOf(envelope);
    if (runs.empty() || runs.back().size() == kChunksPerMessageMax ||
        weight + more > kMessageWeightMax) {
      runs.emplace_back();
      weight = 0;
    }
    weight += more;
    runs.back().push_back(std::move(envelope));
  }
  return runs;
}

}  // namespace tidemark::ingest
