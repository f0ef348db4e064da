#include "study/installation.h"

#include <fmt/format.h>

#include <algorithm>

#include "absl/time/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "study/evidence.h"
#include "study/fields.h"
#include "study/pg_device_rows.h"
#include "study/restore_marks.h"
#include "study/restored_erasures.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

// What was done is recorded even if the caller has stopped waiting.
constexpr absl::Duration kRecordingMost = absl::Seconds(30);

}  // namespace

// Outside of any transaction: it takes as long as there are participants, and whoever waits for a
// connection or a row must not wait for it. What is cut off before its answer is remembered is gone
// on with, or done once more, by the same request.
absl::StatusOr<v1::RotateKeyEncryptionKeyResponse> Installation::RotateKeyEncryptionKey(
    const Call& call, const v1::RotateKeyEncryptionKeyRequest& request) const {
  using Response = v1::RotateKeyEncryptionKeyResponse;
  constexpr char kMethod[] = "RotateKeyEncryptionKey";
  bool is_new = false;
  absl::StatusOr<Response> remembered = context_.memory().Once<Response>(
      call, kMethod, request, [&](db::Transaction&) -> absl::StatusOr<Response> {
        is_new = true;
        return absl::CancelledError("not done yet");
      });
  if (!is_new) return remembered;
  TM_ASSIGN_OR_RETURN(const uint64_t wrapped, context_.keys->RotateKeyEncryptionKey());
  LogInfo("the key-encryption key was replaced, {} keys were wrapped anew", wrapped);
  Call ending = call;
  ending.deadline = std::max(call.deadline, absl::Now() + kRecordingMost);
  return context_.memory().Once<Response>(
      ending, kMethod, request, [&](db::Transaction& tx) -> absl::StatusOr<Response> {
        TM_RETURN_IF_ERROR(RecordEverywhere(tx, context_, call.principal_id, "key.rotate",
                                            {{"keys", fmt::format("{}", wrapped)}}));
        Response response;
        response.set_keys_rewrapped(wrapped);
        return response;
      });
}

absl::StatusOr<v1::ConfirmRestoredResponse> Installation::ConfirmRestored(
    const Call& call, const v1::ConfirmRestoredRequest& request) const {
  return context_.memory().Once<v1::ConfirmRestoredResponse>(
      call, "ConfirmRestored", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::ConfirmRestoredResponse> {
        TM_ASSIGN_OR_RETURN(const store::RestoreMark database, LockRestoreMark(tx));
        TM_ASSIGN_OR_RETURN(const store::RestoreMark keys, context_.keys->ReadRestoreMark());
        if (!IsBehind(database, keys) && !request.force()) {
          return StateConflict(
              "the database is not older than the key store: say force if it was restored all the "
              "same");
        }
        const uint64_t generation = std::max(database.generation, keys.generation) + 1;
        const uint64_t heartbeat = std::max(database.heartbeat, keys.heartbeat) + 1;
        tx.Exec(sql::kSetRestoreMark, generation, heartbeat);
        TM_ASSIGN_OR_RETURN(const BroughtBack back, EraseAgain(tx, context_, call.principal_id));
        TM_RETURN_IF_ERROR(
            RecordEverywhere(tx, context_, call.principal_id, "restore.confirm",
                             {{"restore_generation", fmt::to_string(generation)},
                              {"forced", IsBehind(database, keys) ? "false" : "true"},
                              {"participants_erased_again", fmt::to_string(back.participants)},
                              {"chunks_erased_again", fmt::to_string(back.chunks)}}));
        LogInfo("after a restore: {} participants and {} chunks of others are erased again",
                back.participants, back.chunks);
        v1::ConfirmRestoredResponse response;
        response.set_restore_generation(generation);
        return response;
      });
}

}  // namespace tidemark::study
