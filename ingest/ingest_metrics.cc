#include "ingest/ingest_metrics.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::ingest {
namespace {

using metrics::Unit;

constexpr char kStageLabel[] = "stage";

// In nanoseconds: from a commit of the fastest disk to one that the database was away for.
const std::vector<uint64_t> kCommitNs = {500'000,       1'000'000,     2'000'000,     5'000'000,
                                         10'000'000,    20'000'000,    50'000'000,    100'000'000,
                                         200'000'000,   500'000'000,   1'000'000'000, 2'000'000'000,
                                         5'000'000'000, 15'000'000'000};
const std::vector<uint64_t> kCommitChunks = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1'024};
const std::vector<uint64_t> kCommitBytes = {1 << 10,   4 << 10, 16 << 10, 64 << 10,
                                            256 << 10, 1 << 20, 4 << 20,  16 << 20};

// "stored" for OUTCOME_STORED, for each of the first `size` numbers of an enumeration.
template <class Enum>
std::vector<std::string> Words(int size, const std::string& (*name)(Enum),
                               std::string_view prefix) {
  std::vector<std::string> words;
  for (int i = 0; i < size; ++i) {
    std::string word = name(static_cast<Enum>(i));
    word.erase(0, std::min(prefix.size(), word.size()));
    std::transform(word.begin(), word.end(), word.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    words.push_back(std::move(word));
  }
  return words;
}

void CountAt(metrics::Counters& counters, int number) {
  const auto i = static_cast<size_t>(number);
  counters[i < counters.size() ? i : 0].Add();
}

}  // namespace

IngestMetrics::IngestMetrics(metrics::Registry& registry)
    : receipts(registry.AddCounters(
          {"tidemark_ingest_receipts_total", "Chunks that were answered with a receipt."},
          "outcome", Words<v1::Outcome>(v1::Outcome_ARRAYSIZE, v1::Outcome_Name, "OUTCOME_"))),
      receipt_reasons(registry.AddCounters(
          {"tidemark_ingest_receipt_reasons_total",
           "The same receipts by their reason; unspecified: simply stored, or a duplicate."},
          "reason",
          Words<v1::ReceiptReason>(v1::ReceiptReason_ARRAYSIZE, v1::ReceiptReason_Name,
                                   "RECEIPT_REASON_"))),
      undecided_chunks(registry.AddCounter(
          {"tidemark_ingest_undecided_chunks_total",
           "Chunks that got no receipt because the database was away; their devices send them "
           "again."})),
      received_bytes(registry.AddCounter({"tidemark_ingest_received_bytes_total",
                                          "Bodies of chunks as they were sent.", Unit::kBytes})),
      stored_bytes(registry.AddCounter(
          {"tidemark_ingest_stored_bytes_total",
           "Payloads and tiles of chunks that were stored, before they are sealed.",
           Unit::kBytes})),
      queue_messages(registry.AddReading(
          {"tidemark_ingest_queue_messages", "Messages that wait for a stage."}, kStageLabel)),
      queue_bytes(registry.AddReading(
          {"tidemark_ingest_queue_bytes", "What these messages weigh.", Unit::kBytes},
          kStageLabel)),
      commit_chunks(registry.AddHistogram(
          {"tidemark_ingest_commit_chunks", "Chunks that one commit decides."}, kCommitChunks)),
      commit_bytes(
          registry.AddHistogram({"tidemark_ingest_commit_bytes",
                                 "Payloads and tiles that one commit stores.", Unit::kBytes},
                                kCommitBytes)),
      commit_duration(registry.AddHistogram(
          {"tidemark_ingest_commit_duration_seconds",
           "From taking messages off the queue until they are committed, with all tries.",
           Unit::kSeconds},
          kCommitNs)),
      open_uploads(
          registry.AddLevel({"tidemark_ingest_open_uploads", "Upload streams that are open."})) {}

IngestMetrics& IngestMetrics::OfProcess() {
  static IngestMetrics& metrics = *new IngestMetrics(metrics::Registry::OfProcess());
  return metrics;
}

void IngestMetrics::Count(const Verdict& verdict) {
  CountAt(receipts, verdict.outcome);
  CountAt(receipt_reasons, verdict.reason);
}

}  // namespace tidemark::ingest
