// Request ids: the same request twice is done once and answered twice.
#pragma once

#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/db/transaction.h"
#include "base/status_macros.h"
#include "store/key_store.h"
#include "study/call.h"

namespace tidemark::study {

inline constexpr absl::Duration kRequestMemoryAge = absl::Hours(24);

// Thread-safe. Answers are sealed at rest, since they may hold a token.
class RequestMemory {
 public:
  // All outlive this. The pool has the statements of study/sql.h.
  RequestMemory(db::Pool* pool, store::KeyStore* keys, const Clock* clock)
      : pool_(pool), keys_(keys), clock_(clock) {}

  // Runs `body(tx)`, which returns absl::StatusOr<Response>, in one transaction under call.scope
  // that also remembers its answer under (principal, request.request_id()). Within 24 hours the
  // same request is answered from memory and `body` does not run. Because of that, a transaction
  // whose end is unknown is tried once more. Errors are not remembered.
  //   INVALID_ARGUMENT  request_id is no canonical UUID
  //   ALREADY_EXISTS    REQUEST_ID_REUSED: it was used for something else
  //   DATA_LOSS         the remembered answer cannot be opened
  template <class Response, class Request, class Body>
  absl::StatusOr<Response> Once(const Call& call, const char* method, const Request& request,
                                Body&& body) const {
    TM_ASSIGN_OR_RETURN(const std::string bytes,
                        OnceBytes(call, method, request.request_id(), request.SerializeAsString(),
                                  [&](db::Transaction& tx) -> absl::StatusOr<std::string> {
                                    TM_ASSIGN_OR_RETURN(const Response response, body(tx));
                                    return response.SerializeAsString();
                                  }));
    Response response;
    if (!response.ParseFromString(bytes)) return absl::DataLossError("remembered answer");
    return response;
  }

 private:
  using Body = absl::FunctionRef<absl::StatusOr<std::string>(db::Transaction&)>;
  struct Key;

  absl::StatusOr<std::string> OnceBytes(const Call& call, const char* method,
                                        std::string_view request_id, std::string_view request,
                                        Body body) const;
  absl::StatusOr<std::string> Replay(db::Transaction& tx, const Key& key) const;
  absl::StatusOr<std::string> RunNew(db::Transaction& tx, const Key& key, Body body) const;

  db::Pool* const pool_;
  store::KeyStore* const keys_;
  const Clock* const clock_;
};

}  // namespace tidemark::study
