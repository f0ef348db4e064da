#include "study/audit.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/endian.h"
#include "base/status_macros.h"
#include "store/envelope.h"
#include "study/pg_arrays.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

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

std::string StudyPlace(const Uuid& study, int64_t seq) {
  std::string place = kTable;
  place += study.AsBytes();
  place += SeqBytes(seq);
  return place;
}

// A study has no key of its own: its evidence is sealed with a key of the installation.
absl::StatusOr<std::string> SealForStudy(store::KeyStore& keys, const AuditEntry& entry,
                                         int64_t seq, std::string_view body) {
  TM_ASSIGN_OR_RETURN(const std::string key, keys.ServiceKey("audit"));
  return AesGcmSeal(key, StudyPlace(entry.subject, seq), body);
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

// What the next link of a subject carries, and its number.
struct Next {
  int64_t seq = 1;
  Sha256Digest prev_hash{};
};

absl::StatusOr<Next> FindNext(db::Transaction& tx, const Uuid& subject) {
  const pqxx::result rows = tx.Exec(sql::kFindAuditTail, subject.ToString());
  if (rows.empty()) return Next{1, AuditChainBegin(subject)};
  TM_ASSIGN_OR_RETURN(const AuditChainLink tail, AuditLinkOfRow(rows[0]));
  return Next{tail.seq + 1, AuditLinkHash(tail)};
}

}  // namespace

absl::StatusOr<AuditChainLink> AuditLinkOfRow(const pqxx::row& row) {
  AuditChainLink link;
  TM_ASSIGN_OR_RETURN(link.subject, Uuid::Parse(row["subject"].c_str()));
  TM_ASSIGN_OR_RETURN(link.study_id, Uuid::Parse(row["study_id"].c_str()));
  link.seq = row["seq"].as<int64_t>();
  link.prev_hash = db::BytesOf(row["prev_hash"]);
  link.body_hash = db::BytesOf(row["body_hash"]);
  link.recorded_at_us = row["recorded_at_us"].as<int64_t>();
  link.version = row["link_version"].as<int>();
  return link;
}

absl::StatusOr<std::optional<std::string>> OpenAuditBody(store::KeyStore& keys, const Uuid& subject,
                                                         const Uuid& study, int64_t seq,
                                                         std::string_view sealed) {
  if (subject == study) {
    TM_ASSIGN_OR_RETURN(const std::string key, keys.ServiceKey("audit"));
    TM_ASSIGN_OR_RETURN(std::string body, AesGcmOpen(key, StudyPlace(subject, seq), sealed));
    return std::optional(std::move(body));
  }
  const std::string row_key = SeqBytes(seq);
  auto opened =
      store::OpenEnvelope(keys, {kTable, ParticipantId{subject}, row_key}, StreamId{}, sealed);
  if (absl::IsNotFound(opened.status())) return std::nullopt;
  if (!opened.ok()) return opened.status();
  return std::optional(std::move(opened->plain));
}

void LockAuditSubjects(db::Transaction& tx, std::span<const Uuid> subjects) {
  std::vector<std::string> ids;
  ids.reserve(subjects.size());
  for (const Uuid& subject : subjects) ids.push_back(subject.ToString());
  tx.Exec(sql::kLockAuditSubjects, PgArray(ids));
}

// The look at the newest link is a statement of its own after the lock was had: it sees what
// whoever held the lock before has committed.
absl::Status AppendAudit(db::Transaction& tx, store::KeyStore& keys, const Clock& clock,
                         const AuditEntry& entry) {
  LockAuditSubjects(tx, std::span(&entry.subject, 1));
  const std::string body = BodyOf(entry);
  const Sha256Digest body_hash = Sha256(body);
  TM_ASSIGN_OR_RETURN(const Next next, FindNext(tx, entry.subject));
  TM_ASSIGN_OR_RETURN(const std::string sealed, Seal(keys, entry, next.seq, body));
  tx.Exec(sql::kInsertAudit, entry.subject.ToString(), next.seq, entry.study_id.ToString(),
          db::Bytea(AsView(next.prev_hash)), db::Bytea(AsView(body_hash)), db::Bytea(sealed),
          absl::ToUnixMicros(clock.Now()));
  return absl::OkStatus();
}

absl::Status AppendAudit(db::Transaction& tx, store::KeyStore& keys, const AuditEntry& entry) {
  return AppendAudit(tx, keys, Clock::Real(), entry);
}

}  // namespace tidemark::study
