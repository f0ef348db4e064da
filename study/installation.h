// What operators do with the installation as a whole: keys and restores.
#pragma once

#include "absl/status/statusor.h"
#include "study/call.h"
#include "study/context.h"
#include "tidemark/v1/operator.pb.h"

namespace tidemark::study {

// Thread-safe. Statuses as OperatorService documents them. Both acts stand in the evidence of the
// installation and of every study, whose auditors are those who have to know.
class Installation {
 public:
  explicit Installation(Context context) : context_(std::move(context)) {}

  absl::StatusOr<v1::RotateKeyEncryptionKeyResponse> RotateKeyEncryptionKey(
      const Call& call, const v1::RotateKeyEncryptionKeyRequest& request) const;

  // Raises the database only; the next Beat() brings the key store up, and ingest goes on with it.
  // What was erased since the backup is erased again (study/restored_erasures.h), in the same
  // transaction: it asks the key store about every participant, and takes as long as that.
  absl::StatusOr<v1::ConfirmRestoredResponse> ConfirmRestored(
      const Call& call, const v1::ConfirmRestoredRequest& request) const;

 private:
  const Context context_;
};

}  // namespace tidemark::study
