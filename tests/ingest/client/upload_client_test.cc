#include "ingest/client/upload_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/base64.h"
#include "base/endian.h"
#include "tests/ingest/client/upload_client_fixture.h"

namespace tidemark::ingest {
namespace {

using support::IsOk;
using support::StatusIs;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;

INSTANTIATE_TEST_SUITE_P(Ways, UploadClientTest, BothWays(), NameOfWay);

TEST_P(UploadClientTest, EmptiesTheOutboxAndHoldsAReceiptForEveryChunk) {
  Record(10);
  Record(5, "acc");
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.chunks_deleted, 15u);
  EXPECT_EQ(report.receipts.at(v1::OUTCOME_STORED), 15u);
  EXPECT_EQ(report.chunks_left, 0u);
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
  EXPECT_EQ(ledger_->receipts(), 15u);
  EXPECT_THAT(server_.seen().declared, SizeIs(2));
  for (const auto& [body, times] : server_.seen().bodies) EXPECT_EQ(times, 1);
}

TEST_P(UploadClientTest, KeepsToTheCountsThatTheServerNames) {
  v1::ServerLimits limits;
  limits.set_chunks_per_message_max(2);
  limits.set_bundle_entries_max(2);
  server_.SetLimits(limits);
  Record(5);
  const UploadReport report = Drain();
  EXPECT_THAT(report.status, IsOk());
  EXPECT_EQ(report.chunks_deleted, 5u);
  const FakeServer::Seen seen = server_.seen();
  EXPECT_GE(GetParam() == UploadWay::kStream ? seen.messages : seen.bundles, 3);
}

TEST_P(UploadClientTest, CountsWhatWasSetAside) {
  server_.SetDecide([](const v1::ChunkBody& body, int) {
    Answer answer;
    if (body.number() == 1) {
      answer.outcome = v1::OUTCOME_QUARANTINED;
      answer.reason = v1::RECEIPT_REASON_STREAM_UNKNOWN;
    }
    return answer;
  });
  Record(3);
  const UploadReport report = Drain();
  EXPECT_EQ(report.chunks_deleted, 3u);
  EXPECT_EQ(report.chunks_set_aside, 1u);
}

TEST_P(UploadClientTest, AnEmptyOutboxSendsNothing) {
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(server_.seen().streams_opened + server_.seen().bundles, 0);
}

TEST_P(UploadClientTest, KeepsAndAbandonsAfterThreeAnswersToResend) {
  const StreamId stream_id = Record(3);
  server_.SetDecide([](const v1::ChunkBody& body, int) -> Answer {
    if (body.number() != 1) return {};
    return {.outcome = v1::OUTCOME_DAMAGED,
            .action = v1::DEVICE_ACTION_RESEND,
            .reason = v1::RECEIPT_REASON_HASH_MISMATCH};
  });
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.receipts.at(v1::OUTCOME_DAMAGED), 3u);
  EXPECT_EQ(report.chunks_kept, 1u);
  EXPECT_EQ(report.numbers_abandoned, 1u);
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
  EXPECT_EQ(KeptBodies(), 1u);
  const auto abandoned = server_.seen().abandoned;
  ASSERT_THAT(abandoned, SizeIs(1));
  EXPECT_EQ(abandoned[0].stream_id(), stream_id.ToString());
  EXPECT_EQ(abandoned[0].range().begin(), 1u);
  EXPECT_EQ(abandoned[0].range().end(), 2u);
}

TEST_P(UploadClientTest, WaitsAsToldAndSendsAgain) {
  Record(2);
  server_.SetDecide([](const v1::ChunkBody& body, int times) -> Answer {
    if (body.number() == 0 && times == 1) {
      return {.outcome = v1::OUTCOME_REFUSED,
              .action = v1::DEVICE_ACTION_RETRY_AFTER,
              .reason = v1::RECEIPT_REASON_OVERLOADED,
              .retry_after_ms = 2500};
    }
    return {};
  });
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
  ASSERT_THAT(sleeps_, SizeIs(1));
  EXPECT_EQ(sleeps_[0], absl::Milliseconds(2500));
}

TEST_P(UploadClientTest, AChunkThatMustWaitForEverStaysAndBlocksNothing) {
  Record(3);
  server_.SetDecide([](const v1::ChunkBody& body, int) -> Answer {
    if (body.number() != 0) return {};
    return {.outcome = v1::OUTCOME_REFUSED,
            .action = v1::DEVICE_ACTION_RETRY_AFTER,
            .reason = v1::RECEIPT_REASON_NOT_YET_SUPPORTED,
            .retry_after_ms = 1000};
  });
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.chunks_deleted, 2u);
  EXPECT_EQ(report.chunks_left, 1u);
  EXPECT_THAT(report.note, HasSubstr("NOT_YET_SUPPORTED"));
  EXPECT_THAT(sleeps_, SizeIs(2));
}

// Nobody who looks on waits for a day: what may go soon goes, and the rest is for another run.
TEST_P(UploadClientTest, AWaitBeyondTheLongestEndsTheRunWithWhatIsLeft) {
  Record(3);
  server_.SetDecide([](const v1::ChunkBody& body, int times) -> Answer {
    if (body.number() == 2 || times > 1) return {};
    return {.outcome = v1::OUTCOME_REFUSED,
            .action = v1::DEVICE_ACTION_RETRY_AFTER,
            .reason = body.number() == 0 ? v1::RECEIPT_REASON_NOT_YET_SUPPORTED
                                         : v1::RECEIPT_REASON_OVERLOADED,
            .retry_after_ms = body.number() == 0 ? 24 * 3'600 * 1'000u : 30'000u};
  });
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_THAT(sleeps_, ElementsAre(absl::Seconds(30)));
  EXPECT_EQ(report.chunks_deleted, 2u);
  EXPECT_EQ(report.chunks_left, 1u);
  EXPECT_THAT(report.note, AllOf(HasSubstr("NOT_YET_SUPPORTED"), HasSubstr("in 23h59m30s")));

  UploadOptions patient = Options();
  patient.wait_max = absl::Hours(25);
  EXPECT_EQ(Drain(std::move(patient)).chunks_left, 0u);
}

TEST_P(UploadClientTest, AServerThatAsksForMorePatienceThanThereIsIsLeft) {
  Record(1);
  server_.Fail(UploadMethod(), rpc::WithRetry(absl::UnavailableError("moving"), absl::Hours(1)));
  const UploadReport report = Drain();
  EXPECT_THAT(report.status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(sleeps_, SizeIs(0));
  EXPECT_EQ(report.chunks_left, 1u);
}

TEST_P(UploadClientTest, KeepsWhatCanNeverBeAccepted) {
  Record(2);
  server_.SetDecide(
      [](const v1::ChunkBody& body, int) { return body.number() == 0 ? Kept() : Answer{}; });
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(KeptBodies(), 1u);
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
  EXPECT_THAT(server_.seen().abandoned, SizeIs(1));
}

TEST_P(UploadClientTest, StopsTheStreamAndDeletes) {
  const StreamId stream_id = Record(2);
  Record(1, "other");
  server_.SetDecide([&](const v1::ChunkBody& body, int) -> Answer {
    if (body.stream_id() != stream_id.AsBytes()) return {};
    return {.outcome = v1::OUTCOME_REFUSED,
            .action = v1::DEVICE_ACTION_STOP_AND_DELETE,
            .reason = v1::RECEIPT_REASON_NO_CONSENT};
  });
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.chunks_stopped, 2u);
  EXPECT_EQ(report.chunks_deleted, 1u);
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
  EXPECT_THAT(outbox_->Append(stream_id, [](auto&&, uint64_t) { return "x"; }),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_P(UploadClientTest, AnUnknownActionKeepsEverything) {
  Record(2);
  server_.SetDecide([](const v1::ChunkBody&, int) -> Answer {
    return {.action = static_cast<v1::DeviceAction>(77)};
  });
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.chunks_left, 2u);
  EXPECT_EQ(ledger_->receipts(), 0u);
}

TEST_P(UploadClientTest, AServerWithoutDurabilityGetsNothingDeleted) {
  Record(1);
  server_.SetDecide(
      [](const v1::ChunkBody&, int) -> Answer { return {.durability = v1::DURABILITY_UNSAFE}; });
  EXPECT_EQ(Drain().chunks_left, 1u);
  UploadOptions options = Options();
  options.accept_unsafe_durability = true;
  EXPECT_EQ(Drain(std::move(options)).chunks_left, 0u);
}

TEST_P(UploadClientTest, AForgedReceiptStopsTheUploadAndKeepsEverything) {
  Record(2);
  server_.ForgeReceipts();
  EXPECT_THAT(Drain().status, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_EQ(outbox_->pending_chunks(), 2u);
  EXPECT_EQ(ledger_->receipts(), 0u);
}

TEST_P(UploadClientTest, ANewReceiptKeyIsAskedFor) {
  Record(2);
  UploadOptions options = Options();
  UploadClient client(server_.channel(), *identity_, *outbox_, *ledger_, std::move(options));
  ASSERT_THAT(client.Drain().status, IsOk());
  Record(2);
  server_.RotateReceiptKey();
  const UploadReport report = client.Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
}

TEST_P(UploadClientTest, TransientErrorsAreRetriedWithBackOff) {
  Record(2);
  server_.Fail(UploadMethod(), absl::UnavailableError("restarting"), 2);
  UploadOptions options = Options();
  options.backoff = {.base = absl::Milliseconds(100), .cap = absl::Seconds(1)};
  const UploadReport report = Drain(std::move(options));
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.attempts_failed, 2u);
  EXPECT_THAT(sleeps_, SizeIs(2));
  // The server's own advice (a second) is the least.
  EXPECT_THAT(sleeps_, Each(Le(absl::Seconds(1))));
}

TEST_P(UploadClientTest, GivesUpForNowAfterSoManyAttemptsThatSettledNothing) {
  Record(2);
  server_.Fail(UploadMethod(), absl::UnavailableError("down"), 100);
  const UploadReport report = Drain();
  EXPECT_THAT(report.status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(report.attempts_failed, 4u);
  EXPECT_EQ(report.chunks_left, 2u);
}

TEST_P(UploadClientTest, HonoursTheDelayOfAServerThatRefusesIngest) {
  Record(1);
  server_.Fail(UploadMethod(),
               rpc::WithRetry(rpc::Error(absl::StatusCode::kFailedPrecondition,
                                         v1::ERROR_REASON_INGEST_REFUSED, "not durable"),
                              absl::Seconds(42)));
  UploadOptions options = Options();
  options.wait_max = absl::Minutes(1);
  ASSERT_THAT(Drain(std::move(options)).status, IsOk());
  ASSERT_THAT(sleeps_, SizeIs(1));
  EXPECT_GE(sleeps_[0], absl::Seconds(42));
}

TEST_P(UploadClientTest, ARevokedDeviceKeepsItsDataAndStops) {
  Record(2);
  server_.Fail("OpenSession", rpc::Error(absl::StatusCode::kUnauthenticated,
                                         v1::ERROR_REASON_DEVICE_REVOKED, "revoked"));
  const UploadReport report = Drain();
  EXPECT_EQ(rpc::ReasonOf(report.status), v1::ERROR_REASON_DEVICE_REVOKED);
  EXPECT_EQ(report.attempts_failed, 1u);
  EXPECT_THAT(sleeps_, SizeIs(0));
  EXPECT_EQ(outbox_->pending_chunks(), 2u);
}

TEST_P(UploadClientTest, AnEndedSessionIsOpenedAgain) {
  Record(1);
  server_.Fail(UploadMethod(), rpc::Error(absl::StatusCode::kUnauthenticated,
                                          v1::ERROR_REASON_CREDENTIAL_INVALID, "ended"));
  ASSERT_THAT(Drain().status, IsOk());
  EXPECT_EQ(server_.seen().sessions, 2);
}

TEST_P(UploadClientTest, LargeChunksGoInSeveralMessages) {
  Record(24, "hr", 500'000);
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.chunks_deleted, 24u);
  if (GetParam() == UploadWay::kStream) {
    EXPECT_GE(server_.seen().messages, 12);
  } else {
    EXPECT_EQ(server_.seen().bundles, 2);
  }
}

TEST_P(UploadClientTest, ProgressIsReported) {
  Record(3);
  uint64_t last = 0;
  UploadOptions options = Options();
  options.on_progress = [&](const UploadReport& report) {
    EXPECT_GE(report.chunks_deleted, last);
    last = report.chunks_deleted;
  };
  ASSERT_THAT(Drain(std::move(options)).status, IsOk());
  EXPECT_EQ(last, 3u);
}

using UploadStreamTest = UploadClientTest;
INSTANTIATE_TEST_SUITE_P(Stream, UploadStreamTest, ::testing::Values(UploadWay::kStream));

TEST_P(UploadStreamTest, TheServersWindowHolds) {
  Record(50);
  server_.SetWindow(4);
  ASSERT_THAT(Drain().status, IsOk());
  EXPECT_LE(server_.seen().in_flight_most, 4u);
}

TEST_P(UploadStreamTest, TheOwnWindowHolds) {
  Record(50);
  UploadOptions options = Options();
  options.window_chunks_max = 3;
  ASSERT_THAT(Drain(std::move(options)).status, IsOk());
  EXPECT_LE(server_.seen().in_flight_most, 3u);
}

TEST_P(UploadStreamTest, AStreamThatIsCutGoesOnWhereTheReceiptsEnded) {
  Record(20);
  server_.CutStreamsAfter(8);
  UploadOptions options = Options();
  options.window_chunks_max = 4;
  const UploadReport report = Drain(std::move(options));
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
  EXPECT_GE(server_.seen().streams_opened, 3);
  EXPECT_EQ(ledger_->receipts(), 20u);
}

using UploadBundleTest = UploadClientTest;
INSTANTIATE_TEST_SUITE_P(Bundle, UploadBundleTest, ::testing::Values(UploadWay::kBundle));

// On a slow network the same bytes would never arrive.
TEST_P(UploadBundleTest, ABundleThatTakesTooLongIsHalved) {
  Record(16, "hr", 500'000);
  server_.Fail("PutChunks", absl::DeadlineExceededError("too slow"), 2);
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.chunks_deleted, 16u);
  EXPECT_GE(server_.seen().bundles, 4);
}

TEST_P(UploadBundleTest, ABundleIsNeverHalvedBelowOneChunk) {
  Record(3);
  server_.Fail("PutChunks", absl::DeadlineExceededError("too slow"), 12);
  UploadOptions options = Options();
  options.failures_max = 20;
  ASSERT_THAT(Drain(std::move(options)).status, IsOk());
  EXPECT_EQ(server_.seen().bundles, 3);
}

TEST_P(UploadBundleTest, TheBundleIsSignedByTheDevice) {
  Record(2);
  ASSERT_THAT(Drain().status, IsOk());
  const auto seen = server_.seen();
  const std::string prefix = "v1." + identity_->device_id().ToString() + ".";
  ASSERT_TRUE(seen.last_bundle_signature.starts_with(prefix));
  TM_ASSERT_OK_AND_ASSIGN(const std::string signature,
                          Base64UrlDecode(seen.last_bundle_signature.substr(prefix.size())));
  std::string message = "tidemark-bundle-v1";
  AppendLe(message, static_cast<uint32_t>(std::string("test-audience").size()));
  message += "test-audience";
  message += identity_->device_id().AsBytes();
  message += AsView(Sha256(seen.last_bundle));
  AppendLe(message, static_cast<uint64_t>(seen.last_bundle.size()));
  TM_ASSERT_OK_AND_ASSIGN(const VerifyKey key, VerifyKey::FromP256Der(seen.last_public_key));
  EXPECT_TRUE(key.Verify(message, signature));
}

}  // namespace
}  // namespace tidemark::ingest
