// An enrolled device and its upload client, before a server that answers as a test says.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ingest/client/upload_client.h"
#include "tests/ingest/client/fake_server.h"
#include "tests/ingest/client/test_folder.h"
#include "tests/support/status_matchers.h"

namespace tidemark::ingest {

inline Answer Kept() {
  return {.outcome = v1::OUTCOME_REFUSED,
          .action = v1::DEVICE_ACTION_KEEP_AND_REPORT,
          .reason = v1::RECEIPT_REASON_BODY_SIZE};
}

// An enrolled device with an outbox, a fake server, and time that only the client's sleep moves.
class UploadClientTest : public ::testing::TestWithParam<UploadWay> {
 protected:
  void SetUp() override {
    auto identity =
        Identity::Enrol(server_.channel(), {"in-process", ""}, folder_ / "device", "code");
    ASSERT_THAT(identity, support::IsOk());
    identity_ = std::make_unique<Identity>(*std::move(identity));
    OpenFolder();
  }

  void OpenFolder() {
    outbox_.reset();
    auto outbox = Outbox::Open(identity_->outbox_folder());
    ASSERT_THAT(outbox, support::IsOk());
    outbox_ = *std::move(outbox);
    auto ledger = Ledger::Open(identity_->ledger_path());
    ASSERT_THAT(ledger, support::IsOk());
    ledger_ = std::make_unique<Ledger>(*std::move(ledger));
  }

  // Appends `count` chunks of a stream; the sink is not told to hold any records.
  StreamId Record(int count, const std::string& name = "hr", size_t bytes = 100) {
    v1::StreamDeclaration declaration;
    declaration.set_modality(v1::MODALITY_HEART_RATE);
    const auto declared = outbox_->DeclareStream(name, declaration);
    EXPECT_THAT(declared, support::IsOk());
    for (int i = 0; i < count; ++i) {
      const auto make_body = [&](const WriterId& writer, uint64_t number) {
        v1::ChunkBody body;
        body.set_version(1);
        body.set_stream_id(std::string(declared->stream_id.AsBytes()));
        body.set_stream_version(declared->version);
        body.set_writer_id(std::string(writer.AsBytes()));
        body.set_number(number);
        body.mutable_samples()->set_count(1);
        // Random bytes, so that compression does not shrink a message under its limit.
        body.mutable_samples()->set_values(RandomBytes(bytes));
        return body.SerializeAsString();
      };
      EXPECT_THAT(outbox_->Append(declared->stream_id, make_body), support::IsOk());
    }
    return declared->stream_id;
  }

  UploadOptions Options() {
    return {.way = GetParam(),
            .failures_max = 4,
            .waits_max = 2,
            .stall_timeout = absl::Seconds(30),
            .backoff_seed = 1,
            .clock = &clock_,
            .sleep = [this](absl::Duration time) {
              sleeps_.push_back(time);
              clock_.Advance(time);
            }};
  }
  UploadReport Drain(UploadOptions options) {
    UploadClient client(server_.channel(), *identity_, *outbox_, *ledger_, std::move(options));
    return client.Drain();
  }
  UploadReport Drain() { return Drain(Options()); }
  std::string UploadMethod() const {
    return GetParam() == UploadWay::kStream ? "Upload" : "PutChunks";
  }
  size_t KeptBodies() const {
    namespace fs = std::filesystem;
    const fs::path kept = identity_->outbox_folder() / "kept";
    if (!fs::exists(kept)) return 0;
    return static_cast<size_t>(
        std::count_if(fs::recursive_directory_iterator(kept), fs::recursive_directory_iterator(),
                      [](const auto& entry) { return entry.path().extension() == ".chunk"; }));
  }

  // The file of chunk `number` of whatever stream has one.
  std::filesystem::path FileOf(uint64_t number) const {
    std::string name = std::to_string(number) + ".chunk";
    name.insert(0, 26 - name.size(), '0');
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(identity_->outbox_folder())) {
      if (entry.path().filename() == name) return entry.path();
    }
    ADD_FAILURE() << "no chunk " << number;
    return {};
  }

  TestFolder folder_;
  FakeServer server_;
  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  std::vector<absl::Duration> sleeps_;
  std::unique_ptr<Identity> identity_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Ledger> ledger_;
};

// Both ways of upload, for INSTANTIATE_TEST_SUITE_P.
inline auto BothWays() { return ::testing::Values(UploadWay::kStream, UploadWay::kBundle); }
inline std::string NameOfWay(const ::testing::TestParamInfo<UploadWay>& way) {
  return way.param == UploadWay::kStream ? "Stream" : "Bundle";
}

}  // namespace tidemark::ingest
