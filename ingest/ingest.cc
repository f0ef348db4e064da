#include "ingest/ingest.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"

namespace tidemark::ingest {
namespace {

constexpr size_t kWeightPerChunk = 4'096;
constexpr absl::Duration kRefusedRetry = absl::Seconds(10);

size_t TotalWeight(const std::vector<v1::ChunkEnvelope>& envelopes) {
  size_t weight = 0;
  for (const v1::ChunkEnvelope& envelope : envelopes) weight += WeightOf(envelope);
  return weight;
}

void CountReceived(const std::vector<v1::ChunkEnvelope>& envelopes) {
  uint64_t bytes = 0;
  for (const v1::ChunkEnvelope& envelope : envelopes) bytes += envelope.body().size();
  IngestMetrics::OfProcess().received_bytes.Add(bytes);
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
  if (options.keys == nullptr || options.catalog == nullptr || options.consent == nullptr ||
      options.clock == nullptr || options.admission_threads < 1 || options.writers < 1) {
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
      lookups_({options_.catalog, options_.consent, options_.placements, options_.clock, &stop_}),
      budget_(options_.messages_in_flight_max, options_.weight_in_flight_max),
      tasks_(options_.messages_in_flight_max, options_.weight_in_flight_max),
      readings_(ReadingsOf(tasks_, kAdmissionStage)),
      redrive_store_(StoreOptions(options_)) {}

Ingest::~Ingest() { Shutdown(); }

Take Ingest::TrySubmit(Submission& submission, const void* waiter,
                       std::function<void()> when_room) {
  const size_t weight = TotalWeight(submission.envelopes);
  const Take take = budget_.TryTake(weight, waiter, std::move(when_room));
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
  if (budget_.TryTake(kWeightPerChunk, this, nullptr) != Take::kTaken) return;
  Task task = Expected{sender};
  if (!tasks_.TryPush(task, kWeightPerChunk)) budget_.GiveBack(kWeightPerChunk);
}

void Ingest::RunAdmission() {
  while (true) {
    std::vector<Task> next = tasks_.PopSome(1, 0);
    if (next.empty()) return;
    if (const auto* expected = std::get_if<Expected>(&next.front())) {
      lookups_.Prepare(expected->sender);
      budget_.GiveBack(kWeightPerChunk);
      continue;
    }
    Submission& submission = std::get<Submission>(next.front());
    const size_t weight = TotalWeight(submission.envelopes);
    Process(std::move(submission), weight);
  }
}

void Ingest::Process(Submission submission, size_t weight) {
  auto message = std::make_unique<AdmittedMessage>();
  message->sender = submission.sender;
  message->done = std::move(submission.done);
  message->weight = weight;
  CountReceived(submission.envelopes);
  const std::unique_ptr<AdmissionSource> source = lookups_.For(message->sender);
  for (v1::ChunkEnvelope& envelope : submission.envelopes) {
    absl::StatusOr<Decision> decision = Admit(message->sender, std::move(envelope), *source);
    if (!decision.ok()) return message->done(decision.status());
    message->decisions.push_back(*std::move(decision));
  }
  if (!WriterOf(message->sender.participant_id).TryPush(message)) message->done(ShuttingDown());
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

absl::StatusOr<std::optional<Verdict>> Ingest::Redrive(const Sender& sender, QuarantineId id,
                                                       const Uuid& request, std::string body,
                                                       std::string sha256) {
  const std::unique_ptr<AdmissionSource> source = lookups_.For(sender);
  TM_ASSIGN_OR_RETURN(Decision decision,
                      AdmitBody(sender, std::move(body), std::move(sha256), *source));
  if (const auto* verdict = std::get_if<Verdict>(&decision.what)) return *verdict;
  if (const auto* refusal = std::get_if<Refusal>(&decision.what)) {
    return Verdict::StopAndDelete(refusal->reason);
  }
  if (const auto* broken = std::get_if<SetAside>(&decision.what)) {
    return Verdict::Quarantined(broken->reason);
  }
  std::optional<Verdict> unused;
  MutexLock lock(redrive_mutex_);
  return redrive_store_.Redrive(id, request, {&sender, &decision, &unused});
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
