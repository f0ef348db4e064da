#include "server/server.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <chrono>

#include "absl/time/clock.h"
#include "base/db/migrator.h"
#include "base/log.h"
#include "base/rpc/page_token.h"
#include "base/status_macros.h"
#include "ingest/bundle.h"
#include "ingest/chunk.h"
#include "ingest/sql.h"
#include "ingest/upload_states.h"
#include "ingest/upload_stream.h"
#include "migrations/migrations.h"
#include "server/database_checks.h"
#include "server/files.h"
#include "server/key_store_checks.h"
#include "server/server_metrics.h"
#include "server/sql.h"
#include "server/version.h"
#include "study/audit_roots.h"
#include "study/evidence.h"
#include "study/receipt_keys.h"
#include "study/restore_marks.h"
#include "study/sql.h"

namespace tidemark::server {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr int kReceiveBytesMax = 9 << 20;
constexpr int kSendBytesMax = 4 << 20;
constexpr int kMetadataBytesMax = 16 << 10;
constexpr int kStreamsPerConnectionMax = 256;
constexpr int kKeepaliveMs = 60'000;
constexpr size_t kGrpcBytesMax = size_t{512} << 20;

constexpr absl::Duration kLookMost = absl::Seconds(10);
constexpr seconds kProbePeriod{5};
constexpr seconds kDurabilityPeriod{60};
constexpr seconds kWatchPeriod{60};
constexpr seconds kAuditRootPeriod{300};
constexpr hours kPartitionsPeriod{24};

absl::Time Soon() { return absl::Now() + kLookMost; }

std::unique_ptr<db::Pool> MakePool(const Config& config, const std::string& user,
                                   const char* application, int connections_max) {
  return std::make_unique<db::Pool>(
      db::PoolOptions{.dsn = DsnOf(config.dsn, user),
                      .application_name = application,
                      .connections_max = static_cast<size_t>(connections_max),
                      .statements = {study::sql::kAllStatements, ingest::sql::kAllStatements,
                                     sql::kAllStatements}});
}

// As the role that commits chunks: settings such as synchronous_commit may hang on a role.
std::unique_ptr<db::Pool> MakeGatePool(const Config& config) {
  return std::make_unique<db::Pool>(db::PoolOptions{
      .dsn = DsnOf(config.dsn, config.ingest_user),
      .application_name = "tidemark-gate",
      .connections_max = 1,
      .statements = {std::span(&sql::kListUnsafeSettings, 1), std::span(&sql::kDescribeKeyStore, 1),
                     std::span(&study::sql::kFindReceiptKeyEnd, 1), std::span(&sql::kProbe, 1)}});
}

std::unique_ptr<db::Pool> MakeReadProbePool(const Config& config) {
  return std::make_unique<db::Pool>(db::PoolOptions{.dsn = DsnOf(config.dsn, config.read_user),
                                                    .application_name = "tidemark-read-probe",
                                                    .connections_max = 1,
                                                    .statements = {std::span(&sql::kProbe, 1)}});
}

absl::Status CheckRoleOf(const std::string& dsn, const std::string& user) {
  db::Pool pool({.dsn = DsnOf(dsn, user),
                 .application_name = "tidemark-check",
                 .connections_max = 1,
                 .statements = {std::span(&sql::kDescribeRole, 1)}});
  return CheckRole(pool, Soon());
}

v1::ServerLimits Limits() {
  v1::ServerLimits limits;
  limits.set_body_bytes_max(ingest::kBodyBytesMax);
  limits.set_message_bytes_max(ingest::kChunkMessageBytesMax);
  limits.set_bundle_bytes_max(ingest::kBundleBytesMax);
  limits.set_chunks_in_flight_max(ingest::kChunksInFlightMax);
  limits.set_page_size_max(rpc::kPageSizeMax);
  limits.set_chunks_per_message_max(ingest::kChunksPerMessageMax);
  limits.set_bundle_entries_max(ingest::kBundleEntriesMax);
  limits.set_samples_per_chunk_max(ingest::kSamplesPerChunkMax);
  limits.set_records_per_chunk_max(ingest::kRecordsPerChunkMax);
  limits.set_abandoned_numbers_max(ingest::kAbandonedAtOnceMax);
  return limits;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(Config config, const Clock& clock,
                                                      SelfProbeOptions self_probe) {
  if (const std::vector<std::string> faults = FaultsOf(config); !faults.empty()) {
    return absl::InvalidArgumentError(fmt::format("{}", fmt::join(faults, "\n")));
  }
  auto server =
      std::unique_ptr<Server>(new Server(std::move(config), clock, std::move(self_probe)));
  TM_RETURN_IF_ERROR(server->Prepare());
  TM_RETURN_IF_ERROR(server->MakeRoles());
  TM_RETURN_IF_ERROR(server->Listen());
  server->periodic_ = std::make_unique<Periodic>(server->Tasks());
  server->SignAudit();
  server->WatchDatabase();
  TM_RETURN_IF_ERROR(server->StartMetrics());
  server->StartSelfProbe();
  return server;
}

Server::Server(Config config, const Clock& clock, SelfProbeOptions self_probe)
    : config_(std::move(config)), clock_(clock), self_probe_options_(std::move(self_probe)) {}

Server::~Server() { Shutdown(absl::ZeroDuration()); }

absl::Status Server::Prepare() {
  TM_RETURN_IF_ERROR(db::CheckMigrated(DsnOf(config_.dsn, config_.app_user), migrations::kAll));
  TM_RETURN_IF_ERROR(CheckRoles());
  keys_pool_ = MakePool(config_, config_.app_user, "tidemark-keys", 1);
  TM_ASSIGN_OR_RETURN(keys_, OpenKeyStore(config_, keys_pool_.get(), Soon()));
  app_pool_ = MakePool(config_, config_.app_user, "tidemark-app", config_.app_connections_max);
  probe_pool_ = MakePool(config_, config_.app_user, "tidemark-probe", 1);
  gate_pool_ = MakeGatePool(config_);
  read_pool_ = MakeReadProbePool(config_);
  watch_ = std::make_unique<DatabaseWatch>(config_, *probe_pool_, clock_);
  context_ = {.pool = app_pool_.get(),
              .keys = keys_.get(),
              .clock = &clock_,
              .audience = config_.audience,
              .service_token_life = absl::Hours(24) * config_.service_token_days};
  LookAtDatabase();
  TM_RETURN_IF_ERROR(study::BeginInstallationEvidence(context_, Soon()));
  return EnsurePartitions(*probe_pool_, Soon());
}

absl::Status Server::CheckRoles() {
  for (const std::string& user : {config_.app_user, config_.ingest_user, config_.read_user}) {
    TM_RETURN_IF_ERROR(CheckRoleOf(config_.dsn, user));
  }
  if (config_.key_store == kKeysInFolder) return absl::OkStatus();
  return CheckRoleOf(config_.key_store, config_.keys_user);
}

absl::Status Server::MakeRoles() {
  TM_ASSIGN_OR_RETURN(rpc::PolicyTable policies, rpc::PolicyTable::Load(ServicesOf(config_.roles)));
  authorizer_ = std::make_unique<study::DatabaseAuthorizer>(context_, std::move(policies));
  info_ = std::make_unique<ServerInfoService>(authorizer_.get(), context_,
                                              ServerFacts{kVersion, Limits(), &gate_});
  if (config_.roles.contains("ingest")) {
    // Known to everybody before the first receipt is signed with it.
    TM_ASSIGN_OR_RETURN(receipt_key_id_,
                        study::RegisterReceiptKey(*app_pool_, *keys_, clock_, Soon()));
  }
  const Foundation foundation{config_, context_,        *authorizer_,
                              gate_,   receipt_key_id_, [this] { LookAtDatabase(); },
                              *watch_};
  using Make = absl::StatusOr<std::unique_ptr<Role>> (*)(const Foundation&);
  const std::pair<const char*, Make> makers[] = {
      {"study", MakeStudyRole}, {"ingest", MakeIngestRole}, {"signal", MakeSignalRole}};
  for (const auto& [name, make] : makers) {
    if (!config_.roles.contains(name)) continue;
    TM_ASSIGN_OR_RETURN(std::unique_ptr<Role> role, make(foundation));
    roles_.push_back(std::move(role));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> Server::Credentials() const {
  if (config_.tls_cert.empty()) return grpc::InsecureServerCredentials();
  TM_ASSIGN_OR_RETURN(std::string chain, ReadWholeFile(config_.tls_cert));
  TM_ASSIGN_OR_RETURN(std::string key, ReadWholeFile(config_.tls_key));
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({std::move(key), std::move(chain)});
  return grpc::SslServerCredentials(options);
}

absl::Status Server::Listen() {
  TM_ASSIGN_OR_RETURN(const auto credentials, Credentials());
  grpc::EnableDefaultHealthCheckService(true);
  if (config_.reflection) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  grpc::ResourceQuota quota("tidemark");
  quota.SetMaxThreads(config_.handler_threads_max).Resize(kGrpcBytesMax);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kReceiveBytesMax);
  builder.SetMaxSendMessageSize(kSendBytesMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnectionMax);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  // Two servers on one port would share its connections without a word.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(config_.listen, credentials, &port_);
  builder.RegisterService(info_.get());
  for (const auto& role : roles_) {
    for (grpc::Service* service : role->services()) builder.RegisterService(service);
  }
  grpc_ = builder.BuildAndStart();
  if (grpc_ == nullptr || port_ == 0) {
    return absl::UnavailableError(fmt::format("cannot listen on {}", config_.listen));
  }
  health_ = std::make_unique<HealthBoard>(config_.roles, grpc_->GetHealthCheckService());
  if (config_.port_file.empty()) return absl::OkStatus();
  return WritePrivateFile(config_.port_file, fmt::format("{}\n", port_));
}

std::vector<PeriodicTask> Server::Tasks() {
  return {{kProbePeriod, [this] { ProbeDatabase(); }},
          {kWatchPeriod, [this] { WatchDatabase(); }},
          {kDurabilityPeriod, [this] { LookAtDatabase(); }},
          {kAuditRootPeriod, [this] { SignAudit(); }},
          {kPartitionsPeriod, [this] {
             const absl::Status made = EnsurePartitions(*probe_pool_, Soon());
             if (!made.ok()) LogError("partitions could not be made: {}", made.ToString());
           }}};
}

// With the key that signs receipts, which is known to everybody from the start of the server.
void Server::SignAudit() {
  if (receipt_key_id_.empty()) return;
  const auto sign = [this]() -> absl::Status {
    TM_ASSIGN_OR_RETURN(const std::string pem, keys_->ReceiptKeyPem());
    TM_ASSIGN_OR_RETURN(const SigningKey key, SigningKey::FromPem(pem));
    return study::SignAuditRoots(context_, key, receipt_key_id_, Soon());
  };
  if (const absl::Status status = sign(); !status.ok()) {
    LogError("the evidence of today is not signed yet: {}", std::string(status.message()));
  }
}

// One look at a time: an older one must not undo what a newer one found.
void Server::LookAtDatabase() {
  MutexLock lock(look_mutex_);
  gate_.Update(CheckIngestAllowed());
}

// Ingest needs the keys that belong to the database, a database that keeps what it commits and that
// was not restored from a backup, and a key of receipts that holds until the next look and the one
// after it.
absl::Status Server::CheckIngestAllowed() {
  TM_RETURN_IF_ERROR(CheckKeyStore(*gate_pool_, *keys_, Soon()));
  TM_ASSIGN_OR_RETURN(const store::RestoreMark mark, study::Beat(*probe_pool_, *keys_, Soon()));
  // Known before the first receipt that is signed under it.
  gate_.SetRestoreGeneration(mark.generation);
  for (const auto& role : roles_) role->SetRestoreGeneration(mark.generation);
  if (!config_.unsafe_durability) TM_RETURN_IF_ERROR(CheckDurability(*gate_pool_, Soon()));
  if (receipt_key_id_.empty()) return absl::OkStatus();  // at start, and without ingest
  return study::CheckReceiptKeyInForce(
      *gate_pool_, receipt_key_id_, clock_.Now() + 2 * absl::FromChrono(kDurabilityPeriod), Soon());
}

void Server::StartSelfProbe() {
  if (!self_probe_options_.on_dead) return;
  const auto ask = [address = OwnAddress(config_.listen, port_),
                    credentials = OwnChannelCredentials(!config_.tls_cert.empty()),
                    timeout = self_probe_options_.timeout] {
    return AskSelf(address, credentials, timeout);
  };
  self_probe_ =
      std::make_unique<SelfProbe>(self_probe_options_, clock_, ask, [this](SelfAnswer answer) {
        if (answer == SelfAnswer::kNone) ServerMetrics::OfProcess().self_probe_failures.Add();
        health_->SetHandlersFree(answer == SelfAnswer::kServing);
      });
}

// Each role comes to the database as a user of its own, which may be locked out by itself.
void Server::ProbeDatabase() {
  health_->ProbeBegins();
  const bool answers = Probe(*probe_pool_, Soon()).ok();
  std::set<std::string> broken;
  if (answers) {
    for (const auto& [role, pool] :
         {std::pair("ingest", gate_pool_.get()), {"signal", read_pool_.get()}}) {
      if (config_.roles.contains(role) && !Probe(*pool, Soon()).ok()) broken.insert(role);
    }
  }
  health_->ProbeEnds(answers, broken);
}

void Server::WatchDatabase() {
  if (const absl::Status looked = watch_->Look(Soon()); !looked.ok()) {
    LogWarning("the database could not be measured: {}", std::string(looked.message()));
  }
}

// The page stays up until the end, so that the last figures of a drain can be read.
absl::Status Server::StartMetrics() {
  MakeAllMetrics();
  readings_ = ServerReadings(*health_, gate_, *watch_, ServicesOf(config_.roles));
  if (config_.metrics_listen.empty()) return absl::OkStatus();
  TM_ASSIGN_OR_RETURN(metrics_page_,
                      MetricsPage::Start(config_.metrics_listen, metrics::Registry::OfProcess(),
                                         [this] { return health_->IsServing(""); }));
  return absl::OkStatus();
}

std::shared_ptr<grpc::Channel> Server::InProcessChannel() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kSendBytesMax);
  return grpc_->InProcessChannel(arguments);
}

void Server::Shutdown(absl::Duration drain) {
  if (stopped_) return;
  stopped_ = true;
  if (health_ != nullptr) health_->Stop();
  self_probe_.reset();
  if (grpc_ != nullptr) {
    for (const auto& role : roles_) role->EndStreams();
    grpc_->Shutdown(absl::ToChronoTime(absl::Now() + drain));
    grpc_->Wait();
  }
  periodic_.reset();  // after the calls: it may wait for the database
  for (auto role = roles_.rbegin(); role != roles_.rend(); ++role) (*role)->Drain();
  grpc_.reset();
  while (!roles_.empty()) roles_.pop_back();
  info_.reset();
  authorizer_.reset();
  metrics_page_.reset();
}

}  // namespace tidemark::server
