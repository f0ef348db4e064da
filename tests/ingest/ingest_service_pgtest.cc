#include <set>
#include <thread>

#include "base/base64.h"
#include "store/envelope.h"
#include "store/segment.h"
#include "tests/ingest/ingest_service_fixture.h"

namespace tidemark::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class IngestServiceTest : public IngestServiceFixture {};

std::vector<v1::ChunkEnvelope> OneOfEachKind() {
  v1::ChunkEnvelope damaged = EnvelopeOf(SamplesBody(1, 1));
  damaged.mutable_body()->back() ^= 1;
  v1::ChunkEnvelope unreadable = EnvelopeOf("\xff\xff");
  v1::ChunkBody broken = SamplesBody(1, 2);
  broken.mutable_samples()->set_count(1);
  v1::ChunkEnvelope compressed = EnvelopeOf(SamplesBody(1, 3));
  compressed.set_compression(static_cast<v1::Compression>(77));
  return {EnvelopeOf(SamplesBody(1, 0)), damaged, unreadable, EnvelopeOf(broken), compressed,
          EnvelopeOf(SamplesBody(7, 0))};
}

TEST_F(IngestServiceTest, BothWaysOfUploadGiveTheSameAnswers) {
  Serve();
  const Answers streamed = UploadAll(OneOfEachKind());
  EXPECT_THAT(streamed, SizeIs(6));
  database_.Execute("truncate chunk, segment, stream_state, quarantine, quarantine_usage");
  EXPECT_EQ(PutAll(OneOfEachKind()), streamed);
}

TEST_F(IngestServiceTest, OpensWithItsLimits) {
  Serve();
  grpc::ClientContext context;
  auto call = stub_->Upload(&context);
  ASSERT_TRUE(call->Write(Open()));
  v1::UploadResponse response;
  ASSERT_TRUE(call->Read(&response));
  EXPECT_EQ(response.opened().chunks_in_flight_max(), kChunksInFlightMax);
  EXPECT_EQ(response.opened().restore_generation(), 3u);
  EXPECT_GT(response.opened().server_time().seconds(), 0);
  call->WritesDone();
  EXPECT_FALSE(call->Read(&response));
  EXPECT_TRUE(call->Finish().ok());
}

TEST_F(IngestServiceTest, NamingStreamsAtTheOpeningLooksThemUpAhead) {
  Serve();
  const StreamId stream{UuidOf(4, 1)};
  ASSERT_EQ(catalog_->FindCached(sender_.participant_id, stream, 1), nullptr);
  grpc::ClientContext context;
  auto call = stub_->Upload(&context);
  v1::UploadRequest open = Open();
  open.mutable_open()->add_stream_ids(stream.ToString());
  ASSERT_TRUE(call->Write(open));
  call->WritesDone();
  v1::UploadResponse response;
  while (call->Read(&response)) continue;
  EXPECT_TRUE(call->Finish().ok());
  ingest_->Shutdown();  // what was taken is done
  EXPECT_NE(catalog_->FindCached(sender_.participant_id, stream, 1), nullptr);
}

TEST_F(IngestServiceTest, ASlowReaderAndATinyBudgetStillGetEveryReceipt) {
  messages_max_ = 2;
  Serve();
  constexpr uint64_t kChunks = 400;
  grpc::ClientContext context;
  auto call = stub_->Upload(&context);
  std::thread writer([&] {
    call->Write(Open());
    for (uint64_t i = 0; i < kChunks; ++i) {
      call->Write(Chunks({EnvelopeOf(SamplesBody(1, i)), EnvelopeOf(SamplesBody(1, i))}));
    }
    call->WritesDone();
  });
  Answers answers;
  v1::UploadResponse response;
  while (call->Read(&response)) {
    if (response.has_receipts()) Collect(response.receipts(), &answers);
  }
  writer.join();
  EXPECT_TRUE(call->Finish().ok());
  EXPECT_THAT(answers, SizeIs(2 * kChunks));
  EXPECT_EQ(Query("select stored from stream_state"), "{[0,400)}");
}

TEST_F(IngestServiceTest, BreaksOfProtocolEndTheCall) {
  Serve();
  const auto first_message = [&](const v1::UploadRequest& request) {
    grpc::ClientContext context;
    auto call = stub_->Upload(&context);
    call->Write(request);
    v1::UploadResponse response;
    EXPECT_FALSE(call->Read(&response));
    return call->Finish();
  };
  EXPECT_EQ(first_message(Chunks({EnvelopeOf(SamplesBody(1, 0))})).error_code(),
            grpc::INVALID_ARGUMENT);
  EXPECT_EQ(first_message(v1::UploadRequest()).error_code(), grpc::INVALID_ARGUMENT);

  const auto after_open = [&](const v1::UploadRequest& request) {
    grpc::ClientContext context;
    auto call = stub_->Upload(&context);
    call->Write(Open());
    call->Write(request);
    v1::UploadResponse response;
    while (call->Read(&response)) continue;
    return call->Finish();
  };
  EXPECT_EQ(after_open(Open()).error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(after_open(Chunks({})).error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(after_open(Chunks(std::vector<v1::ChunkEnvelope>(257))).error_code(),
            grpc::INVALID_ARGUMENT);
  const v1::ChunkEnvelope large = EnvelopeOf(std::string(600'000, 'x'));
  EXPECT_EQ(after_open(Chunks({large, large})).error_code(), grpc::INVALID_ARGUMENT);
}

TEST_F(IngestServiceTest, ARevocationEndsAnIdleCall) {
  Serve();
  grpc::ClientContext context;
  auto call = stub_->Upload(&context);
  call->Write(Open());
  v1::UploadResponse response;
  ASSERT_TRUE(call->Read(&response));
  authorizer_.Revoke();
  const absl::Time revoked = absl::Now();
  EXPECT_FALSE(call->Read(&response));
  EXPECT_LT(absl::Now() - revoked, absl::Seconds(5));
  const grpc::Status status = call->Finish();
  EXPECT_EQ(status.error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(rpc::ReasonOf(status), v1::ERROR_REASON_DEVICE_REVOKED);
  Put(std::string(kBundleMagic), grpc::UNAUTHENTICATED);
}

TEST_F(IngestServiceTest, RefusesWhileNotReady) {
  IngestOptions options = Options();
  options.ready = [] { return absl::FailedPreconditionError("fsync is off"); };
  Serve(std::move(options));
  grpc::ClientContext context;
  auto call = stub_->Upload(&context);
  call->Write(Open());
  v1::UploadResponse response;
  EXPECT_FALSE(call->Read(&response));
  const grpc::Status status = call->Finish();
  EXPECT_EQ(status.error_code(), grpc::FAILED_PRECONDITION);
  EXPECT_EQ(rpc::ReasonOf(status), v1::ERROR_REASON_INGEST_REFUSED);
  Put(std::string(kBundleMagic), grpc::FAILED_PRECONDITION);
}

TEST_F(IngestServiceTest, ShutdownEndsOpenCalls) {
  Serve();
  grpc::ClientContext context;
  auto call = stub_->Upload(&context);
  call->Write(Open());
  v1::UploadResponse response;
  ASSERT_TRUE(call->Read(&response));
  service_->Shutdown();
  EXPECT_FALSE(call->Read(&response));
  EXPECT_EQ(call->Finish().error_code(), grpc::UNAVAILABLE);
}

TEST_F(IngestServiceTest, AClientThatGoesAwayLeavesNothingBehind) {
  Serve();
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    auto call = stub_->Upload(&context);
    call->Write(Open());
    call->Write(Chunks({EnvelopeOf(SamplesBody(1, static_cast<uint64_t>(i)))}));
    context.TryCancel();
  }
  EXPECT_THAT(UploadAll({EnvelopeOf(SamplesBody(1, 50))}), SizeIs(1));
}

TEST_F(IngestServiceTest, ATruncatedBundleTellsWhatArrived) {
  Serve();
  BundleWriter bundle;
  ASSERT_TRUE(bundle.TryAdd(EnvelopeOf(SamplesBody(1, 0))));
  ASSERT_TRUE(bundle.TryAdd(EnvelopeOf(SamplesBody(1, 1))));
  std::string raw = bundle.Take();
  raw.pop_back();
  const v1::PutChunksResponse response = Put(raw);
  EXPECT_EQ(response.entries_received(), 1u);
  EXPECT_TRUE(response.truncated());
  EXPECT_THAT(response.receipts(), SizeIs(1));
  Put("TMBX", grpc::INVALID_ARGUMENT);
  Put(std::string(kBundleMagic) + std::string(kBundleBytesMax, '\0'), grpc::INVALID_ARGUMENT);
  EXPECT_TRUE(Put("").truncated()) << "not even the magic has arrived";
  EXPECT_THAT(Put(std::string(kBundleMagic)).receipts(), IsEmpty());
}

// The row "room" for a bundle; a full disk is driven in tests/e2e.
TEST_F(IngestServiceTest, ABundleWithoutRoomInTimeIsAskedForPatience) {
  messages_max_ = 1;
  Serve();
  // The writer waits for this lock with the one message that the server has room for.
  TM_ASSERT_OK_AND_ASSIGN(const auto blocker,
                          db::PipelineConnection::Connect({.dsn = database_.SuperuserDsn()}));
  ASSERT_THAT(blocker->Run("begin; lock table stream_state in access exclusive mode", "lock"),
              support::IsOk());
  grpc::ClientContext waiting;
  auto call = stub_->Upload(&waiting);
  ASSERT_TRUE(call->Write(Open()));
  v1::UploadResponse response;
  ASSERT_TRUE(call->Read(&response));
  ASSERT_TRUE(call->Write(Chunks({EnvelopeOf(SamplesBody(1, 0))})));
  while (Query("select count(*) from pg_locks join pg_database d on d.oid = database "
               "where not granted and datname = current_database()") == "0") {
    continue;
  }

  v1::PutChunksRequest request;
  BundleWriter bundle;
  ASSERT_TRUE(bundle.TryAdd(EnvelopeOf(SamplesBody(1, 1))));
  request.set_bundle(bundle.Take());
  v1::PutChunksResponse put;
  grpc::ClientContext short_of_time;
  short_of_time.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
  const grpc::Status status = stub_->PutChunks(&short_of_time, request, &put);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_THAT(put.receipts(), SizeIs(1));
  const auto statements = Prove(put.receipts(0));
  ASSERT_THAT(statements, ElementsAre(Says(v1::OUTCOME_REFUSED, v1::RECEIPT_REASON_OVERLOADED)));
  EXPECT_EQ(statements[0].device_action(), v1::DEVICE_ACTION_RETRY_AFTER);
  EXPECT_GT(statements[0].retry_after_ms(), 0u);
  // The other one was only late.
  ASSERT_THAT(blocker->Run("rollback", "rollback"), support::IsOk());
  call->WritesDone();
  ASSERT_TRUE(call->Read(&response));
  EXPECT_THAT(Prove(response.receipts()),
              ElementsAre(Says(v1::OUTCOME_STORED, v1::RECEIPT_REASON_UNSPECIFIED)));
  EXPECT_FALSE(call->Read(&response));
  EXPECT_TRUE(call->Finish().ok());
}

TEST_F(IngestServiceTest, UploadStateTellsSettledAndMissing) {
  Serve();
  UploadAll({EnvelopeOf(SamplesBody(1, 0)), EnvelopeOf(SamplesBody(1, 0)),
             EnvelopeOf(SamplesBody(1, 1)), EnvelopeOf(SamplesBody(1, 5))});
  v1::AbandonRangeRequest abandon;
  abandon.set_participant_id(sender_.participant_id.ToString());
  abandon.set_stream_id(StreamId{UuidOf(4, 1)}.ToString());
  abandon.set_writer_id(WriterId{UuidOf(5, 1)}.ToString());
  abandon.mutable_range()->set_begin(1);
  abandon.mutable_range()->set_end(4);
  abandon.set_reason("lost");
  for (int twice = 0; twice < 2; ++twice) {
    grpc::ClientContext context;
    v1::AbandonRangeResponse response;
    const grpc::Status status = stub_->AbandonRange(&context, abandon, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    const v1::WriterState& state = response.writer();
    EXPECT_EQ(state.high_water(), 4u);
    ASSERT_THAT(state.stored(), SizeIs(2));
    ASSERT_THAT(state.abandoned(), SizeIs(1));
    EXPECT_EQ(state.abandoned(0).begin(), 2u);
    EXPECT_EQ(state.abandoned(0).end(), 4u);
    ASSERT_THAT(state.missing(), SizeIs(1));
    EXPECT_EQ(state.missing(0).begin(), 4u);
    EXPECT_EQ(state.missing(0).end(), 5u);
  }
  v1::GetUploadStateRequest request;
  request.set_participant_id(sender_.participant_id.ToString());
  v1::GetUploadStateResponse response;
  grpc::ClientContext context;
  const grpc::Status status = stub_->GetUploadState(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_THAT(response.writers(), SizeIs(1));
  EXPECT_EQ(response.writers(0).stored_chunks(), 3u);
  EXPECT_EQ(response.writers(0).duplicate_chunks(), 1u);
  EXPECT_EQ(response.writers(0).newest_device_ns(), 5'990'000'000);
  EXPECT_EQ(response.restore_generation(), 3u);
  EXPECT_THAT(response.next_page_token(), IsEmpty());

  abandon.set_stream_id(StreamId{UuidOf(4, 66)}.ToString());
  grpc::ClientContext foreign;
  v1::AbandonRangeResponse ignored;
  EXPECT_EQ(stub_->AbandonRange(&foreign, abandon, &ignored).error_code(), grpc::NOT_FOUND);
}

TEST_F(IngestServiceTest, UploadStateComesInPages) {
  Serve();
  std::vector<v1::ChunkEnvelope> envelopes;
  for (char writer = 'a'; writer < 'h'; ++writer) {
    v1::ChunkBody body = SamplesBody(1, 0);
    body.set_writer_id(std::string(16, writer));
    envelopes.push_back(EnvelopeOf(body));
  }
  UploadAll(envelopes);
  v1::GetUploadStateRequest request;
  request.set_participant_id(sender_.participant_id.ToString());
  request.set_page_size(3);
  std::vector<std::string> writers;
  do {
    v1::GetUploadStateResponse response;
    grpc::ClientContext context;
    ASSERT_TRUE(stub_->GetUploadState(&context, request, &response).ok());
    EXPECT_LE(response.writers_size(), 3);
    for (const v1::WriterState& state : response.writers()) writers.push_back(state.writer_id());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(writers, SizeIs(7));
  EXPECT_TRUE(std::is_sorted(writers.begin(), writers.end()));
}

// No answer grows beyond what a client receives (4 MiB here, as everywhere), however torn to pieces
// the outboxes are.
TEST_F(IngestServiceTest, UploadStateOfFragmentedOutboxesComesInMorePages) {
  Serve();
  UploadAll({EnvelopeOf(SamplesBody(1, 0))});
  // Of 4 numbers, one is stored, one quarantined, one abandoned, one missing; 2^61 makes them long.
  database_.Execute(
      "insert into stream_state (participant_id, stream_id, writer_id, study_id, device_id, stored,"
      "    quarantined, abandoned, refused, last_receipt_at)"
      " select s.participant_id, s.stream_id, gen_random_uuid(), s.study_id, s.device_id, r.stored,"
      "        r.quarantined, r.abandoned, '{}', now()"
      "   from stream_state s, generate_series(1, 99),"
      "        (select range_agg(int8range(n, n + 1)) as stored,"
      "                range_agg(int8range(n + 1, n + 2)) as quarantined,"
      "                range_agg(int8range(n + 2, n + 3)) as abandoned"
      "           from generate_series(1::int8 << 61, (1::int8 << 61) + 3999, 4) as n) as r");
  v1::GetUploadStateRequest request;
  request.set_participant_id(sender_.participant_id.ToString());
  request.set_page_size(1000);
  std::set<std::string> writers;
  int pages = 0;
  do {
    v1::GetUploadStateResponse response;
    grpc::ClientContext context;
    const grpc::Status status = stub_->GetUploadState(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_LT(response.ByteSizeLong(), size_t{3} << 20);
    for (const v1::WriterState& state : response.writers()) {
      EXPECT_TRUE(writers.insert(state.writer_id()).second);
    }
    request.set_page_token(response.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_THAT(writers, SizeIs(100));
  EXPECT_GT(pages, 3);
}

// As the first version of the server left them.
TEST_F(IngestServiceTest, AnEntryThatWasSealedWithTheKeyOfItsStreamIsRead) {
  Serve();
  const v1::ChunkBody body = SamplesBody(8, 0);
  UploadAll({EnvelopeOf(body)});
  v1::ListQuarantineRequest list;
  list.set_participant_id(sender_.participant_id.ToString());
  v1::ListQuarantineResponse listed;
  grpc::ClientContext list_context;
  ASSERT_TRUE(stub_->ListQuarantine(&list_context, list, &listed).ok());
  ASSERT_THAT(listed.chunks(), SizeIs(1));
  const auto id = QuarantineId::Parse(listed.chunks(0).quarantine_id());
  ASSERT_TRUE(id.ok());
  const auto stream = StreamId::FromBytes(body.stream_id());
  ASSERT_TRUE(stream.ok());
  const auto key = keys_->KeyForWriting(sender_.participant_id, *stream, 20'000);
  ASSERT_TRUE(key.ok()) << key.status();
  const std::string sealed = store::SealEnvelope(
      *key, {"quarantine.body", sender_.participant_id, id->AsBytes()}, store::EnvelopeCodec::kZstd,
      store::CompressBody(body.SerializeAsString()));
  database_.Execute("update quarantine set body = decode('" + HexEncode(sealed) + "', 'hex')");

  v1::GetQuarantinedRequest get;
  get.set_participant_id(sender_.participant_id.ToString());
  get.set_quarantine_id(listed.chunks(0).quarantine_id());
  v1::GetQuarantinedResponse got;
  grpc::ClientContext get_context;
  ASSERT_TRUE(stub_->GetQuarantined(&get_context, get, &got).ok());
  EXPECT_EQ(got.body(), body.SerializeAsString());
}

// Nobody knows what they are: the stream they name was never declared.
TEST_F(IngestServiceTest, BytesOfAnUnknownStreamTakeEveryKindOfData) {
  Serve();
  UploadAll({EnvelopeOf(SamplesBody(8, 0))});
  v1::ListQuarantineRequest list;
  list.set_participant_id(sender_.participant_id.ToString());
  v1::ListQuarantineResponse listed;
  grpc::ClientContext list_context;
  ASSERT_TRUE(stub_->ListQuarantine(&list_context, list, &listed).ok());
  ASSERT_THAT(listed.chunks(), SizeIs(1));
  v1::GetQuarantinedRequest get;
  get.set_participant_id(sender_.participant_id.ToString());
  get.set_quarantine_id(listed.chunks(0).quarantine_id());
  const auto read = [&] {
    grpc::ClientContext context;
    v1::GetQuarantinedResponse got;
    return rpc::ReasonOf(rpc::FromGrpc(stub_->GetQuarantined(&context, get, &got)));
  };
  authorizer_.data_kind_bits = rpc::kOrdinaryKinds.bits();
  EXPECT_EQ(read(), v1::ERROR_REASON_DATA_KIND_NOT_GRANTED);
  authorizer_.data_kind_bits = rpc::kAllKinds.bits();
  EXPECT_EQ(read(), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(database_.QueryValue("select count(*) from audit"), "1");
}

// Denied as a kind that is not granted: whoever asks, the participant never agreed to it.
TEST_F(IngestServiceTest, BytesOfAKindThatWasNeverConsentedToAreDenied) {
  Serve();
  v1::ChunkBody bad = SamplesBody(1, 0);
  bad.mutable_samples()->set_count(3);
  UploadAll({EnvelopeOf(bad), EnvelopeOf(SamplesBody(8, 0))});
  const auto read = [&](const char* of_stream) {
    v1::GetQuarantinedRequest get;
    get.set_participant_id(sender_.participant_id.ToString());
    get.set_quarantine_id(
        Query(std::string("select quarantine_id from quarantine where stream_id ") + of_stream +
              " (select stream_id from stream)"));
    grpc::ClientContext context;
    v1::GetQuarantinedResponse got;
    return rpc::ReasonOf(rpc::FromGrpc(stub_->GetQuarantined(&context, get, &got)));
  };
  RecordConsent(sender_, v1::DATA_KIND_VIDEO, false, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(read("in"), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(read("not in"), v1::ERROR_REASON_DATA_KIND_NOT_GRANTED) << "it may be a film";
  RecordConsent(sender_, v1::DATA_KIND_OTHER, false, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(read("in"), v1::ERROR_REASON_DATA_KIND_NOT_GRANTED);
  RecordConsent(sender_, v1::DATA_KIND_OTHER, true, 0);
  EXPECT_EQ(read("in"), v1::ERROR_REASON_UNSPECIFIED);
}

// What is refused is told apart from what is given up, and neither is missing.
TEST_F(IngestServiceTest, UploadStateTellsRefusedNumbers) {
  Serve();
  UploadAll({EnvelopeOf(SamplesBody(1, 0))});
  RecordConsent(sender_, v1::DATA_KIND_OTHER, false, std::numeric_limits<int64_t>::min());
  UploadAll({EnvelopeOf(SamplesBody(1, 1)), EnvelopeOf(SamplesBody(1, 2))});
  v1::AbandonRangeRequest abandon;
  abandon.set_participant_id(sender_.participant_id.ToString());
  abandon.set_stream_id(StreamId{UuidOf(4, 1)}.ToString());
  abandon.set_writer_id(WriterId{UuidOf(5, 1)}.ToString());
  abandon.mutable_range()->set_begin(1);
  abandon.mutable_range()->set_end(4);
  abandon.set_reason("lost");
  v1::AbandonRangeResponse given_up;
  grpc::ClientContext context;
  const grpc::Status status = stub_->AbandonRange(&context, abandon, &given_up);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const v1::WriterState& writer = given_up.writer();
  EXPECT_EQ(writer.high_water(), 4u);
  EXPECT_EQ(writer.missing_size(), 0);
  ASSERT_EQ(writer.refused_size(), 1);
  EXPECT_EQ(writer.refused(0).begin(), 1u);
  EXPECT_EQ(writer.refused(0).end(), 3u);
  ASSERT_EQ(writer.abandoned_size(), 1);
  EXPECT_EQ(writer.abandoned(0).begin(), 3u);
}

TEST_F(IngestServiceTest, QuarantineIsListedReadRedrivenAndDiscarded) {
  Serve();
  const v1::ChunkBody late = SamplesBody(8, 0);
  const v1::ChunkBody hopeless = SamplesBody(8, 1);
  UploadAll({EnvelopeOf(late), EnvelopeOf(hopeless)});
  const std::string participant = sender_.participant_id.ToString();

  v1::ListQuarantineRequest list;
  list.set_participant_id(participant);
  v1::ListQuarantineResponse listed;
  grpc::ClientContext list_context;
  ASSERT_TRUE(stub_->ListQuarantine(&list_context, list, &listed).ok());
  ASSERT_THAT(listed.chunks(), SizeIs(2));
  EXPECT_EQ(listed.chunks(0).reason(), v1::RECEIPT_REASON_STREAM_UNKNOWN);
  EXPECT_EQ(listed.chunks(0).state(), v1::QUARANTINE_STATE_HELD);
  const int late_place = listed.chunks(0).number() == 0 ? 0 : 1;

  v1::GetQuarantinedRequest get;
  get.set_participant_id(participant);
  get.set_quarantine_id(listed.chunks(late_place).quarantine_id());
  v1::GetQuarantinedResponse got;
  grpc::ClientContext get_context;
  ASSERT_TRUE(stub_->GetQuarantined(&get_context, get, &got).ok());
  EXPECT_EQ(got.body(), late.SerializeAsString());

  AddStream(sender_, 8);
  v1::RedriveQuarantinedRequest redrive;
  redrive.set_request_id(Uuid::MakeRandom().ToString());
  redrive.set_participant_id(participant);
  redrive.set_quarantine_id(get.quarantine_id());
  const int noted_before = std::stoi(Query("select count(*) from audit"));
  for (int twice = 0; twice < 2; ++twice) {
    v1::RedriveQuarantinedResponse redriven;
    grpc::ClientContext context;
    const grpc::Status status = stub_->RedriveQuarantined(&context, redrive, &redriven);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(redriven.outcome(), v1::OUTCOME_STORED);
    EXPECT_EQ(redriven.chunk().state(), v1::QUARANTINE_STATE_REDRIVEN);
  }
  EXPECT_EQ(std::stoi(Query("select count(*) from audit")), noted_before + 1);
  // As if its answer had been lost with the transaction that remembers it.
  database_.Execute("delete from request_memory");
  {
    v1::RedriveQuarantinedResponse again;
    grpc::ClientContext context;
    EXPECT_TRUE(stub_->RedriveQuarantined(&context, redrive, &again).ok());
    EXPECT_EQ(again.outcome(), v1::OUTCOME_STORED);
    EXPECT_EQ(again.chunk().state(), v1::QUARANTINE_STATE_REDRIVEN);
  }
  redrive.set_request_id(Uuid::MakeRandom().ToString());
  v1::RedriveQuarantinedResponse gone;
  grpc::ClientContext gone_context;
  EXPECT_EQ(stub_->RedriveQuarantined(&gone_context, redrive, &gone).error_code(),
            grpc::FAILED_PRECONDITION);

  v1::DiscardQuarantinedRequest discard;
  discard.set_request_id(Uuid::MakeRandom().ToString());
  discard.set_participant_id(participant);
  discard.set_quarantine_id(listed.chunks(1 - late_place).quarantine_id());
  discard.set_reason("nobody knows what it is");
  v1::DiscardQuarantinedResponse discarded;
  grpc::ClientContext discard_context;
  const grpc::Status status = stub_->DiscardQuarantined(&discard_context, discard, &discarded);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(discarded.chunk().state(), v1::QUARANTINE_STATE_DISCARDED);
  redrive.set_quarantine_id(discard.quarantine_id());
  redrive.set_request_id(Uuid::MakeRandom().ToString());
  grpc::ClientContext discarded_context;
  EXPECT_EQ(stub_->RedriveQuarantined(&discarded_context, redrive, &gone).error_code(),
            grpc::FAILED_PRECONDITION);
  get.set_quarantine_id(discard.quarantine_id());
  grpc::ClientContext after;
  EXPECT_EQ(stub_->GetQuarantined(&after, get, &got).error_code(), grpc::NOT_FOUND);
  EXPECT_EQ(Query("select held_bytes || ' ' || held_chunks from quarantine_usage"), "0 0");
  // Sent again, it is still what it was.
  const Answers again = UploadAll({EnvelopeOf(hopeless)});
  EXPECT_EQ(again.begin()->second.outcome, v1::OUTCOME_QUARANTINED);
}

}  // namespace
}  // namespace tidemark::ingest
