// What was set aside, for the people who decide about it.
#pragma once

#include "absl/status/statusor.h"
#include "ingest/ingest.h"
#include "study/call.h"
#include "study/context.h"
#include "study/data_access.h"
#include "tidemark/v1/ingest.pb.h"

namespace tidemark::ingest {

// Thread-safe. `context.pool` connects as tm_app with the statements of ingest/sql.h and
// study/sql.h. Statuses as IngestService documents them; NOT_FOUND for an entry that the
// participant does not have.
class Quarantine {
 public:
  Quarantine(const study::Context& context, Ingest* ingest)
      : context_(context), ingest_(ingest), access_(ingest->catalog(), context) {}

  absl::StatusOr<v1::ListQuarantineResponse> List(const study::Call& call,
                                                  const v1::ListQuarantineRequest& request) const;
  absl::StatusOr<v1::GetQuarantinedResponse> Get(const study::Call& call,
                                                 const v1::GetQuarantinedRequest& request) const;
  // Three transactions: the role that stores chunks may not write evidence, nor remember requests.
  // The evidence comes first, so that it says who asked even if the answer is lost. The entry
  // itself says which request took it out: repeated after a loss between the last two, that request
  // is answered STORED, whether its bytes were stored by it or had been before.
  absl::StatusOr<v1::RedriveQuarantinedResponse> Redrive(
      const study::Call& call, const v1::RedriveQuarantinedRequest& request) const;
  absl::StatusOr<v1::DiscardQuarantinedResponse> Discard(
      const study::Call& call, const v1::DiscardQuarantinedRequest& request) const;

 private:
  struct Entry {
    v1::QuarantinedChunk chunk;
    StudyId study_id;
    std::string sealed_body;      // empty unless held
    std::string decided_request;  // canonical text; empty while held
  };
  absl::StatusOr<Entry> Find(db::Transaction& tx, const study::Call& call, QuarantineId id) const;
  absl::StatusOr<std::string> OpenBody(const study::Call& call, QuarantineId id,
                                       const Entry& entry) const;
  absl::Status NoteRedrive(const study::Call& call, QuarantineId id) const;
  absl::StatusOr<v1::RedriveQuarantinedResponse> RedriveOnce(db::Transaction& tx,
                                                             const study::Call& call,
                                                             QuarantineId id,
                                                             const Uuid& request) const;
  absl::Status Audit(db::Transaction& tx, const study::Call& call, const char* action,
                     QuarantineId id, const std::string& reason) const;

  const study::Context context_;
  Ingest* const ingest_;
  const study::DataAccess access_;
};

}  // namespace tidemark::ingest
