#include "study/audit.h"

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/endian.h"
#include "base/status_macros.h"
#include "store/envelope.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

constexpr int kAttemptsMax = 8;
constexpr char kTable[] = "audit.body";
// Makes the hash of a body say nothing about it once the body is erased.
constexpr size_t kSaltBytes = 16;

std::string BodyOf(const AuditEntry& entry) {
  nlohmann::json body = {{"version", 1},
                         {"action", entry.action},
                         {"actor", entry.actor.ToString()},
                         {"details", entry.details},
                         {"salt", HexEncode(RandomBytes(kSaltBytes))}};
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string SeqBytes(int64_t seq) {
  std::string bytes;
  AppendLe(bytes, seq);
  return bytes;
}

// A study has no key of its own: its evidence is sealed with a key of the installation.
absl::StatusOr<std::string> SealForStudy(store::KeyStore& keys, const AuditEntry& entry,
                                         int64_t seq, std::string_view body) {
  TM_ASSIGN_OR_RETURN(const std::string key, keys.ServiceKey("audit"));
  std::string associated = kTable;
  associated += entry.subject.AsBytes();
  associated += SeqBytes(seq);
  return AesGcmSeal(key, associated, body);
}

absl::StatusOr<std::string> SealForParticipant(store::KeyStore& keys, const AuditEntry& entry,
                                               int64_t seq, std::string_view body) {
  const ParticipantId participant{entry.subject};
  TM_ASSIGN_OR_RETURN(const store::DataKey key, keys.KeyForWriting(participant, StreamId{}, 0));
  const std::string row_key = SeqBytes(seq);
  return store::SealEnvelope(key, {kTable, participant, row_key}, store::EnvelopeCodec::kPlain,
                             body);
}

absl::StatusOr<std::string> Seal(store::KeyStore& keys, const AuditEntry& entry, int64_t seq,
                                 std::string_view body) {
  if (entry.subject == entry.study_id.uuid) return SealForStudy(keys, entry, seq, body);
  return SealForParticipant(keys, entry, seq, body);
}

struct Tail {
  int64_t seq = 0;
  std::string prev_hash;
  std::string body_hash;
};

Tail FindTail(db::Transaction& tx, const Uuid& subject) {
  const pqxx::result rows = tx.Exec(sql::kFindAuditTail, subject.ToString());
  if (rows.empty()) return {};
  return {rows[0][0].as<int64_t>(), db::BytesOf(rows[0][1]), db::BytesOf(rows[0][2])};
}

}  // namespace

Sha256Digest AuditLinkHash(const Uuid& subject, int64_t seq, std::string_view prev_hash,
                           std::string_view body_hash) {
  Sha256Stream digest;
  digest.Update("tidemark-audit-v1");
  digest.Update(subject.AsBytes());
  digest.Update(SeqBytes(seq));
  digest.Update(prev_hash);
  digest.Update(body_hash);
  return digest.Finish();
}

// The insert waits for a transaction that is about to add the same number and then changes nothing;
// the next look sees its link.
absl::Status AppendAudit(db::Transaction& tx, store::KeyStore& keys, const Clock& clock,
                         const AuditEntry& entry) {
  const std::string body = BodyOf(entry);
  const Sha256Digest body_hash = Sha256(body);
  const int64_t now_us = absl::ToUnixMicros(clock.Now());
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const Tail tail = FindTail(tx, entry.subject);
    const int64_t seq = tail.seq + 1;
    const Sha256Digest prev =
        AuditLinkHash(entry.subject, tail.seq, tail.prev_hash, tail.body_hash);
    TM_ASSIGN_OR_RETURN(const std::string sealed, Seal(keys, entry, seq, body));
    const pqxx::result inserted =
        tx.Exec(sql::kInsertAudit, entry.subject.ToString(), seq, entry.study_id.ToString(),
                db::Bytea(AsView(prev)), db::Bytea(AsView(body_hash)), db::Bytea(sealed), now_us);
    if (inserted.affected_rows() == 1) return absl::OkStatus();
  }
  return absl::AbortedError("the audit chain grew too fast");
}

absl::Status AppendAudit(db::Transaction& tx, store::KeyStore& keys, const AuditEntry& entry) {
  return AppendAudit(tx, keys, Clock::Real(), entry);
}

}  // namespace tidemark::study
