#include <utility>

#include "ingest/open_uploads.h"
#include "ingest/upload_stream.h"
#include "tests/ingest/ingest_service_fixture.h"

namespace tidemark::ingest {
namespace {

// Does what the test says, when it says it: a client that reads only when it likes to.
class ManualTransport final : public UploadTransport {
 public:
  void StartRead(v1::UploadRequest* request) override {
    Set([&] { read_ = request; });
  }
  void StartWrite(const v1::UploadResponse* response) override {
    Set([&] { write_ = response; });
  }
  void Finish(const absl::Status& status) override {
    Set([&] { finish_ = status; });
  }

  // Each waits until it is asked for; the test then owes OnReadDone or OnWriteDone.
  v1::UploadRequest* NextRead() { return Await(read_); }
  const v1::UploadResponse* NextWrite() { return Await(write_); }
  absl::Status NextFinish() { return *Await(finish_); }
  bool WantsToRead() {
    MutexLock lock(mutex_);
    return read_ != nullptr;
  }

 private:
  void Set(const std::function<void()>& set) {
    {
      MutexLock lock(mutex_);
      set();
    }
    changed_.NotifyAll();
  }
  template <class T>
  T Await(T& slot) {
    MutexLock lock(mutex_);
    while (!slot) changed_.Wait(mutex_);
    return std::exchange(slot, T());
  }

  Mutex mutex_;
  CondVar changed_;
  v1::UploadRequest* read_ = nullptr;
  const v1::UploadResponse* write_ = nullptr;
  std::optional<absl::Status> finish_;
};

// Of calls about which only their end is of interest.
class EndTransport final : public UploadTransport {
 public:
  void StartRead(v1::UploadRequest*) override {}
  void StartWrite(const v1::UploadResponse*) override {}
  void Finish(const absl::Status& status) override { end_ = status; }
  const std::optional<absl::Status>& end() const { return end_; }

 private:
  std::optional<absl::Status> end_;
};

// Knows one device that was revoked, and counts what it is asked.
class CountingAuthorizer final : public FakeAuthorizer {
 public:
  std::vector<absl::Status> RecheckAll(std::span<const rpc::Caller> callers) override {
    ++questions;
    std::vector<absl::Status> answers;
    for (const rpc::Caller& caller : callers) {
      answers.push_back(caller.device_id == revoked ? absl::UnauthenticatedError("revoked")
                                                    : absl::OkStatus());
    }
    return answers;
  }
  int questions = 0;
  DeviceId revoked;
};

class UploadStreamTest : public IngestServiceFixture {
 protected:
  void Begin() {
    BeginUnopened();
    Give(Open());
  }
  void StartIngest() {
    IngestOptions options = Options();
    options.clock = &clock_;
    auto ingest = Ingest::Start(std::move(options));
    ASSERT_TRUE(ingest.ok()) << ingest.status();
    ingest_ = *std::move(ingest);
  }
  rpc::Caller CallerOf(DeviceId device) const {
    rpc::Caller caller;
    caller.kind = rpc::CallerKind::kDevice;
    caller.principal_id = PrincipalId{device.uuid};
    caller.study_id = sender_.study_id;
    caller.participant_id = sender_.participant_id;
    caller.device_id = device;
    return caller;
  }
  void BeginUnopened() {
    StartIngest();
    stream_ = std::make_shared<UploadStream>(ingest_.get(), &authorizer_, &transport_);
    open_.Add(sender_.device_id, stream_);
    stream_->OnAuthorized(CallerOf(sender_.device_id));
  }
  void Recheck() { open_.Recheck(authorizer_); }
  void Give(const v1::UploadRequest& request) {
    *transport_.NextRead() = request;
    stream_->OnReadDone(true);
  }
  void GiveChunk(uint64_t number) { Give(Chunks({EnvelopeOf(SamplesBody(1, number))})); }
  // The number of receipts in the next message.
  size_t TakeReceipts() {
    const v1::UploadResponse* response = transport_.NextWrite();
    const size_t receipts = response->has_receipts() ? Prove(response->receipts()).size() : 0;
    stream_->OnWriteDone(true);
    return receipts;
  }
  absl::Status End() {
    (void)transport_.NextRead();
    stream_->OnReadDone(false);
    return transport_.NextFinish();
  }

  ManualClock clock_{absl::Now()};
  ManualTransport transport_;
  std::shared_ptr<UploadStream> stream_;
  OpenUploads open_{10'000};
};

TEST_F(UploadStreamTest, WhoFetchesNoReceiptsIsNotReadBeyondTheWindow) {
  Begin();
  for (uint64_t i = 0; i < kChunksInFlightMax; ++i) GiveChunk(i);
  ingest_->Shutdown();  // every receipt is made
  EXPECT_FALSE(transport_.WantsToRead());
  size_t receipts = 0;
  while (receipts < kChunksInFlightMax) receipts += TakeReceipts();
  EXPECT_EQ(receipts, kChunksInFlightMax);
  EXPECT_THAT(End(), support::IsOk());
}

TEST_F(UploadStreamTest, WhoFetchesReceiptsOnlyWhenNothingIsReadGetsThemAll) {
  constexpr uint64_t kChunks = 10 * kChunksInFlightMax;
  Begin();
  uint64_t given = 0;
  for (uint64_t fetched = 0; fetched < kChunks;) {
    if (given < kChunks && given - fetched < kChunksInFlightMax) {
      GiveChunk(given++);
      continue;
    }
    const bool may_read = given == kChunks;  // to learn of the end
    EXPECT_EQ(transport_.WantsToRead() && !may_read, false) << given << " " << fetched;
    fetched += TakeReceipts();
  }
  EXPECT_THAT(End(), support::IsOk());
  EXPECT_EQ(Query("select stored from stream_state"), "{[0,640)}");
}

TEST_F(UploadStreamTest, WhoDoesNotOpenIsEnded) {
  BeginUnopened();
  clock_.Advance(kOpenWithin);
  Recheck();
  EXPECT_TRUE(transport_.WantsToRead());
  clock_.Advance(absl::Seconds(1));
  Recheck();
  EXPECT_TRUE(absl::IsDeadlineExceeded(transport_.NextFinish()));
}

TEST_F(UploadStreamTest, WhoHasOpenedMayBeSilent) {
  Begin();
  clock_.Advance(2 * kOpenWithin);
  Recheck();
  EXPECT_EQ(TakeReceipts(), 0u);  // the answer to the open
  EXPECT_THAT(End(), support::IsOk());
}

class OpenUploadsTest : public UploadStreamTest {
 protected:
  std::shared_ptr<UploadStream> Stream() {
    return std::make_shared<UploadStream>(nullptr, nullptr, nullptr);
  }
};

TEST_F(OpenUploadsTest, TheOldestCallOfADeviceMakesRoom) {
  OpenUploads open(100);
  const DeviceId device = DeviceId::MakeRandom();
  std::vector<std::shared_ptr<UploadStream>> streams;
  for (size_t i = 0; i < OpenUploads::kPerDeviceMax; ++i) {
    streams.push_back(Stream());
    const auto added = open.Add(device, streams.back());
    EXPECT_TRUE(added.taken);
    EXPECT_EQ(added.displaced, nullptr);
  }
  const auto other = Stream();
  EXPECT_EQ(open.Add(DeviceId::MakeRandom(), other).displaced, nullptr);
  const auto newest = Stream();
  const auto added = open.Add(device, newest);
  EXPECT_TRUE(added.taken);
  EXPECT_EQ(added.displaced, streams.front());
}

TEST_F(OpenUploadsTest, ThousandsAreAskedAboutInOneGoAndWhoIsRevokedIsEnded) {
  constexpr size_t kCalls = 5'000;
  StartIngest();
  CountingAuthorizer authorizer;
  std::vector<EndTransport> transports(kCalls);
  std::vector<std::shared_ptr<UploadStream>> streams;
  for (EndTransport& transport : transports) {
    const DeviceId device = DeviceId::MakeRandom();
    streams.push_back(std::make_shared<UploadStream>(ingest_.get(), &authorizer, &transport));
    ASSERT_TRUE(open_.Add(device, streams.back()).taken);
    streams.back()->OnAuthorized(CallerOf(device));
    if (streams.size() == kCalls / 2) authorizer.revoked = device;
  }
  for (int round = 0; round < 2; ++round) open_.Recheck(authorizer);
  EXPECT_EQ(authorizer.questions, 2);
  for (size_t i = 0; i < kCalls; ++i) {
    EXPECT_EQ(transports[i].end().has_value(), i + 1 == kCalls / 2) << i;
  }
  EXPECT_TRUE(absl::IsUnauthenticated(*transports[kCalls / 2 - 1].end()));
}

TEST_F(OpenUploadsTest, CallsThatAreGoneTakeNoRoom) {
  OpenUploads open(1);
  auto first = Stream();
  EXPECT_TRUE(open.Add(DeviceId::MakeRandom(), first).taken);
  const auto second = Stream();
  EXPECT_FALSE(open.Add(DeviceId::MakeRandom(), second).taken);
  first.reset();
  EXPECT_TRUE(open.Add(DeviceId::MakeRandom(), second).taken);
  EXPECT_THAT(open.All(), ::testing::ElementsAre(second));
}

}  // namespace
}  // namespace tidemark::ingest
