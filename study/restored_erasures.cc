#include "study/restored_erasures.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/envelope.h"
#include "study/erasure_request.h"
#include "study/evidence.h"
#include "study/participant_rows.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

constexpr int kParticipantsPerPage = 1'000;
constexpr char kReason[] = "erased before the database was restored from a backup";

// One participant of a restored database.
struct Restored {
  ParticipantId participant_id;
  StudyId study_id;
};

// Whether a key left the mark of one that was destroyed. One that is merely missing did not, and
// may come back: that is a fault that reads and the log tell of.
absl::StatusOr<bool> WasDestroyed(store::KeyStore& keys, ParticipantId participant,
                                  const store::DataKeyName& name) {
  const absl::Status found = keys.Find(participant, name).status();
  if (absl::IsNotFound(found)) return true;
  if (found.ok() || absl::IsDataLoss(found)) return false;
  return found;
}

struct DestroyedKey {
  StreamId stream_id;
  std::string name_bytes;  // as in segment.key_name
};

// Looks through everybody without holding anything back, then acts.
class RestoredSweep {
 public:
  RestoredSweep(db::Transaction& tx, const Context& context, PrincipalId requested_by)
      : tx_(tx), context_(context), requested_by_(requested_by) {}

  absl::StatusOr<BroughtBack> Run() {
    for (const pqxx::row& row : tx_.Exec(sql::kListStudyIds)) {
      TM_ASSIGN_OR_RETURN(const StudyId study, StudyId::Parse(row["study_id"].c_str()));
      TM_RETURN_IF_ERROR(LookAtStudy(study));
    }
    if (erased_.empty() && with_destroyed_keys_.empty()) return done_;
    TM_RETURN_IF_ERROR(LockEveryStudyChain(tx_));
    for (const Restored& who : erased_) TM_RETURN_IF_ERROR(EraseParticipant(who));
    for (const auto& [who, keys] : with_destroyed_keys_) TM_RETURN_IF_ERROR(MarkChunks(who, keys));
    return done_;
  }

 private:
  absl::Status LookAtStudy(StudyId study) {
    for (std::string after_code;;) {
      tx_.SetScope(db::AccessScope::Study(study));
      const pqxx::result rows =
          tx_.Exec(sql::kListParticipants, study.ToString(), after_code, kParticipantsPerPage);
      for (const pqxx::row& row : rows) {
        after_code = row["code"].as<std::string>();
        if (row["state"].as<int>() == v1::PARTICIPANT_STATE_ERASED) continue;
        TM_ASSIGN_OR_RETURN(const ParticipantId id,
                            ParticipantId::Parse(row["participant_id"].c_str()));
        TM_RETURN_IF_ERROR(LookAt({id, study}));
      }
      if (rows.size() < static_cast<size_t>(kParticipantsPerPage)) return absl::OkStatus();
    }
  }

  // The key for text, which everybody has from the first link of their evidence on, is gone when
  // the participant's own key is.
  absl::Status LookAt(const Restored& who) {
    TM_ASSIGN_OR_RETURN(const bool erased, WasDestroyed(*context_.keys, who.participant_id, {}));
    if (erased) {
      erased_.push_back(who);
      return absl::OkStatus();
    }
    std::vector<DestroyedKey> keys;
    for (const pqxx::row& row : tx_.Exec(sql::kListSealingKeys, who.participant_id.ToString())) {
      TM_ASSIGN_OR_RETURN(const StreamId stream, StreamId::Parse(row["stream_id"].c_str()));
      const std::string bytes = db::BytesOf(row["key_name"]);
      TM_ASSIGN_OR_RETURN(const store::DataKeyName name, store::ParseKeyName(stream, bytes));
      TM_ASSIGN_OR_RETURN(const bool gone, WasDestroyed(*context_.keys, who.participant_id, name));
      if (gone) keys.push_back({stream, bytes});
    }
    if (!keys.empty()) with_destroyed_keys_.emplace_back(who, std::move(keys));
    return absl::OkStatus();
  }

  void See(const Restored& who) { tx_.SetScope({{who.participant_id}, {who.study_id}}); }

  absl::Status EraseParticipant(const Restored& who) {
    See(who);
    TM_RETURN_IF_ERROR(LockParticipant(tx_, who.participant_id).status());
    ++done_.participants;
    return QueueErasure(tx_, context_, {who.participant_id, who.study_id, requested_by_, kReason})
        .status();
  }

  absl::Status MarkChunks(const Restored& who, const std::vector<DestroyedKey>& keys) {
    See(who);
    TM_RETURN_IF_ERROR(LockParticipant(tx_, who.participant_id).status());
    uint64_t chunks = 0;
    for (const DestroyedKey& key : keys) {
      const pqxx::row marked = tx_.Exec(sql::kMarkChunksOfKey, who.participant_id.ToString(),
                                        key.stream_id.ToString(), db::Bytea(key.name_bytes))[0];
      if (marked["segments"].is_null()) continue;
      chunks += marked["chunks"].as<uint64_t>();
      // Tiles that show what is marked.
      tx_.Exec(sql::kUnsealRuns, who.participant_id.ToString(),
               marked["segments"].as<std::string>());
    }
    if (chunks == 0) return absl::OkStatus();  // an erasure that was under way marked them
    done_.chunks += chunks;
    return RecordInStudy(tx_, context_, requested_by_, who.study_id, "restore.confirm",
                         {{"participant", who.participant_id.ToString()},
                          {"keys_destroyed_before", fmt::to_string(keys.size())},
                          {"chunks_erased_again", fmt::to_string(chunks)}});
  }

  db::Transaction& tx_;
  const Context& context_;
  const PrincipalId requested_by_;
  std::vector<Restored> erased_;
  std::vector<std::pair<Restored, std::vector<DestroyedKey>>> with_destroyed_keys_;
  BroughtBack done_;
};

}  // namespace

absl::StatusOr<BroughtBack> EraseAgain(db::Transaction& tx, const Context& context,
                                       PrincipalId requested_by) {
  return RestoredSweep(tx, context, requested_by).Run();
}

}  // namespace tidemark::study
