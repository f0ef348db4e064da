// A device with an outbox on disk and its upload client, over a real server.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "base/endian.h"
#include "ingest/client/upload_client.h"
#include "tests/server/server_fixture.h"

namespace tidemark::ingest {

inline constexpr int64_t kSecondNs = 1'000'000'000;
inline constexpr int64_t kStartNs = 1'700'000'000 * kSecondNs;

template <class T>
std::string Packed(std::initializer_list<T> values) {
  std::string bytes;
  for (const T value : values) AppendLe(bytes, value);
  return bytes;
}

inline v1::StreamDeclaration Declaration(v1::Modality modality, v1::ChannelType type, int channels,
                                         bool stamped) {
  v1::StreamDeclaration declaration;
  declaration.set_modality(modality);
  for (int c = 0; c < channels; ++c) {
    auto* channel = declaration.add_channels();
    channel->set_name(std::string(1, static_cast<char>('x' + c)));
    channel->set_unit("1");
    channel->set_type(type);
    channel->set_scale(1);
  }
  declaration.set_stamped(stamped);
  return declaration;
}

class UploadFixture : public server::ServerFixture {
 protected:
  void SetUp() override {
    ServerFixture::SetUp();
    site_ = MakeSite("e2e");
    EnrolAs("phone");
  }

  // From here on the client is this new device of the participant, with an empty outbox.
  void EnrolAs(const std::string& name) {
    v1::CreateDeviceRequest create;
    create.set_request_id(server::NewRequestId());
    create.set_participant_id(site_.participant_id);
    create.set_name(name);
    const auto made = server::Invoke(*devices_, &v1::DeviceService::Stub::CreateDevice, create,
                                     site_.manager_token);
    ASSERT_THAT(made, support::IsOk());
    auto identity = Identity::Enrol(channel_, {"in-process", ""}, folder_.File(name),
                                    made->enrolment_code().code());
    ASSERT_THAT(identity, support::IsOk());
    identity_ = std::make_unique<Identity>(*std::move(identity));
    OpenOutbox();
    auto ledger = Ledger::Open(identity_->ledger_path());
    ASSERT_THAT(ledger, support::IsOk());
    ledger_ = std::make_unique<Ledger>(*std::move(ledger));
  }

  void OpenOutbox() {
    auto outbox = Outbox::Open(identity_->outbox_folder());
    ASSERT_THAT(outbox, support::IsOk());
    outbox_ = *std::move(outbox);
  }

  // What happens in `meanwhile` is undone in the outbox, as when a phone is restored from a backup.
  void RestoreOutboxAfter(const std::function<void()>& meanwhile) {
    const std::filesystem::path live = identity_->outbox_folder();
    const std::filesystem::path backup = live.string() + ".backup";
    outbox_.reset();
    std::filesystem::copy(live, backup, std::filesystem::copy_options::recursive);
    OpenOutbox();
    meanwhile();
    outbox_.reset();
    std::filesystem::remove_all(live);
    std::filesystem::rename(backup, live);
    OpenOutbox();
  }

  static UploadOptions Options(UploadWay way) {
    UploadOptions options;
    options.way = way;
    options.accept_unsafe_durability = true;  // the cluster of the tests does not sync
    options.waits_max = 0;
    options.sleep = [](absl::Duration) {};
    return options;
  }
  UploadReport Drain(Outbox& outbox, UploadWay way) {
    return UploadClient(channel_, *identity_, outbox, *ledger_, Options(way)).Drain();
  }
  UploadReport Drain(UploadWay way = UploadWay::kStream) { return Drain(*outbox_, way); }

  // The stream "x" of one channel of int16, with a stamp per sample.
  static v1::StreamDeclaration StreamX() {
    return Declaration(v1::MODALITY_OTHER, v1::CHANNEL_TYPE_INT16, 1, true);
  }

  // Appends a chunk of a stream: what stands in every body, and what `change` makes of it.
  ChunkRef AppendTo(const std::string& name, const v1::StreamDeclaration& declaration,
                    const std::function<std::string(v1::ChunkBody)>& make) {
    const auto declared = outbox_->DeclareStream(name, declaration);
    EXPECT_THAT(declared, support::IsOk());
    const auto ref = outbox_->Append(declared->stream_id, [&](const WriterId& writer, uint64_t n) {
      v1::ChunkBody body;
      body.set_version(1);
      body.set_stream_id(std::string(declared->stream_id.AsBytes()));
      body.set_stream_version(1);
      body.set_writer_id(std::string(writer.AsBytes()));
      body.set_number(n);
      body.set_boot_id(std::string(16, 'b'));
      return make(std::move(body));
    });
    EXPECT_THAT(ref, support::IsOk());
    return ref.value_or(ChunkRef{});
  }
  // Appends one chunk of the stream "x" that `change` made different from a good one.
  ChunkRef AppendChunk(const std::function<void(v1::ChunkBody&)>& change = [](auto&) {}) {
    return AppendTo("x", StreamX(), [&](v1::ChunkBody body) {
      body.mutable_samples()->set_count(2);
      body.mutable_samples()->set_values("abcd");
      body.mutable_samples()->set_exact_device_ns(Packed<int64_t>({1, 2}));
      change(body);
      return body.SerializeAsString();
    });
  }

  // A chunk that says where time zero of AppendTo's boot stands.
  ChunkRef AppendBootStart(int64_t study_of_zero_ns) {
    v1::StreamDeclaration records;
    records.set_modality(v1::MODALITY_RECORDS);
    return AppendTo("clock", records, [&](v1::ChunkBody body) {
      body.mutable_records()->add_records()->mutable_boot_start()->set_wall_ns(study_of_zero_ns);
      return body.SerializeAsString();
    });
  }

  // Every number of the participant's devices is settled at the server.
  void ExpectNothingMissing() {
    v1::GetUploadStateRequest request;
    request.set_participant_id(site_.participant_id);
    const auto state =
        server::Invoke(*v1::IngestService::NewStub(channel_),
                       &v1::IngestService::Stub::GetUploadState, request, site_.manager_token);
    ASSERT_THAT(state, support::IsOk());
    for (const auto& writer : state->writers()) {
      EXPECT_EQ(writer.missing_size(), 0) << writer.ShortDebugString();
    }
  }

  server::Site site_;
  std::unique_ptr<Identity> identity_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace tidemark::ingest
