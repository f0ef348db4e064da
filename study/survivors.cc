#include "study/survivors.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/envelope.h"
#include "store/reseal.h"
#include "study/pg_arrays.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

// Bodies have a mebibyte at most.
constexpr int kHeldBodiesPerStep = 4;
// What is set aside is sealed with keys under no stream.
constexpr StreamId kQuarantineStream{};

std::vector<std::string> TextsOf(const std::set<SegmentId>& ids) {
  std::vector<std::string> texts;
  texts.reserve(ids.size());
  for (const SegmentId id : ids) texts.push_back(id.ToString());
  return texts;
}

absl::StatusOr<store::DataKey> KeyOfDay(const KeyMove& move, StreamId stream) {
  TM_ASSIGN_OR_RETURN(store::DataKey key,
                      move.keys->KeyForWriting(move.from.participant_id, stream, move.utc_day));
  if (key.name == move.from.name) {
    return absl::InternalError("a key that is to be destroyed is still in use");
  }
  return key;
}

// One step of MoveSegments.
class SegmentMover {
 public:
  SegmentMover(db::Transaction& tx, const KeyMove& move)
      : tx_(tx), move_(move), participant_(move.from.participant_id.ToString()) {}

  absl::StatusOr<MovedSegments> Move(const std::set<SegmentId>& skip) {
    TM_RETURN_IF_ERROR(Choose(skip));
    if (chosen_.empty()) return MovedSegments();
    // Tiles are sealed by the same key, and would show what is not kept.
    tx_.Exec(sql::kUnsealRuns, participant_, ChosenText());
    TM_RETURN_IF_ERROR(FindSlots());
    TM_ASSIGN_OR_RETURN(const store::DataKey to, KeyOfDay(move_, move_.from.name.stream_id));
    MovedSegments moved;
    for (const pqxx::row& row : tx_.Exec(sql::kFetchSegments, participant_, ChosenText())) {
      TM_RETURN_IF_ERROR(MoveOne(row, to, moved));
    }
    return moved;
  }

 private:
  absl::Status Choose(const std::set<SegmentId>& skip) {
    int64_t bytes = 0;
    for (const pqxx::row& row :
         tx_.Exec(sql::kListSegmentsOfKey, participant_, move_.from.name.stream_id.ToString(),
                  db::Bytea(move_.from.name_bytes), PgArray(TextsOf(skip)), kMovedSegmentsMax)) {
      bytes += row["stored_bytes"].as<int64_t>();
      if (bytes > kMovedBytesMax && !chosen_.empty()) break;
      TM_ASSIGN_OR_RETURN(const SegmentId id, SegmentId::Parse(row["segment_id"].c_str()));
      chosen_.insert(id);
    }
    return absl::OkStatus();
  }

  absl::Status FindSlots() {
    for (const pqxx::row& row : tx_.Exec(sql::kListSlots, participant_, ChosenText())) {
      TM_ASSIGN_OR_RETURN(const SegmentId id, SegmentId::Parse(row["segment_id"].c_str()));
      const auto slot = row["segment_slot"].as<size_t>();
      std::vector<bool>& keep = keep_[id];
      if (keep.size() <= slot) keep.resize(slot + 1, false);
      keep[slot] = !row["erased"].as<bool>();
    }
    return absl::OkStatus();
  }

  absl::Status MoveOne(const pqxx::row& row, const store::DataKey& to, MovedSegments& moved) {
    TM_ASSIGN_OR_RETURN(const SegmentId id, SegmentId::Parse(row["segment_id"].c_str()));
    const store::SealedSegment sealed{db::BytesOf(row["payload"]), db::BytesOf(row["tiles"])};
    const std::vector<bool>& keep = keep_[id];
    const absl::StatusOr<store::SealedSegment> anew = store::ResealSegment(
        *move_.keys, {move_.from.participant_id, move_.from.name.stream_id, id}, sealed, keep, to);
    if (absl::IsDataLoss(anew.status())) {
      moved.unreadable.insert(id);
      moved.first_fault.Update(anew.status());
      return absl::OkStatus();
    }
    TM_RETURN_IF_ERROR(anew.status());
    const pqxx::result put =
        tx_.Exec(sql::kResealSegment, participant_, id.ToString(), db::Bytea(move_.from.name_bytes),
                 db::Bytea(anew->payload), db::Bytea(anew->tiles));
    if (put.affected_rows() != 1) return absl::AbortedError("a segment was replaced meanwhile");
    ++moved.segments;
    moved.chunks_kept += std::count(keep.begin(), keep.end(), true);
    return absl::OkStatus();
  }

  std::string ChosenText() const { return PgArray(TextsOf(chosen_)); }

  db::Transaction& tx_;
  const KeyMove& move_;
  const std::string participant_;
  std::set<SegmentId> chosen_;
  std::map<SegmentId, std::vector<bool>> keep_;
};

// The body if this key of its stream seals it; nothing if another one does, or none that is there.
absl::StatusOr<std::optional<store::OpenedEnvelope>> OpenHeldBody(const KeyMove& move,
                                                                  const store::EnvelopePlace& place,
                                                                  std::string_view sealed) {
  for (const StreamId stream : {kQuarantineStream, move.from.name.stream_id}) {
    absl::StatusOr<store::OpenedEnvelope> opened =
        store::OpenEnvelope(*move.keys, place, stream, sealed);
    if (absl::IsUnavailable(opened.status())) return opened.status();
    if (!opened.ok()) continue;
    if (stream == kQuarantineStream) return std::nullopt;
    return std::optional(*std::move(opened));
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<MovedSegments> MoveSegments(db::Transaction& tx, const KeyMove& move,
                                           const std::set<SegmentId>& skip) {
  return SegmentMover(tx, move).Move(skip);
}

absl::StatusOr<bool> MoveHeldBodies(db::Transaction& tx, const KeyMove& move, QuarantineId& after) {
  const std::string participant = move.from.participant_id.ToString();
  const pqxx::result rows =
      tx.Exec(sql::kListHeldByKey, participant, move.from.name.stream_id.ToString(),
              db::Bytea(move.from.name_bytes), after.ToString(), kHeldBodiesPerStep);
  for (const pqxx::row& row : rows) {
    TM_ASSIGN_OR_RETURN(const QuarantineId id, QuarantineId::Parse(row["quarantine_id"].c_str()));
    const store::EnvelopePlace place{"quarantine.body", move.from.participant_id, id.AsBytes()};
    TM_ASSIGN_OR_RETURN(const auto opened, OpenHeldBody(move, place, db::BytesOf(row["body"])));
    after = id;
    if (!opened) continue;
    TM_ASSIGN_OR_RETURN(const store::DataKey to, KeyOfDay(move, kQuarantineStream));
    tx.Exec(sql::kResealHeldBody, participant, id.ToString(),
            db::Bytea(store::SealEnvelope(to, place, opened->codec, opened->plain)));
  }
  return rows.size() == static_cast<size_t>(kHeldBodiesPerStep);
}

}  // namespace tidemark::study
