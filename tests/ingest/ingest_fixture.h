// A migrated database with studies, devices and streams as rows, keys in a folder, and ways to send
// chunks and to look at what became of them.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/base64.h"
#include "ingest/ingest.h"
#include "ingest/receipt_proof.h"
#include "store/consent_book.h"
#include "store/declared_placements.h"
#include "store/reader_pool.h"
#include "store/sql.h"
#include "store/stream_codec.h"
#include "tests/ingest/chunk_builder.h"
#include "tests/support/pg_test_database.h"
#include "tests/support/status_matchers.h"
#include "tidemark/v1/stream.pb.h"

namespace tidemark::ingest {

class IngestFixture : public ::testing::Test {
 protected:
  IngestFixture()
      : folder_(std::filesystem::temp_directory_path() /
                ("tm_ingest_" + Uuid::MakeRandom().ToString())),
        catalog_pool_({.dsn = database_.Dsn("tm_ingest"),
                       .connections_max = 4,
                       .statements = {store::sql::kAllStatements}}),
        consent_(&catalog_pool_, &Clock::Real(), absl::ZeroDuration()),
        readers_({.dsn = database_.Dsn("tm_read"), .connections_max = 2}),
        placements_(&readers_) {
    auto keys = store::OpenFolderKeyStore({.folder = folder_.string(), .kek_path = ""});
    EXPECT_TRUE(keys.ok()) << keys.status();
    keys_ = *std::move(keys);
    catalog_ = std::make_unique<store::StreamCatalog>(&catalog_pool_);
    database_.Execute(fmt::format("insert into study values ('{}', 'one', now())",
                                  SenderOf(1).study_id.ToString()));
  }
  ~IngestFixture() override {
    ingest_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Start() {
    auto ingest = Ingest::Start(Options());
    ASSERT_TRUE(ingest.ok()) << ingest.status();
    ingest_ = *std::move(ingest);
  }
  IngestOptions Options() {
    return {.dsn = database_.Dsn("tm_ingest"),
            .keys = keys_.get(),
            .catalog = catalog_.get(),
            .consent = &consent_,
            .placements = &placements_,
            .clock = &Clock::Real(),
            .receipts = {.key = key_, .key_id = "k", .restore_generation = 3},
            .quotas = quotas_,
            .patience = patience_,
            .ready = {},
            .messages_in_flight_max = messages_max_};
  }

  // Rows of a participant with one device, without the ceremony of enrolment, who consented to
  // everything for ever.
  Sender AddDevice(uint8_t n) {
    const Sender sender = AddDeviceWithoutConsent(n);
    for (int kind = v1::DATA_KIND_UNSPECIFIED + 1; kind < v1::DataKind_ARRAYSIZE; ++kind) {
      RecordConsent(sender, static_cast<v1::DataKind>(kind), true,
                    std::numeric_limits<int64_t>::min());
    }
    return sender;
  }
  // The next decision on one kind of data.
  void RecordConsent(const Sender& sender, v1::DataKind kind, bool granted, int64_t from_ns) {
    database_.Execute(fmt::format(
        "insert into consent select '{0}', {1}, coalesce(max(version), 0) + 1, '{2}', {3}, {4},"
        " null, 'form', '{2}', now() from consent where participant_id = '{0}' and data_kind = {1}",
        sender.participant_id.ToString(), static_cast<int>(kind), sender.study_id.ToString(),
        granted ? 1 : 2, from_ns));
  }
  Sender AddDeviceWithoutConsent(uint8_t n) {
    const Sender sender = SenderOf(n);
    database_.Execute(fmt::format(
        "insert into participant values ('{0}', '{1}', 'p{3}', 2, now());"
        "insert into device values ('{0}', '{2}', '{1}', 'd{3}', 2, now(), now(), null)",
        sender.participant_id.ToString(), sender.study_id.ToString(), sender.device_id.ToString(),
        n));
    return sender;
  }
  void AddStream(const Sender& sender, uint8_t n, v1::Modality modality = v1::MODALITY_OTHER,
                 bool stamped = false) {
    v1::StreamDeclaration declaration;
    declaration.set_modality(modality);
    declaration.set_stamped(stamped);
    if (modality == v1::MODALITY_OTHER) {
      for (const char* name : {"a", "b"}) {
        v1::Channel& channel = *declaration.add_channels();
        channel.set_name(name);
        channel.set_unit("1");
        channel.set_type(v1::CHANNEL_TYPE_INT16);
      }
      if (!stamped) {
        declaration.mutable_nominal_rate()->set_numerator(100);
        declaration.mutable_nominal_rate()->set_denominator(1);
      }
    }
    const std::string stream = StreamId{UuidOf(4, n)}.ToString();
    database_.Execute(fmt::format(
        "insert into stream values ('{0}', '{1}', '{2}', '{3}', 's{4}');"
        "insert into stream_version values ('{0}', '{1}', 1, '{2}', '\\x{5}', now())",
        sender.participant_id.ToString(), stream, sender.study_id.ToString(),
        sender.device_id.ToString(), n, HexEncode(store::SerializeDeclaration(declaration))));
  }

  std::future<absl::StatusOr<v1::ReceiptBatch>> Submit(const Sender& sender,
                                                       std::vector<v1::ChunkEnvelope> envelopes) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<v1::ReceiptBatch>>>();
    auto future = promise->get_future();
    Submission submission{sender, std::move(envelopes),
                          [promise](auto receipts) { promise->set_value(std::move(receipts)); }};
    EXPECT_EQ(ingest_->TrySubmit(submission, nullptr, nullptr), Take::kTaken);
    return future;
  }
  // The proven statements, in the order sent.
  std::vector<v1::ReceiptStatement> Send(const Sender& sender,
                                         const std::vector<v1::ChunkBody>& bodies) {
    std::vector<v1::ChunkEnvelope> envelopes;
    for (const v1::ChunkBody& body : bodies) envelopes.push_back(EnvelopeOf(body));
    const auto receipts = Submit(sender, std::move(envelopes)).get();
    EXPECT_TRUE(receipts.ok()) << receipts.status();
    if (!receipts.ok()) return {};
    return Prove(*receipts);
  }
  v1::ReceiptStatement SendOne(const Sender& sender, const v1::ChunkBody& body) {
    const auto statements = Send(sender, {body});
    return statements.empty() ? v1::ReceiptStatement() : statements.front();
  }
  std::vector<v1::ReceiptStatement> Prove(const v1::ReceiptBatch& batch) const {
    const ReceiptKeys keys = {{"k", key_.Public()}};
    const auto statements = VerifyReceiptBatch(batch, keys);
    EXPECT_TRUE(statements.ok()) << statements.status();
    return statements.ok() ? *statements : std::vector<v1::ReceiptStatement>();
  }

  std::string Query(const std::string& sql) const { return database_.QueryValue(sql); }

  support::TestDatabase database_;
  std::filesystem::path folder_;
  db::Pool catalog_pool_;
  // Asks anew each time, so that a test need not wait for what it has recorded.
  store::ConsentBook consent_;
  store::ReaderPool readers_;
  store::DeclaredPlacements placements_;
  std::unique_ptr<store::KeyStore> keys_;
  std::unique_ptr<store::StreamCatalog> catalog_;
  const SigningKey key_ = SigningKey::GenerateEd25519();
  QuarantineQuotas quotas_;
  CommitPatience patience_;
  size_t messages_max_ = 4'096;
  std::unique_ptr<Ingest> ingest_;
};

MATCHER_P2(Says, outcome, reason, "") {
  *result_listener << arg.ShortDebugString();
  return arg.outcome() == outcome && arg.reason() == reason;
}

}  // namespace tidemark::ingest
