#include "server/roles.h"

#include <algorithm>
#include <array>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "ingest/ingest.h"
#include "ingest/ingest_service.h"
#include "server/operator_service.h"
#include "server/server_metrics.h"
#include "store/declared_placements.h"
#include "store/reader_pool.h"
#include "store/sealer/sealer_worker.h"
#include "store/signal_reader.h"
#include "store/sql.h"
#include "store/stream_catalog.h"
#include "study/access_service.h"
#include "study/audit_service.h"
#include "study/device_service.h"
#include "study/erasure_service.h"
#include "study/erasure_worker.h"
#include "study/participant_service.h"
#include "study/signal/signal_service.h"
#include "study/study_service.h"

namespace tidemark::server {
namespace {

constexpr size_t kCatalogConnectionsMax = 2;
constexpr size_t kPlacementConnectionsMax = 2;

class StudyRole final : public Role {
 public:
  explicit StudyRole(const Foundation& foundation)
      : readers_({.dsn = DsnOf(foundation.config.dsn, foundation.config.read_user),
                  .connections_max = kPlacementConnectionsMax}),
        placements_(&readers_),
        access_(&foundation.authorizer, foundation.study),
        audit_(&foundation.authorizer, foundation.study),
        erasure_(&foundation.authorizer, foundation.study, {&readers_, &placements_}),
        participant_(&foundation.authorizer, foundation.study),
        study_(&foundation.authorizer, foundation.study),
        device_(&foundation.authorizer, foundation.study),
        operator_(&foundation.authorizer, foundation),
        worker_(foundation.study, {&readers_, &placements_}) {}

  std::vector<grpc::Service*> services() override {
    return {&access_, &audit_, &erasure_, &participant_, &study_, &device_, &operator_};
  }
  void Drain() override { worker_.Stop(); }

 private:
  store::ReaderPool readers_;
  store::DeclaredPlacements placements_;
  study::AccessService access_;
  study::AuditService audit_;
  study::ErasureService erasure_;
  study::ParticipantService participant_;
  study::StudyService study_;
  study::DeviceService device_;
  OperatorService operator_;
  study::ErasureWorker worker_;
};

db::PoolOptions CatalogPool(const Config& config, const std::string& user) {
  return {.dsn = DsnOf(config.dsn, user),
          .application_name = "tidemark-catalog",
          .connections_max = kCatalogConnectionsMax,
          .statements = {store::sql::kAllStatements}};
}

class IngestRole final : public Role {
 public:
  static absl::StatusOr<std::unique_ptr<Role>> Start(const Foundation& foundation) {
    auto role = std::unique_ptr<IngestRole>(new IngestRole(foundation));
    TM_ASSIGN_OR_RETURN(role->ingest_, role->StartIngest(foundation));
    role->service_ = std::make_unique<ingest::IngestService>(
        ingest::IngestServiceOptions{.authorizer = &foundation.authorizer,
                                     .ingest = role->ingest_.get(),
                                     .context = foundation.study,
                                     .placements = &role->placements_});
    if (foundation.config.sealer_percent > 0) role->StartSealer(foundation);
    return role;
  }

  std::vector<grpc::Service*> services() override { return {service_.get()}; }
  void SetRestoreGeneration(uint64_t generation) override {
    ingest_->SetRestoreGeneration(generation);
  }
  void EndStreams() override { service_->Shutdown(); }
  void Drain() override {
    if (sealer_ != nullptr) sealer_->Stop();
    ingest_->Shutdown();
  }

 private:
  explicit IngestRole(const Foundation& foundation)
      : pool_(CatalogPool(foundation.config, foundation.config.ingest_user)),
        catalog_(&pool_),
        consent_(&pool_, foundation.study.clock),
        readers_({.dsn = DsnOf(foundation.config.dsn, foundation.config.read_user),
                  .connections_max = kPlacementConnectionsMax}),
        placements_(&readers_) {}

  absl::StatusOr<std::unique_ptr<ingest::Ingest>> StartIngest(const Foundation& foundation) {
    const study::Context& study = foundation.study;
    const Config& config = foundation.config;
    TM_ASSIGN_OR_RETURN(const std::string pem, study.keys->ReceiptKeyPem());
    TM_ASSIGN_OR_RETURN(SigningKey key, SigningKey::FromPem(pem));
    return ingest::Ingest::Start(
        {.dsn = DsnOf(config.dsn, config.ingest_user),
         .keys = study.keys,
         .catalog = &catalog_,
         .consent = &consent_,
         .placements = &placements_,
         .clock = study.clock,
         .receipts = {.key = std::move(key),
                      .key_id = foundation.receipt_key_id,
                      .restore_generation = foundation.gate.restore_generation(),
                      .durability =
                          config.unsafe_durability ? v1::DURABILITY_UNSAFE : v1::DURABILITY_LOCAL},
         .quotas = {.device_bytes_max = config.quarantine_bytes_per_device,
                    .study_bytes_max = config.quarantine_bytes_per_study},
         .patience = {},
         .ready = [gate = &foundation.gate] { return gate->Check(); },
         .writers = config.ingest_writers,
         .messages_in_flight_max = static_cast<size_t>(config.ingest_messages_in_flight_max)});
  }

  void StartSealer(const Foundation& foundation) {
    const double share = foundation.config.sealer_percent / 100.0;
    sealer::SealerWorkerOptions options;
    options.sealer.store.dsn = DsnOf(foundation.config.dsn, foundation.config.app_user);
    options.sealer.keys = foundation.study.keys;
    options.sealer.catalog = &catalog_;
    options.sealer.clock = foundation.study.clock;
    options.ingest_is_busy = [ingest = ingest_.get()] { return ingest->IsBusy(); };
    options.busy_share = share;
    options.behind_share = std::min(2 * share, 1.0);
    sealer_ = std::make_unique<sealer::SealerWorker>(std::move(options));
    ServerMetrics& metrics = ServerMetrics::OfProcess();
    sealer_readings_ = {metrics.sealer_lag.Add([worker = sealer_.get()] {
                          return absl::ToDoubleSeconds(worker->readings().backlog.oldest);
                        }),
                        metrics.sealer_backlog.Add([worker = sealer_.get()] {
                          return static_cast<double>(worker->readings().backlog.bytes);
                        })};
  }

  db::Pool pool_;
  store::StreamCatalog catalog_;
  store::ConsentBook consent_;
  store::ReaderPool readers_;
  store::DeclaredPlacements placements_;
  std::unique_ptr<ingest::Ingest> ingest_;
  std::unique_ptr<ingest::IngestService> service_;
  std::unique_ptr<sealer::SealerWorker> sealer_;             // asks ingest_
  std::array<metrics::Reading::Source, 2> sealer_readings_;  // ask sealer_
};

class SignalRole final : public Role {
 public:
  explicit SignalRole(const Foundation& foundation)
      : pool_(CatalogPool(foundation.config, foundation.config.read_user)),
        catalog_(&pool_),
        consent_(&pool_, foundation.study.clock),
        readers_({.dsn = DsnOf(foundation.config.dsn, foundation.config.read_user),
                  .connections_max = static_cast<size_t>(foundation.config.read_connections_max)}),
        placements_(&readers_),
        reader_({&readers_, foundation.study.keys, &catalog_, &placements_, &consent_}),
        access_(&catalog_, foundation.study),
        service_(&foundation.authorizer, &reader_, &access_, foundation.study.keys) {}

  std::vector<grpc::Service*> services() override { return {&service_}; }

 private:
  db::Pool pool_;
  store::StreamCatalog catalog_;
  store::ConsentBook consent_;
  store::ReaderPool readers_;
  store::DeclaredPlacements placements_;
  store::SignalReader reader_;
  study::DataAccess access_;
  study::SignalService service_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Role>> MakeStudyRole(const Foundation& foundation) {
  return std::make_unique<StudyRole>(foundation);
}

absl::StatusOr<std::unique_ptr<Role>> MakeIngestRole(const Foundation& foundation) {
  return IngestRole::Start(foundation);
}

absl::StatusOr<std::unique_ptr<Role>> MakeSignalRole(const Foundation& foundation) {
  return std::make_unique<SignalRole>(foundation);
}

std::vector<std::string> ServicesOf(const std::set<std::string>& roles) {
  std::vector<std::string> services = {"tidemark.v1.ServerService"};
  if (roles.contains("study")) {
    services.insert(services.end(), {"tidemark.v1.AccessService", "tidemark.v1.AuditService",
                                     "tidemark.v1.ErasureService", "tidemark.v1.ParticipantService",
                                     "tidemark.v1.StudyService", "tidemark.v1.DeviceService",
                                     "tidemark.v1.OperatorService"});
  }
  if (roles.contains("ingest")) services.push_back("tidemark.v1.IngestService");
  if (roles.contains("signal")) services.push_back("tidemark.v1.SignalService");
  return services;
}

}  // namespace tidemark::server
