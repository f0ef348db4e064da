#include "study/request_memory.h"

#include <fmt/format.h>

#include "base/crypto.h"
#include "study/fields.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

// Old answers go a few at a time, with calls that write anyway.
constexpr int kRequestsPurgedPerCallMax = 20;

}  // namespace

struct RequestMemory::Key {
  std::string principal_id;
  std::string request_id;
  std::string method;
  Sha256Digest request_sha256;
  std::string seal_key;

  // Binds an answer to its question.
  std::string Associated() const {
    return fmt::format("request_memory.response\n{}\n{}\n{}", principal_id, request_id, method);
  }
};

absl::StatusOr<std::string> RequestMemory::OnceBytes(const Call& call, const char* method,
                                                     std::string_view request_id,
                                                     std::string_view request, Body body) const {
  TM_ASSIGN_OR_RETURN(const Uuid id, ParseId<Uuid>("request_id", request_id));
  TM_ASSIGN_OR_RETURN(std::string seal_key, keys_->ServiceKey("request-memory"));
  const Key key{call.principal_id.ToString(), id.ToString(), method, Sha256(request),
                std::move(seal_key)};
  const auto run = [&]() -> absl::StatusOr<std::string> {
    return db::Transact(*pool_, method, call.scope, call.deadline,
                        [&](db::Transaction& tx) { return RunNew(tx, key, body); });
  };
  absl::StatusOr<std::string> answer = run();
  if (absl::IsUnknown(answer.status())) answer = run();
  return answer;
}

absl::StatusOr<std::string> RequestMemory::RunNew(db::Transaction& tx, const Key& key,
                                                  Body body) const {
  const int64_t now_us = NowUs(*clock_);
  const int64_t oldest_us = now_us - absl::ToInt64Microseconds(kRequestMemoryAge);
  tx.Exec(sql::kForgetRequest, key.principal_id, key.request_id, oldest_us);
  const pqxx::result claimed = tx.Exec(sql::kClaimRequest, key.principal_id, key.request_id,
                                       key.method, db::Bytea(AsView(key.request_sha256)), now_us);
  if (claimed.empty()) return Replay(tx, key);
  TM_ASSIGN_OR_RETURN(std::string answer, body(tx));
  const std::string sealed = AesGcmSeal(key.seal_key, key.Associated(), answer);
  tx.Exec(sql::kRememberAnswer, key.principal_id, key.request_id, db::Bytea(sealed));
  tx.Exec(sql::kPurgeRequests, oldest_us, kRequestsPurgedPerCallMax);
  return answer;
}

absl::StatusOr<std::string> RequestMemory::Replay(db::Transaction& tx, const Key& key) const {
  const pqxx::result rows = tx.Exec(sql::kFindRequest, key.principal_id, key.request_id);
  // Forgotten by another call between the two looks.
  if (rows.empty()) return absl::AbortedError("the request id expired just now");
  if (rows[0][0].as<std::string>() != key.method ||
      db::BytesOf(rows[0][1]) != AsView(key.request_sha256)) {
    return rpc::Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_REQUEST_ID_REUSED,
                      "request_id was used for another request");
  }
  return AesGcmOpen(key.seal_key, key.Associated(), db::BytesOf(rows[0][2]));
}

}  // namespace tidemark::study
