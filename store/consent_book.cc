#include "store/consent_book.h"

#include <vector>

#include "base/db/transaction.h"
#include "base/status_macros.h"
#include "store/sql.h"

namespace tidemark::store {
namespace {

constexpr int kDecisionGranted = 1;  // of the column, as tidemark.v1.ConsentDecision

ConsentDecision ReadDecision(const pqxx::row& row) {
  ConsentDecision decision;
  decision.kind = static_cast<v1::DataKind>(row["data_kind"].as<int>());
  decision.version = row["version"].as<uint32_t>();
  decision.granted = row["decision"].as<int>() == kDecisionGranted;
  decision.from_ns = row["valid_from_ns"].as<int64_t>();
  if (!row["valid_until_ns"].is_null()) decision.until_ns = row["valid_until_ns"].as<int64_t>();
  return decision;
}

ErasedRange ReadErased(const pqxx::row& row) {
  // The column is of type uuid: its text is always one.
  return {.stream_id = *StreamId::Parse(row["erased_of"].c_str()),
          .study = {row["valid_from_ns"].as<int64_t>(), row["valid_until_ns"].as<int64_t>()}};
}

}  // namespace

absl::StatusOr<ConsentBook::Timeline> ConsentBook::Find(ParticipantId participant,
                                                        absl::Time deadline) {
  if (const std::optional<Timeline> known = timelines_.FindFresh(participant)) return *known;
  const absl::Time asked = clock_->Now();
  TM_ASSIGN_OR_RETURN(Timeline timeline, Ask(participant, deadline));
  const bool is_awaited = timeline != nullptr && !timeline->IsAnyDecided();
  if (!is_awaited) timelines_.Put(participant, timeline, asked);
  return timeline;
}

absl::StatusOr<ConsentBook::Timeline> ConsentBook::Ask(ParticipantId participant,
                                                       absl::Time deadline) {
  return db::Transact(*pool_, "find_consent_decisions", db::AccessScope::Participant(participant),
                      deadline, [&](db::Transaction& tx) -> absl::StatusOr<Timeline> {
                        std::vector<ConsentDecision> decisions;
                        std::vector<ErasedRange> erased;
                        const pqxx::result rows =
                            tx.Exec(sql::kFindConsentDecisions, participant.ToString());
                        if (rows.empty()) return Timeline();
                        for (const pqxx::row& row : rows) {
                          if (!row["data_kind"].is_null()) decisions.push_back(ReadDecision(row));
                          if (!row["erased_of"].is_null()) erased.push_back(ReadErased(row));
                        }
                        return std::make_shared<const ConsentTimeline>(decisions, erased);
                      });
}

}  // namespace tidemark::store
