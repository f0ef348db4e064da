// docs/upload.md has every rule of admission in one table: what it says and what admission does
// must be the same. tests/e2e/upload_table_pgtest.cc drives a device through every row.
#include "tests/ingest/admission_table.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "tests/ingest/admission_scene.h"

namespace tidemark::ingest {
namespace {

v1::ChunkEnvelope Changed(const std::function<void(v1::ChunkEnvelope&)>& change) {
  v1::ChunkEnvelope envelope = EnvelopeOf(SamplesBody(kSampled, 1));
  change(envelope);
  return envelope;
}
v1::ChunkEnvelope ChangedBody(v1::ChunkBody body,
                              const std::function<void(v1::ChunkBody&)>& change) {
  change(body);
  return EnvelopeOf(body);
}

// One envelope that breaks each rule, and no rule before it, in the circumstances below.
std::map<std::string, v1::ChunkEnvelope> OffendersByRule() {
  const v1::ChunkBody samples = SamplesBody(kSampled, 1);
  v1::ChunkBody head = samples;
  head.clear_samples();
  const std::string broken_payload = head.SerializeAsString() + std::string("\x42\x02\x08\xff", 4);
  return {
      {"compression-known", Changed([](auto& e) { e.clear_compression(); })},
      {"hash-well-formed", Changed([](auto& e) { e.set_sha256("short"); })},
      {"body-size", Changed([](auto& e) { e.set_uncompressed_size(0); })},
      {"size-as-declared", Changed([](auto& e) { e.mutable_body()->pop_back(); })},
      {"hash-as-declared", Changed([](auto& e) { e.mutable_body()->back() ^= 1; })},
      {"key-readable", ChangedBody(samples, [](auto& b) { b.clear_writer_id(); })},
      {"version-known", ChangedBody(samples, [](auto& b) { b.set_version(9); })},
      {"payload-parses", EnvelopeOf(broken_payload)},
      {"fields-known",
       ChangedBody(samples,
                   [](auto& b) { b.GetReflection()->MutableUnknownFields(&b)->AddVarint(50, 1); })},
      {"records-served",
       ChangedBody(RecordsBody(),
                   [](auto& b) {
                     v1::Record& record = *b.mutable_records()->add_records();
                     record.GetReflection()->MutableUnknownFields(&record)->AddVarint(16, 1);
                   })},
      {"body-ranges", ChangedBody(samples, [](auto& b) { b.clear_boot_id(); })},
      {"stream-known", EnvelopeOf(SamplesBody(kForeign, 1))},
      {"stream-version-known", ChangedBody(samples, [](auto& b) { b.set_stream_version(2); })},
      {"consent-decided", EnvelopeOf(samples)},
      {"consent-given", EnvelopeOf(samples)},
      {"payload-kind", EnvelopeOf(SamplesBody(kRecords, 1))},
      {"payload-size", ChangedBody(samples, [](auto& b) { b.mutable_samples()->set_count(3); })},
      {"payload-ranges",
       ChangedBody(EncodedBody(), [](auto& b) { b.mutable_encoded()->set_end_device_ns(0); })},
      {"stamps-together", EnvelopeOf(StampedBody({INT64_MIN, 0, INT64_MAX}))},
      {"span",
       ChangedBody(EncodedBody(),
                   [](auto& b) { b.mutable_encoded()->set_end_device_ns(3'600'000'000'011); })},
      {"place-known", EnvelopeOf(samples)},
      {"consent-at-the-time", EnvelopeOf(samples)},
      {"range-not-erased", EnvelopeOf(samples)},
      {"none broken", EnvelopeOf(samples)},
  };
}

void Circumstances(const std::string& rule, AdmissionScene& scene) {
  const int64_t now_ns = absl::ToUnixNanos(scene.now);
  if (rule == "consent-decided") scene.decisions.clear();
  if (rule == "consent-given") {
    for (store::ConsentDecision& each : scene.decisions) each.granted = false;
  }
  if (rule == "consent-at-the-time") {
    scene.study_of_zero_ns = now_ns - 3'600'000'000'000;
    for (store::ConsentDecision& each : scene.decisions) each.from_ns = now_ns;
  }
  if (rule == "place-known") {
    for (store::ConsentDecision& each : scene.decisions) each.until_ns = now_ns;
  }
  if (rule == "range-not-erased") {
    scene.study_of_zero_ns = now_ns - 3'600'000'000'000;
    scene.erased.push_back({{}, {*scene.study_of_zero_ns, now_ns}});
  }
}

TEST(AdmissionTableTest, EveryReasonHasARow) {
  std::set<std::string> named;
  for (const AdmissionRow& row : ReadAdmissionTable()) named.insert("RECEIPT_REASON_" + row.reason);
  const auto* reasons = v1::ReceiptReason_descriptor();
  for (int i = 0; i < reasons->value_count(); ++i) {
    const std::string& reason = reasons->value(i)->name();
    EXPECT_TRUE(named.contains(reason)) << reason;
  }
  for (const std::string& name : named) {
    EXPECT_NE(reasons->FindValueByName(name), nullptr) << name;
  }
}

TEST(AdmissionTableTest, AdmissionDoesWhatTheTableSays) {
  const auto offenders = OffendersByRule();
  size_t driven = 0;
  for (const AdmissionRow& row : ReadAdmissionTable()) {
    const auto offender = offenders.find(row.rule);
    if (offender == offenders.end()) {
      EXPECT_EQ(row.where, "writer") << row.rule << " is not driven";
      continue;
    }
    ++driven;
    AdmissionScene scene;
    Circumstances(row.rule, scene);
    const auto decision = scene.Try(offender->second);
    ASSERT_TRUE(decision.ok()) << row.rule;
    const Verdict verdict = AdmissionScene::VerdictOf(*decision);
    EXPECT_EQ("OUTCOME_" + row.outcome, v1::Outcome_Name(verdict.outcome)) << row.rule;
    EXPECT_EQ("DEVICE_ACTION_" + row.action, v1::DeviceAction_Name(verdict.action)) << row.rule;
    EXPECT_EQ("RECEIPT_REASON_" + row.reason, v1::ReceiptReason_Name(verdict.reason)) << row.rule;
    // What the writer is handed settles its number; an answer given at once does not.
    EXPECT_EQ(row.settles == "yes", !std::holds_alternative<Verdict>(decision->what)) << row.rule;
  }
  EXPECT_EQ(driven, offenders.size()) << "an offender has no row";
}

}  // namespace
}  // namespace tidemark::ingest
