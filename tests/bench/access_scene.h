// What the group `access` measures on: a database of its own, keys, wearers and what stores for
// them.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/db/pool.h"
#include "ingest/ingest.h"
#include "store/consent_book.h"
#include "store/key_store.h"
#include "store/stream_catalog.h"
#include "study/context.h"

namespace tidemark::bench {

// May do what the server's roles may, and is not held by row-level security. Exists in the bench's
// own cluster only.
inline constexpr char kBypassRole[] = "tm_bench_bypass";

// A participant with an enrolled device and a declared stream of 3 x int16 at 100 Hz.
struct Wearer {
  ingest::Sender sender;
  StreamId stream_id;
  std::string code;
};

class AccessScene {
 public:
  // `dsn` names an empty database, owned by tm_owner, of a cluster that may be changed, as its
  // superuser; `folder` is for keys.
  static absl::StatusOr<std::unique_ptr<AccessScene>> Make(const std::string& dsn,
                                                           const std::string& folder);

  absl::StatusOr<Wearer> AddWearer(const std::string& code);
  // What a database that has run for a while knows of its tables, so that no comparison is cut in
  // two by finding it out.
  absl::Status Analyze() const;
  std::string Dsn(const std::string& role) const { return dsn_ + " user='" + role + "'"; }
  const study::Context& context() const { return context_; }
  StudyId study_id() const { return study_id_; }

 private:
  AccessScene(const std::string& dsn, std::unique_ptr<store::KeyStore> keys);
  absl::Status MakeStudy();
  absl::StatusOr<DeviceId> Enrol(const ingest::Sender& sender);
  absl::Status Declare(const Wearer& wearer);

  const std::string dsn_;
  const std::unique_ptr<store::KeyStore> keys_;
  db::Pool pool_;
  const study::Context context_;
  StudyId study_id_;
};

// The whole way of a chunk from admission to its receipt, as one role of the database.
class IngestLane {
 public:
  static absl::StatusOr<std::unique_ptr<IngestLane>> Start(const AccessScene& scene,
                                                           const std::string& role);
  ~IngestLane();

  // Stores the messages, several under way at a time; seconds until the last receipt was there.
  //   INTERNAL  a chunk was not stored: this is no measurement
  absl::StatusOr<double> Store(const Wearer& wearer,
                               std::vector<std::vector<v1::ChunkEnvelope>> messages);

 private:
  IngestLane(const AccessScene& scene, const std::string& role);
  void OnReceipts(const absl::StatusOr<v1::ReceiptBatch>& receipts);

  db::Pool pool_;
  store::StreamCatalog catalog_;
  store::ConsentBook consent_;
  std::unique_ptr<ingest::Ingest> ingest_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int in_flight_ = 0;
  absl::Status fault_;
};

}  // namespace tidemark::bench
