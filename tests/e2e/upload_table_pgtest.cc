// Drives a device through every row of the table in docs/upload.md, on both ways of upload: the
// situation is produced at a real server over a real database, the answer is compared with the row,
// and then the real client goes on until its outbox is empty.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "ingest/client/session.h"
#include "ingest/number_ranges.h"
#include "store/key_store.h"
#include "tests/e2e/upload_fixture.h"
#include "tests/e2e/wire.h"
#include "tests/ingest/admission_table.h"
#include "tidemark/v1/erasure.grpc.pb.h"
#include "tidemark/v1/ingest.grpc.pb.h"
#include "tidemark/v1/participant.grpc.pb.h"

namespace tidemark::ingest {
namespace {

using support::IsOk;

constexpr size_t kLargeBodyBytes = 40'000;
constexpr int64_t kQuarantineBytes = 64 << 10;  // has room for one large body

// How a chunk has left the outbox.
struct End {
  uint64_t deleted = 0;    // with a receipt that allows it
  uint64_t kept = 0;       // moved to the kept folder
  uint64_t stopped = 0;    // deleted because it must not exist
  uint64_t abandoned = 0;  // its number was given up
  friend bool operator==(const End&, const End&) = default;
};
std::ostream& operator<<(std::ostream& out, const End& end) {
  return out << end.deleted << " deleted, " << end.kept << " kept, " << end.stopped << " stopped, "
             << end.abandoned << " abandoned";
}

// What docs/upload.md says a device does.
End EndAfter(const std::string& action) {
  if (action == "KEEP_AND_REPORT") return {.kept = 1, .abandoned = 1};
  if (action == "STOP_AND_DELETE") return {.stopped = 1};
  return {.deleted = 1};  // at once, or when the cause has gone
}

struct Case {
  // Brings about the situation; the last chunk of the outbox is then the one that meets the rule.
  std::function<ChunkRef()> arrange;
  // Takes the cause away, while the client waits.
  std::function<void()> remedy = nullptr;
  // Where it is not what follows from the action.
  std::optional<End> end = std::nullopt;
  bool kept_by_hand = false;
  bool consents = true;  // the participant, to everything
};

// A receipt, and whether the number was settled when it came.
struct Heard {
  v1::ReceiptStatement statement;
  bool settled = false;
};

class UploadTableTest : public UploadFixture, public ::testing::WithParamInterface<UploadWay> {
 protected:
  void SetUp() override {
    UploadFixture::SetUp();
    wire_channel_ = wire_.Connect(server_->port());
  }
  void TearDown() override {
    wire_channel_.reset();
    UploadFixture::TearDown();
  }
  server::Config MakeConfig() const override {
    server::Config config = UploadFixture::MakeConfig();
    config.quarantine_bytes_per_device = kQuarantineBytes;
    return config;
  }

  // A participant with one device: every row begins with nothing.
  void BeginAnew(const std::string& name, bool consents = true) {
    wire_.spoil_envelope = nullptr;
    wire_.spoil_declaration = nullptr;
    wire_.on_receipt = nullptr;
    for (const char* table : {"chunk", "quarantine"}) AcceptRows(table);
    site_.participant_id = AddParticipant(site_, name, consents);
    EnrolAs(name);
    wire_.sign_bundle = [this](std::string_view bundle) {
      return identity_->BundleSignature(bundle);
    };
  }

  void DriveThrough(const AdmissionRow& row, const Case& given);
  UploadReport DrainOverTheWire(const std::function<void()>& while_waiting);
  void ExpectAnswer(const AdmissionRow& row, const Heard& heard) const;
  void ExpectEnd(const AdmissionRow& row, const Case& given, const UploadReport& report);
  bool IsSettled(const ChunkRef& ref) const;
  size_t KeptBodies() const;

  std::map<std::string, Case> Cases();
  std::map<std::string, Case> EnvelopeCases();
  std::map<std::string, Case> BodyCases();
  std::map<std::string, Case> PayloadCases();
  std::map<std::string, Case> ConsentCases();
  std::map<std::string, Case> NumberCases();
  std::map<std::string, Case> StoreCases();

  // Ways to bring about a situation.
  Case Spoiled(std::function<void(v1::ChunkEnvelope&)> spoil, bool once);
  Case ChangedBody(std::function<void(v1::ChunkBody&)> change);
  Case Served(std::function<ChunkRef()> arrange) { return {.arrange = std::move(arrange)}; }
  void DeclareX() { ASSERT_THAT(outbox_->DeclareStream("x", StreamX()), IsOk()); }
  ChunkRef AppendEncoded(int64_t begin_ns, int64_t end_ns);
  ChunkRef AppendAgreedRecord();
  void RecordConsent(v1::ConsentDecision decision, int64_t from_ns);
  void PlaceBoot(int64_t study_of_zero_ns);
  void EraseRange(int64_t begin_ns, int64_t end_ns);
  void EraseMeanwhile();
  ChunkRef AppendLargeBad() {
    return AppendChunk([](v1::ChunkBody& body) {
      body.mutable_samples()->set_values(std::string(kLargeBodyBytes, 'v'));
    });
  }
  void Abandon(const ChunkRef& ref);
  // What the server believes to have of this participant.
  void SetStored(const std::string& ranges_sql) {
    database_.Execute(fmt::format("update stream_state set stored = {} where participant_id = '{}'",
                                  ranges_sql, site_.participant_id));
  }
  void DiscardQuarantine();
  // From now on the database fails with `sqlstate` where this participant's rows go into `table`.
  void RejectRows(const std::string& table, const std::string& sqlstate);
  void AcceptRows(const std::string& table);

  Wire wire_;
  std::shared_ptr<grpc::Channel> wire_channel_;
  ChunkRef target_;
  mutable Mutex mutex_;
  std::vector<Heard> heard_ TM_GUARDED_BY(mutex_);  // about the target
};

// The drive
// ----------------------------------------------------------------------------------------

void UploadTableTest::DriveThrough(const AdmissionRow& row, const Case& given) {
  std::string name = row.rule;
  std::replace(name.begin(), name.end(), ' ', '-');
  BeginAnew(name, given.consents);
  target_ = given.arrange();
  const auto bytes = outbox_->Read(target_);
  ASSERT_THAT(bytes, IsOk());
  const std::string hash(AsView(bytes->sha256));
  {
    MutexLock lock(mutex_);
    heard_.clear();
  }
  wire_.on_receipt = [this, hash](const v1::ReceiptStatement& statement) {
    const bool is_named = statement.sha256().size() == sizeof(Sha256Digest);
    if (is_named && statement.sha256() != hash) return;
    MutexLock lock(mutex_);
    heard_.push_back({statement, IsSettled(target_)});
  };
  bool waited = false;
  const UploadReport report = DrainOverTheWire([&] {
    waited = true;
    if (given.remedy) given.remedy();
  });
  EXPECT_EQ(waited, row.action == "RETRY_AFTER" || row.rule == "hash-well-formed");
  ExpectEnd(row, given, report);
  MutexLock lock(mutex_);
  ASSERT_FALSE(heard_.empty()) << report.status << " " << report.note;
  ExpectAnswer(row, heard_.front());
  const bool may_delete = heard_.back().statement.device_action() == v1::DEVICE_ACTION_MAY_DELETE;
  EXPECT_EQ(may_delete, report.chunks_deleted == 1);
}

UploadReport UploadTableTest::DrainOverTheWire(const std::function<void()>& while_waiting) {
  ManualClock clock(absl::Now());
  UploadOptions options = Options(GetParam());
  options.compress = false;
  options.waits_max = 1;
  options.wait_max = absl::InfiniteDuration();
  options.clock = &clock;
  options.sleep = [&](absl::Duration time) {
    clock.Advance(time);
    while_waiting();
  };
  return UploadClient(wire_channel_, *identity_, *outbox_, *ledger_, options).Drain();
}

void UploadTableTest::ExpectAnswer(const AdmissionRow& row, const Heard& heard) const {
  const v1::ReceiptStatement& statement = heard.statement;
  EXPECT_EQ(v1::Outcome_Name(statement.outcome()), "OUTCOME_" + row.outcome);
  EXPECT_EQ(v1::DeviceAction_Name(statement.device_action()), "DEVICE_ACTION_" + row.action);
  EXPECT_EQ(v1::ReceiptReason_Name(statement.reason()), "RECEIPT_REASON_" + row.reason);
  EXPECT_EQ(statement.retry_after_ms() > 0, row.action == "RETRY_AFTER");
  // For somebody who was erased nothing is written: the receipt alone settles the number.
  EXPECT_EQ(heard.settled, row.settles != "no" && row.rule != "not-erased");
}

void UploadTableTest::ExpectEnd(const AdmissionRow& row, const Case& given,
                                const UploadReport& report) {
  EXPECT_THAT(report.status, IsOk());
  EXPECT_EQ(report.chunks_left, 0u) << report.note;
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
  const End end{report.chunks_deleted, report.chunks_kept, report.chunks_stopped,
                report.numbers_abandoned};
  EXPECT_EQ(end, given.end.value_or(EndAfter(row.action)));
  EXPECT_EQ(KeptBodies(), end.kept + (given.kept_by_hand ? 1 : 0));
  EXPECT_EQ(IsSettled(target_), row.rule != "not-erased");
  ExpectNothingMissing();
}

bool UploadTableTest::IsSettled(const ChunkRef& ref) const {
  return database_.QueryValue(
             fmt::format("select coalesce(bool_or((stored + quarantined + abandoned + refused) @> "
                         "{}::int8), false) "
                         "from stream_state where stream_id = '{}' and writer_id = '{}'",
                         ref.number, ref.stream_id.ToString(), ref.writer_id.ToString())) == "t";
}

size_t UploadTableTest::KeptBodies() const {
  const auto kept = identity_->outbox_folder() / "kept";
  if (!std::filesystem::exists(kept)) return 0;
  size_t bodies = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(kept)) {
    bodies += file.path().extension() == ".chunk" ? 1 : 0;
  }
  return bodies;
}

// Situations
// ---------------------------------------------------------------------------------------

Case UploadTableTest::Spoiled(std::function<void(v1::ChunkEnvelope&)> spoil, bool once) {
  return {.arrange = [this, spoil = std::move(spoil), once] {
    wire_.spoil_envelope = [spoil, once, spoiled = false](v1::ChunkEnvelope& envelope) mutable {
      if (!once || !spoiled) spoil(envelope);
      spoiled = true;
    };
    return AppendChunk();
  }};
}

Case UploadTableTest::ChangedBody(std::function<void(v1::ChunkBody&)> change) {
  return Served([this, change = std::move(change)] { return AppendChunk(change); });
}

ChunkRef UploadTableTest::AppendEncoded(int64_t begin_ns, int64_t end_ns) {
  v1::StreamDeclaration video;
  video.set_modality(v1::MODALITY_ENCODED_VIDEO);
  video.set_media_type("video/hevc");
  return AppendTo("video", video, [&](v1::ChunkBody body) {
    body.mutable_encoded()->set_begin_device_ns(begin_ns);
    body.mutable_encoded()->set_end_device_ns(end_ns);
    body.mutable_encoded()->set_data("a film");
    return body.SerializeAsString();
  });
}

// 16 stands for an event, which is agreed and not served.
ChunkRef UploadTableTest::AppendAgreedRecord() {
  v1::StreamDeclaration records;
  records.set_modality(v1::MODALITY_RECORDS);
  return AppendTo("device", records, [](v1::ChunkBody body) {
    v1::Record& record = *body.mutable_records()->add_records();
    v1::Record::GetReflection()->MutableUnknownFields(&record)->AddLengthDelimited(16, "");
    return body.SerializeAsString();
  });
}

// On the kind of data of the stream "x".
void UploadTableTest::RecordConsent(v1::ConsentDecision decision, int64_t from_ns) {
  v1::RecordConsentRequest request;
  request.set_request_id(server::NewRequestId());
  request.set_participant_id(site_.participant_id);
  request.mutable_consent()->set_data_kind(v1::DATA_KIND_OTHER);
  request.mutable_consent()->set_decision(decision);
  request.mutable_consent()->set_valid_from_ns(from_ns);
  request.mutable_consent()->set_document("form");
  ASSERT_THAT(
      server::Invoke(*v1::ParticipantService::NewStub(channel_),
                     &v1::ParticipantService::Stub::RecordConsent, request, site_.manager_token),
      IsOk());
}

// As a clock pair of AppendTo's boot does.
void UploadTableTest::PlaceBoot(int64_t study_of_zero_ns) {
  database_.Execute(fmt::format(
      "insert into clock_pair (participant_id, stream_id, writer_id, number, entry, study_id, "
      "device_id, boot_id, clock_id, is_boot_start, sensor_ns, monotonic_ns, wall_ns, "
      "utc_offset_s) select participant_id, device_id, device_id, 0, 0, study_id, device_id, "
      "'62626262-6262-6262-6262-626262626262', 0, true, 0, 0, {}, 0 from device where "
      "participant_id = '{}'",
      study_of_zero_ns, site_.participant_id));
}

void UploadTableTest::EraseRange(int64_t begin_ns, int64_t end_ns) {
  v1::EraseRangeRequest request;
  request.set_request_id(server::NewRequestId());
  request.set_participant_id(site_.participant_id);
  request.set_reason("an evening at home");
  request.set_begin_ns(begin_ns);
  request.set_end_ns(end_ns);
  ASSERT_THAT(server::Invoke(*v1::ErasureService::NewStub(channel_),
                             &v1::ErasureService::Stub::EraseRange, request, site_.manager_token),
              IsOk());
}

// A range of this participant's is erased whenever chunks are being settled.
void UploadTableTest::EraseMeanwhile() {
  database_.Execute(fmt::format(
      "create or replace function erase_meanwhile() returns trigger language plpgsql security "
      "definer as $$ begin insert into erased_range values (new.participant_id, "
      "gen_random_uuid(), gen_random_uuid(), new.study_id, 0, 1); return new; end $$;"
      "create trigger erase_meanwhile before insert on stream_state for each row "
      "when (new.participant_id = '{}') execute function erase_meanwhile()",
      site_.participant_id));
}

void UploadTableTest::Abandon(const ChunkRef& ref) {
  DeviceSession session(channel_, *identity_, Clock::Real());
  const auto token = session.Token();
  ASSERT_THAT(token, IsOk());
  v1::AbandonRangeRequest request;
  request.set_participant_id(site_.participant_id);
  request.set_stream_id(ref.stream_id.ToString());
  request.set_writer_id(ref.writer_id.ToString());
  request.mutable_range()->set_begin(ref.number);
  request.mutable_range()->set_end(ref.number + 1);
  request.set_reason("too early");
  ASSERT_THAT(server::Invoke(*v1::IngestService::NewStub(channel_),
                             &v1::IngestService::Stub::AbandonRange, request, *token),
              IsOk());
}

void UploadTableTest::DiscardQuarantine() {
  const auto ingest = v1::IngestService::NewStub(channel_);
  v1::ListQuarantineRequest list;
  list.set_participant_id(site_.participant_id);
  const auto listed =
      server::Invoke(*ingest, &v1::IngestService::Stub::ListQuarantine, list, site_.manager_token);
  ASSERT_THAT(listed, IsOk());
  for (const auto& chunk : listed->chunks()) {
    v1::DiscardQuarantinedRequest discard;
    discard.set_request_id(server::NewRequestId());
    discard.set_participant_id(site_.participant_id);
    discard.set_quarantine_id(chunk.quarantine_id());
    discard.set_reason("looked at");
    ASSERT_THAT(server::Invoke(*ingest, &v1::IngestService::Stub::DiscardQuarantined, discard,
                               site_.manager_token),
                IsOk());
  }
}

void UploadTableTest::RejectRows(const std::string& table, const std::string& sqlstate) {
  database_.Execute(
      fmt::format("create or replace function fail_as_told() returns trigger language plpgsql as "
                  "$$ begin raise exception using errcode = tg_argv[0]; end $$;"
                  "create trigger reject before insert on {0} for each row "
                  "when (new.participant_id = '{1}') execute function fail_as_told('{2}')",
                  table, site_.participant_id, sqlstate));
}

void UploadTableTest::AcceptRows(const std::string& table) {
  database_.Execute(fmt::format("drop trigger if exists reject on {}", table));
}

// Cases
// --------------------------------------------------------------------------------------------

std::map<std::string, Case> UploadTableTest::EnvelopeCases() {
  const auto set_size = [](v1::ChunkEnvelope& e) { e.set_uncompressed_size(0); };
  Case short_hash = Spoiled([](auto& e) { e.set_sha256("short"); }, /*once=*/true);
  // The receipt cannot name the chunk: the device hears of none, and sends it again.
  short_hash.end = End{.deleted = 1};
  return {
      {"compression-known",
       Spoiled([](auto& e) { e.set_compression(static_cast<v1::Compression>(77)); }, false)},
      {"hash-well-formed", std::move(short_hash)},
      {"body-size", Spoiled(set_size, false)},
      {"size-as-declared", Spoiled([](auto& e) { e.mutable_body()->pop_back(); }, true)},
      {"hash-as-declared", Spoiled([](auto& e) { e.mutable_body()->back() ^= 1; }, true)},
  };
}

std::map<std::string, Case> UploadTableTest::BodyCases() {
  Case agreed = Served([this] { return AppendAgreedRecord(); });
  // Until a server serves it the device keeps it; here somebody has had enough.
  agreed.remedy = [this] { ASSERT_THAT(outbox_->Keep(target_, "not worth the wait"), IsOk()); };
  agreed.end = End{.abandoned = 1};
  agreed.kept_by_hand = true;
  return {
      {"key-readable",
       Served([this] { return AppendTo("x", StreamX(), [](auto&&) { return "\xff\xff\xff"; }); })},
      {"version-known", ChangedBody([](auto& b) { b.set_version(9); })},
      {"payload-parses", Served([this] {
         return AppendTo("x", StreamX(), [](const v1::ChunkBody& head) {
           return head.SerializeAsString() + std::string("\x42\x02\x08\xff", 4);
         });
       })},
      {"fields-known",
       ChangedBody([](auto& b) { b.GetReflection()->MutableUnknownFields(&b)->AddVarint(50, 1); })},
      {"records-served", std::move(agreed)},
      {"body-ranges", ChangedBody([](auto& b) { b.set_boot_id("b"); })},
      {"stream-known", Served([this] {
         // The server hears of another stream than the one that the device means.
         wire_.spoil_declaration = [](v1::DeclareStreamRequest& request) {
           request.set_stream_id(StreamId::MakeV7().ToString());
         };
         return AppendChunk();
       })},
      {"stream-version-known", ChangedBody([](auto& b) { b.set_stream_version(7); })},
  };
}

std::map<std::string, Case> UploadTableTest::PayloadCases() {
  return {
      {"payload-kind", ChangedBody([](auto& b) { b.clear_samples(); })},
      {"payload-size", ChangedBody([](auto& b) { b.mutable_samples()->set_count(3); })},
      {"payload-ranges",
       ChangedBody([](auto& b) { b.mutable_samples()->set_first_counter(UINT64_MAX); })},
      {"stamps-together", ChangedBody([](auto& b) {
         b.mutable_samples()->set_count(3);
         b.mutable_samples()->set_values("abcdef");
         b.mutable_samples()->set_exact_device_ns(Packed<int64_t>({INT64_MIN, 0, INT64_MAX}));
       })},
      {"span", Served([this] { return AppendEncoded(0, 3'600 * kSecondNs + 1); })},
  };
}

std::map<std::string, Case> UploadTableTest::ConsentCases() {
  return {
      {"consent-decided",
       {.arrange = [this] { return AppendChunk(); },
        .remedy = [this] { RecordConsent(v1::CONSENT_DECISION_GRANTED, kStartNs); },
        .consents = false}},
      {"consent-given",
       {.arrange =
            [this] {
              RecordConsent(v1::CONSENT_DECISION_REFUSED, kStartNs);
              return AppendChunk();
            },
        .consents = false}},
      {"place-known",
       {.arrange =
            [this] {
              RecordConsent(v1::CONSENT_DECISION_REFUSED, kStartNs);
              return AppendChunk();
            },
        .remedy = [this] { PlaceBoot(kStartNs - kSecondNs); }}},
      {"range-not-erased", Served([this] {
         EraseRange(kStartNs, kStartNs + kSecondNs);
         AppendBootStart(kStartNs);
         EXPECT_THAT(Drain(GetParam()).status, IsOk());
         return AppendChunk();
       })},
      {"consent-at-the-time",
       {.arrange =
            [this] {
              RecordConsent(v1::CONSENT_DECISION_GRANTED, kStartNs);
              AppendBootStart(kStartNs - kSecondNs);
              EXPECT_THAT(Drain(GetParam()).status, IsOk());
              return AppendChunk();
            },
        .consents = false}},
  };
}

std::map<std::string, Case> UploadTableTest::NumberCases() {
  const auto uploaded = [this] {
    const UploadReport report = Drain(GetParam());
    ASSERT_THAT(report.status, IsOk());
    ASSERT_EQ(report.chunks_left, 0u);
  };
  return {
      {"erasure-known",
       {.arrange =
            [this] {
              EraseMeanwhile();
              return AppendChunk();
            },
        .remedy =
            [this] {
              database_.Execute("drop trigger erase_meanwhile on stream_state");
              database_.Execute("delete from erased_range");
            }}},
      {"not-erased", Served([this, uploaded] {
         DeclareX();
         uploaded();  // declares it at the server
         const auto keys =
             store::OpenFolderKeyStore({.folder = folder_.File("keys"), .kek_path = ""});
         EXPECT_THAT(keys, IsOk());
         EXPECT_THAT((*keys)->DestroyParticipant(*ParticipantId::Parse(site_.participant_id)),
                     IsOk());
         return AppendChunk();
       })},
      {"not-stored-yet", Served([this, uploaded] {
         const ChunkRef ref = AppendChunk();
         RestoreOutboxAfter(uploaded);
         return ref;
       })},
      {"number-free", Served([this, uploaded] {
         DeclareX();
         RestoreOutboxAfter([&] {
           AppendChunk();
           uploaded();
         });
         return AppendChunk([](v1::ChunkBody& body) { body.set_clock_id(5); });
       })},
      {"number-not-given-up", Served([this, uploaded] {
         DeclareX();
         uploaded();
         const ChunkRef ref = AppendChunk();
         Abandon(ref);
         return ref;
       })},
      // The first number is quarantined, so that the second one begins a run of its own.
      {"outbox-room",
       {.arrange =
            [this, uploaded] {
              AppendChunk([](v1::ChunkBody& body) { body.set_clock_id(70'000); });
              uploaded();
              SetStored(
                  fmt::format("(select range_agg(int8range(2 * n, 2 * n + 1)) from "
                              "generate_series(1000, 999 + {}) as n)",
                              kRunsPerSetMax));
              return AppendChunk();
            },
        .remedy = [this] { SetStored("'{}'"); }}},
      {"quarantine-room",
       {.arrange =
            [this, uploaded] {
              AppendLargeBad();
              uploaded();
              return AppendLargeBad();
            },
        .remedy = [this] { DiscardQuarantine(); }}},
  };
}

std::map<std::string, Case> UploadTableTest::StoreCases() {
  return {
      {"store-takes-it", Served([this] {
         RejectRows("chunk", "23514");
         return AppendChunk();
       })},
      {"quarantine-takes-it",
       {.arrange =
            [this] {
              RejectRows("chunk", "23514");
              RejectRows("quarantine", "22021");
              return AppendChunk();
            },
        .remedy =
            [this] {
              AcceptRows("chunk");
              AcceptRows("quarantine");
            }}},
      // A full disk; a bundle without room in time is in tests/ingest/ingest_service_pgtest.cc.
      {"room",
       {.arrange =
            [this] {
              RejectRows("chunk", "53100");
              return AppendChunk();
            },
        .remedy = [this] { AcceptRows("chunk"); }}},
      {"none broken", Served([this] { return AppendChunk(); })},
  };
}

std::map<std::string, Case> UploadTableTest::Cases() {
  std::map<std::string, Case> cases;
  cases.merge(EnvelopeCases());
  cases.merge(BodyCases());
  cases.merge(PayloadCases());
  cases.merge(ConsentCases());
  cases.merge(NumberCases());
  cases.merge(StoreCases());
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Ways, UploadTableTest,
                         ::testing::Values(UploadWay::kStream, UploadWay::kBundle),
                         [](const auto& way) {
                           return way.param == UploadWay::kStream ? "Stream" : "Bundle";
                         });

TEST_P(UploadTableTest, EveryRowEndsWithAnEmptyOutbox) {
  const std::map<std::string, Case> cases = Cases();
  std::set<std::string> driven;
  for (const AdmissionRow& row : ReadAdmissionTable()) {
    SCOPED_TRACE(row.rule);
    const auto found = cases.find(row.rule);
    if (found == cases.end()) {
      ADD_FAILURE() << "the row has no case";
      continue;
    }
    EXPECT_TRUE(driven.insert(row.rule).second) << "two rows of one name";
    DriveThrough(row, found->second);
    if (HasFatalFailure()) return;
  }
  for (const auto& [rule, given] : cases) EXPECT_TRUE(driven.contains(rule)) << rule << ": no row";
}

// A copy that is broken on every way is the device's to keep.
TEST_P(UploadTableTest, DamageThatDoesNotPassIsKeptAndReported) {
  BeginAnew("damage");
  wire_.spoil_envelope = [](v1::ChunkEnvelope& envelope) { envelope.mutable_body()->pop_back(); };
  target_ = AppendChunk();
  const UploadReport report = DrainOverTheWire([] {});
  EXPECT_THAT(report.status, IsOk());
  EXPECT_EQ(report.receipts.at(v1::OUTCOME_DAMAGED), 3u);
  EXPECT_EQ(report.chunks_kept, 1u);
  EXPECT_EQ(KeptBodies(), 1u);
  EXPECT_TRUE(IsSettled(target_));
  ExpectNothingMissing();
}

// An envelope whose receipt names no chunk is tried a bounded number of times, and kept.
TEST_P(UploadTableTest, AnswersThatNameNoChunkEndInAStopAndNotInALoop) {
  BeginAnew("nameless");
  wire_.spoil_envelope = [](v1::ChunkEnvelope& envelope) { envelope.clear_sha256(); };
  AppendChunk();
  const UploadReport report = DrainOverTheWire([] {});
  EXPECT_TRUE(absl::IsUnavailable(report.status)) << report.status;
  EXPECT_EQ(report.chunks_left, 1u);
  EXPECT_EQ(report.receipts.at(v1::OUTCOME_REFUSED), 8u);
}

}  // namespace
}  // namespace tidemark::ingest
