#include "study/receipt_keys.h"

#include "base/base64.h"
#include "base/crypto.h"
#include "base/db/transaction.h"
#include "base/status_macros.h"
#include "study/fields.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

constexpr size_t kKeyIdChars = 16;

v1::ReceiptKey KeyOfRow(const pqxx::row& row) {
  v1::ReceiptKey key;
  key.set_key_id(row["key_id"].as<std::string>());
  key.set_public_key(db::BytesOf(row["public_key"]));
  *key.mutable_valid_from() = TimestampOfUs(row["valid_from_us"].as<int64_t>());
  if (!row["valid_until_us"].is_null()) {
    *key.mutable_valid_until() = TimestampOfUs(row["valid_until_us"].as<int64_t>());
  }
  return key;
}

}  // namespace

std::string ReceiptKeyId(std::string_view public_key) {
  const Sha256Digest digest = Sha256(public_key);
  return HexEncode(AsView(digest)).substr(0, kKeyIdChars);
}

absl::StatusOr<std::string> RegisterReceiptKey(db::Pool& pool, store::KeyStore& keys,
                                               const Clock& clock, absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(const std::string pem, keys.ReceiptKeyPem());
  TM_ASSIGN_OR_RETURN(const SigningKey key, SigningKey::FromPem(pem));
  const std::string public_key = key.Public().Export();
  const std::string key_id = ReceiptKeyId(public_key);
  const int64_t now_us = NowUs(clock);
  const int64_t others_end_us = now_us + absl::ToInt64Microseconds(kReceiptKeyOverlap);
  TM_RETURN_IF_ERROR(db::Transact(pool, "RegisterReceiptKey", db::AccessScope::None(), deadline,
                                  [&](db::Transaction& tx) -> absl::Status {
                                    tx.Exec(sql::kInsertReceiptKey, key_id, db::Bytea(public_key),
                                            now_us);
                                    tx.Exec(sql::kEndReceiptKeys, key_id, others_end_us);
                                    return absl::OkStatus();
                                  }));
  return key_id;
}

absl::Status CheckReceiptKeyInForce(db::Pool& pool, const std::string& key_id, absl::Time until,
                                    absl::Time deadline) {
  return db::Transact(
      pool, "CheckReceiptKeyInForce", db::AccessScope::None(), deadline,
      [&](db::Transaction& tx) -> absl::Status {
        const pqxx::result rows = tx.Exec(sql::kFindReceiptKeyEnd, key_id);
        if (!rows.empty() &&
            (rows[0][0].is_null() || until < absl::FromUnixMicros(rows[0][0].as<int64_t>()))) {
          return absl::OkStatus();
        }
        return absl::FailedPreconditionError(
            "another receipt key took over: start this server again");
      });
}

absl::StatusOr<std::vector<v1::ReceiptKey>> ListReceiptKeys(db::Pool& pool, absl::Time deadline) {
  return db::Transact(pool, "ListReceiptKeys", db::AccessScope::None(), deadline,
                      [&](db::Transaction& tx) -> absl::StatusOr<std::vector<v1::ReceiptKey>> {
                        std::vector<v1::ReceiptKey> keys;
                        for (const pqxx::row& row : tx.Exec(sql::kListReceiptKeys)) {
                          keys.push_back(KeyOfRow(row));
                        }
                        return keys;
                      });
}

}  // namespace tidemark::study
