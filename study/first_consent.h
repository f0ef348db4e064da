// What participants consented to when they were entered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/db/transaction.h"
#include "base/ids.h"
#include "base/rpc/enum_set.h"
#include "store/key_store.h"
#include "tidemark/v1/participant.pb.h"

namespace tidemark::study {

struct FirstConsent {
  rpc::DataKindSet kinds;
  std::string document;
  std::optional<int64_t> from_ns;  // nothing: as of the moment of entry
};

// Of the fields `consented`, `document` and `consented_from_ns`, which `Message` has. A document or
// an instant without consent stands for nothing.
// INVALID_ARGUMENT naming a field below `prefix` ("" or "entries[3].").
absl::StatusOr<FirstConsent> ReadFirstConsent(const std::string& prefix,
                                              const google::protobuf::RepeatedField<int>& kinds,
                                              const std::string& document,
                                              std::optional<int64_t> from_ns);

template <class Message>
absl::StatusOr<FirstConsent> ReadFirstConsent(const std::string& prefix, const Message& message) {
  std::optional<int64_t> from_ns;
  if (message.has_consented_from_ns()) from_ns = message.consented_from_ns();
  return ReadFirstConsent(prefix, message.consented(), message.document(), from_ns);
}

// The first version of a decision on each kind; the participant's row is new in this transaction.
absl::Status InsertFirstConsent(db::Transaction& tx, store::KeyStore& keys,
                                ParticipantId participant, StudyId study, const FirstConsent& first,
                                PrincipalId by, int64_t now_us);

}  // namespace tidemark::study
