#include "store/stream_catalog.h"

#include <fmt/format.h>

#include <utility>

#include "base/db/transaction.h"
#include "base/status_macros.h"
#include "store/lru_cache.h"
#include "store/sql.h"

namespace tidemark::store {
namespace {

constexpr size_t kCachedVersionsMax = 65'536;

using StreamInfoPtr = std::shared_ptr<const StreamInfo>;

struct VersionKey {
  ParticipantId participant_id;
  StreamId stream_id;
  int32_t version;
  friend bool operator==(const VersionKey&, const VersionKey&) = default;
};

struct VersionKeyHash {
  size_t operator()(const VersionKey& key) const {
    return std::hash<ParticipantId>{}(key.participant_id) * 31 +
           std::hash<StreamId>{}(key.stream_id) + static_cast<size_t>(key.version);
  }
};

// A row of find_stream_version or list_streams whose version is not null.
absl::StatusOr<StreamInfoPtr> ReadVersion(ParticipantId participant, StreamId stream,
                                          const pqxx::row& row) {
  auto info = std::make_shared<StreamInfo>();
  info->participant_id = participant;
  info->stream_id = stream;
  TM_ASSIGN_OR_RETURN(info->study_id, StudyId::Parse(row[0].as<std::string>()));
  TM_ASSIGN_OR_RETURN(info->device_id, DeviceId::Parse(row[1].as<std::string>()));
  info->name = row[2].as<std::string>();
  info->version = row[3].as<int32_t>();
  const std::string declaration = db::BytesOf(row[4]);
  if (const absl::Status status = DecodeDeclaration(declaration, *info); !status.ok()) {
    return absl::DataLossError("a stored stream declaration breaks its own rules");
  }
  info->declaration = declaration;
  info->declared_at_us = row[5].as<int64_t>();
  return info;
}

}  // namespace

struct StreamCatalog::Impl {
  explicit Impl(db::Pool* pool_in) : pool(pool_in) {}

  StreamInfoPtr Recall(const VersionKey& key) TM_EXCLUDES(mutex) {
    MutexLock lock(mutex);
    const StreamInfoPtr* const found = cache.Find(key);
    return found == nullptr ? nullptr : *found;
  }
  void Remember(const StreamInfoPtr& info) TM_EXCLUDES(mutex) {
    MutexLock lock(mutex);
    cache.Put({info->participant_id, info->stream_id, info->version}, info);
  }

  db::Pool* const pool;
  Mutex mutex;
  LruCache<VersionKey, StreamInfoPtr, VersionKeyHash> cache TM_GUARDED_BY(mutex){
      kCachedVersionsMax};
};

StreamCatalog::StreamCatalog(db::Pool* pool) : impl_(std::make_unique<Impl>(pool)) {}
StreamCatalog::~StreamCatalog() = default;

StreamInfoPtr StreamCatalog::FindCached(ParticipantId participant, StreamId stream,
                                        int32_t version) const {
  return impl_->Recall({participant, stream, version});
}

absl::StatusOr<StreamInfoPtr> StreamCatalog::Find(ParticipantId participant, StreamId stream,
                                                  int32_t version, absl::Time deadline,
                                                  bool* stream_known) {
  if (stream_known != nullptr) *stream_known = true;
  if (StreamInfoPtr cached = FindCached(participant, stream, version)) return cached;
  bool known = false;
  absl::StatusOr<StreamInfoPtr> info =
      db::Transact(*impl_->pool, "find_stream_version", db::AccessScope::Participant(participant),
                   deadline, [&](db::Transaction& tx) -> absl::StatusOr<StreamInfoPtr> {
                     const pqxx::result rows = tx.Exec(
                         sql::kFindDeclaration, participant.ToString(), stream.ToString(), version);
                     known = !rows.empty();
                     if (!known) return absl::NotFoundError("no such stream");
                     if (rows[0][3].is_null())
                       return absl::NotFoundError("no such version of the stream");
                     return ReadVersion(participant, stream, rows[0]);
                   });
  if (stream_known != nullptr) *stream_known = known;
  if (info.ok()) impl_->Remember(*info);
  return info;
}

absl::StatusOr<std::vector<StreamInfoPtr>> StreamCatalog::List(ParticipantId participant,
                                                               absl::Time deadline) {
  absl::StatusOr<std::vector<StreamInfoPtr>> infos = db::Transact(
      *impl_->pool, "list_streams", db::AccessScope::Participant(participant), deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<std::vector<StreamInfoPtr>> {
        std::vector<StreamInfoPtr> found;
        for (const pqxx::row& row : tx.Exec(sql::kListNewestDeclarations, participant.ToString())) {
          TM_ASSIGN_OR_RETURN(const StreamId stream, StreamId::Parse(row[6].as<std::string>()));
          TM_ASSIGN_OR_RETURN(StreamInfoPtr info, ReadVersion(participant, stream, row));
          found.push_back(std::move(info));
        }
        return found;
      });
  if (infos.ok()) {
    for (const StreamInfoPtr& info : *infos) impl_->Remember(info);
  }
  return infos;
}

}  // namespace tidemark::store
