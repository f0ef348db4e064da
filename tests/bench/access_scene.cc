#include "tests/bench/access_scene.h"

#include <fmt/format.h>

#include <chrono>
#include <limits>
#include <pqxx/pqxx>

#include "absl/time/clock.h"
#include "base/db/migrator.h"
#include "base/status_macros.h"
#include "migrations/migrations.h"
#include "store/sql.h"
#include "study/devices.h"
#include "study/enrolment.h"
#include "study/proofs.h"
#include "study/sql.h"
#include "study/streams.h"
#include "study/studies.h"
#include "tests/bench/motion_stream.h"

namespace tidemark::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kScenePoolConnections = 4;
constexpr int kMessagesInFlightMax = 32;
constexpr char kSceneAudience[] = "bench";

absl::Time SceneDeadline() { return absl::Now() + absl::Seconds(30); }

study::Call CallAbout(StudyId study, ParticipantId participant) {
  study::Call call;
  call.principal_id = PrincipalId::MakeV7();
  call.study_id = study;
  call.participant_id = participant;
  call.is_operator = study.IsZero();
  call.scope = participant.IsZero() ? db::AccessScope::Study(study)
                                    : db::AccessScope::Participant(participant);
  call.deadline = SceneDeadline();
  return call;
}

std::string RequestId() { return Uuid::MakeRandom().ToString(); }

// The bench's own cluster is changed here and nowhere else.
absl::Status PrepareDatabase(const std::string& dsn) {
  try {
    pqxx::connection connection(dsn);
    pqxx::nontransaction tx(connection);
    tx.exec("select tm_ensure_segment_partitions(1)");
    tx.exec(
        fmt::format("do $$ begin create role {0} login bypassrls in role tm_ingest, tm_read; "
                    "exception when duplicate_object then null; end $$",
                    kBypassRole));
    return absl::OkStatus();
  } catch (const std::exception&) {
    return absl::UnavailableError("the bench's database cannot be prepared");
  }
}

}  // namespace

// Scene -----------------------------------------------------------------------------------------

AccessScene::AccessScene(const std::string& dsn, std::unique_ptr<store::KeyStore> keys)
    : dsn_(dsn),
      keys_(std::move(keys)),
      pool_({.dsn = Dsn("tm_app"),
             .application_name = "tidemark-bench",
             .connections_max = kScenePoolConnections,
             .statements = {study::sql::kAllStatements}}),
      context_{&pool_, keys_.get(), &Clock::Real(), kSceneAudience} {}

absl::StatusOr<std::unique_ptr<AccessScene>> AccessScene::Make(const std::string& dsn,
                                                               const std::string& folder) {
  TM_RETURN_IF_ERROR(db::Migrate(dsn + " user='tm_owner'", migrations::kAll).status());
  TM_RETURN_IF_ERROR(PrepareDatabase(dsn));
  TM_ASSIGN_OR_RETURN(auto keys, store::OpenFolderKeyStore({.folder = folder}));
  auto scene = std::unique_ptr<AccessScene>(new AccessScene(dsn, std::move(keys)));
  TM_RETURN_IF_ERROR(scene->MakeStudy());
  return scene;
}

absl::Status AccessScene::MakeStudy() {
  v1::CreateStudyRequest request;
  request.set_request_id(RequestId());
  request.set_name("access");
  TM_ASSIGN_OR_RETURN(const auto made, study::Studies(context_).Create(CallAbout({}, {}), request));
  TM_ASSIGN_OR_RETURN(study_id_, StudyId::Parse(made.study().study_id()));
  return absl::OkStatus();
}

absl::Status AccessScene::Analyze() const {
  try {
    pqxx::connection connection(dsn_);
    pqxx::nontransaction tx(connection);
    tx.exec("vacuum analyze");
    return absl::OkStatus();
  } catch (const std::exception&) {
    return absl::UnavailableError("the bench's database cannot be analyzed");
  }
}

absl::StatusOr<Wearer> AccessScene::AddWearer(const std::string& code) {
  v1::CreateParticipantRequest request;
  request.set_request_id(RequestId());
  request.set_study_id(study_id_.ToString());
  request.set_code(code);
  request.add_consented(v1::DATA_KIND_MOTION);
  request.set_document("bench");
  request.set_consented_from_ns(0);
  TM_ASSIGN_OR_RETURN(const auto made, study::Studies(context_).CreateParticipant(
                                           CallAbout(study_id_, {}), request));
  Wearer wearer;
  wearer.code = code;
  wearer.stream_id = StreamId::MakeV7();
  wearer.sender.study_id = study_id_;
  TM_ASSIGN_OR_RETURN(wearer.sender.participant_id,
                      ParticipantId::Parse(made.participant().participant_id()));
  TM_ASSIGN_OR_RETURN(wearer.sender.device_id, Enrol(wearer.sender));
  TM_RETURN_IF_ERROR(Declare(wearer));
  return wearer;
}

absl::StatusOr<DeviceId> AccessScene::Enrol(const ingest::Sender& sender) {
  v1::CreateDeviceRequest create;
  create.set_request_id(RequestId());
  create.set_participant_id(sender.participant_id.ToString());
  create.set_name("watch");
  TM_ASSIGN_OR_RETURN(
      const auto made,
      study::Devices(context_).Create(CallAbout(sender.study_id, sender.participant_id), create));
  const SigningKey key = SigningKey::GenerateP256();
  v1::EnrolRequest enrol;
  enrol.set_code(made.enrolment_code().code());
  enrol.set_public_key(key.Public().Export());
  enrol.set_proof(key.Sign(study::EnrolProofBytes(enrol.code(), enrol.public_key())));
  study::AttemptLimiter attempts(context_.clock);
  TM_RETURN_IF_ERROR(study::Enrolment(context_, &attempts).Enrol(enrol, SceneDeadline()).status());
  return DeviceId::Parse(made.device().device_id());
}

absl::Status AccessScene::Declare(const Wearer& wearer) {
  study::Call call = CallAbout(study_id_, wearer.sender.participant_id);
  call.device_id = wearer.sender.device_id;
  return study::Streams(context_)
      .Declare(call, DeclareMotion(wearer.sender.device_id, wearer.stream_id))
      .status();
}

// Ingest ----------------------------------------------------------------------------------------

IngestLane::IngestLane(const AccessScene& scene, const std::string& role)
    : pool_({.dsn = scene.Dsn(role),
             .application_name = "tidemark-bench",
             .connections_max = 2,
             .statements = {store::sql::kAllStatements}}),
      catalog_(&pool_),
      consent_(&pool_, &Clock::Real()) {}

absl::StatusOr<std::unique_ptr<IngestLane>> IngestLane::Start(const AccessScene& scene,
                                                              const std::string& role) {
  auto lane = std::unique_ptr<IngestLane>(new IngestLane(scene, role));
  TM_ASSIGN_OR_RETURN(lane->ingest_,
                      ingest::Ingest::Start({.dsn = scene.Dsn(role),
                                             .keys = scene.context().keys,
                                             .catalog = &lane->catalog_,
                                             .consent = &lane->consent_,
                                             .placements = nullptr,
                                             .clock = &Clock::Real(),
                                             .receipts = {.key = SigningKey::GenerateEd25519(),
                                                          .key_id = "bench",
                                                          .restore_generation = 0,
                                                          .durability = v1::DURABILITY_LOCAL},
                                             .quotas = {},
                                             .patience = {},
                                             .ready = {}}));
  return lane;
}

IngestLane::~IngestLane() { ingest_->Shutdown(); }

absl::StatusOr<double> IngestLane::Store(const Wearer& wearer,
                                         std::vector<std::vector<v1::ChunkEnvelope>> messages) {
  const auto begin = SteadyClock::now();
  for (std::vector<v1::ChunkEnvelope>& message : messages) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return in_flight_ < kMessagesInFlightMax; });
      ++in_flight_;
    }
    ingest::Submission submission{
        wearer.sender, std::move(message),
        [this](const absl::StatusOr<v1::ReceiptBatch>& receipts) { OnReceipts(receipts); }};
    // Far below what ingest holds at a time: there is always room.
    if (ingest_->TrySubmit(submission, nullptr, nullptr) != ingest::Take::kTaken) {
      return absl::InternalError("ingest has no room");
    }
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return in_flight_ == 0; });
  if (!fault_.ok()) return fault_;
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

void IngestLane::OnReceipts(const absl::StatusOr<v1::ReceiptBatch>& receipts) {
  absl::Status fault = receipts.status();
  for (int i = 0; fault.ok() && i < receipts->statements_size(); ++i) {
    v1::ReceiptStatement statement;
    if (!statement.ParseFromString(receipts->statements(i)) ||
        statement.outcome() != v1::OUTCOME_STORED) {
      fault = absl::InternalError(fmt::format("a chunk was not stored ({}): this is no measurement",
                                              v1::Outcome_Name(statement.outcome())));
    }
  }
  std::lock_guard lock(mutex_);
  --in_flight_;
  if (fault_.ok()) fault_ = fault;
  changed_.notify_all();
}

}  // namespace tidemark::bench
