#include "ingest/commit_writer.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/time/clock.h"

namespace tidemark::ingest {
namespace {

std::vector<WriteItem> ItemsOf(AdmittedMessage& message) {
  std::vector<WriteItem> items;
  for (size_t i = 0; i < message.decisions.size(); ++i) {
    Decision& decision = message.decisions[i];
    if (const auto* verdict = std::get_if<Verdict>(&decision.what)) {
      message.verdicts[i] = *verdict;
    } else {
      items.push_back({&message.sender, &decision, &message.verdicts[i]});
    }
  }
  return items;
}

uint64_t PayloadBytes(const WriteItem& item) {
  const AdmittedChunk* chunk = item.chunk();
  return chunk == nullptr ? 0 : chunk->slot.bytes.size() + chunk->tiles.size();
}

// What a commit did. `items` are those that were handed to it, with their verdicts.
void CountCommit(std::span<const WriteItem> items, absl::Duration took) {
  IngestMetrics& metrics = IngestMetrics::OfProcess();
  uint64_t stored_bytes = 0;
  for (const WriteItem& item : items) {
    if (*item.verdict == Verdict::Stored()) stored_bytes += PayloadBytes(item);
  }
  metrics.stored_bytes.Add(stored_bytes);
  metrics.commit_bytes.Observe(stored_bytes);
  metrics.commit_chunks.Observe(uint64_t{items.size()});
  metrics.commit_duration.Observe(took);
}

bool IsDecided(const AdmittedMessage& message) {
  return std::all_of(message.verdicts.begin(), message.verdicts.end(),
                     [](const std::optional<Verdict>& verdict) { return verdict.has_value(); });
}

}  // namespace

CommitWriter::CommitWriter(const Options& options)
    : signer_(options.signer),
      clock_(options.clock),
      queue_(options.queue_messages_max, options.queue_weight_max),
      store_(options.store),
      commit_(&store_, options.patience, &stop_),
      readings_(ReadingsOf(queue_, kWriterStage)),
      thread_([this] { Run(); }) {}

void CommitWriter::Close() {
  queue_.Close();
  stop_.Stop();
}

void CommitWriter::Run() {
  while (true) {
    std::vector<AdmittedMessagePtr> messages =
        queue_.PopSome(kMessagesPerCommitMax, kWeightPerCommitMax);
    if (messages.empty()) return;
    CommitMessages(std::move(messages));
  }
}

void CommitWriter::CommitMessages(std::vector<AdmittedMessagePtr> messages) {
  std::vector<WriteItem> items;
  for (const AdmittedMessagePtr& message : messages) {
    message->verdicts.resize(message->decisions.size());
    const std::vector<WriteItem> more = ItemsOf(*message);
    items.insert(items.end(), more.begin(), more.end());
  }
  const absl::Time begin = absl::Now();
  const absl::Status status = commit_.Run(items);
  if (!items.empty()) CountCommit(items, absl::Now() - begin);
  SendReceipts(std::move(messages), status);
}

// A message with one undecided chunk is undecided as a whole: its device sends all of it again and
// the chunks that were committed come back as duplicates.
void CommitWriter::SendReceipts(std::vector<AdmittedMessagePtr> messages,
                                const absl::Status& status) {
  const auto undecided =
      std::stable_partition(messages.begin(), messages.end(),
                            [](const AdmittedMessagePtr& message) { return IsDecided(*message); });
  const absl::Time now = clock_->Now();
  std::vector<std::vector<std::string>> statements;
  for (auto message = messages.begin(); message != undecided; ++message) {
    std::vector<std::string>& list = statements.emplace_back();
    for (size_t i = 0; i < (*message)->decisions.size(); ++i) {
      list.push_back(signer_->Statement((*message)->sender, (*message)->decisions[i],
                                        *(*message)->verdicts[i], now));
    }
  }
  std::vector<v1::ReceiptBatch> receipts = signer_->Sign(std::move(statements));
  for (size_t i = 0; i < receipts.size(); ++i) messages[i]->done(std::move(receipts[i]));
  for (auto message = undecided; message != messages.end(); ++message) {
    IngestMetrics::OfProcess().undecided_chunks.Add((*message)->decisions.size());
    (*message)->done(status);
  }
}

}  // namespace tidemark::ingest
