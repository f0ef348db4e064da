#include "core/signal/codec.h"
#include "ingest/ingest.h"
#include "ingest/number_ranges.h"
#include "store/body.h"
#include "store/envelope.h"
#include "tests/ingest/ingest_fixture.h"

namespace tidemark::ingest {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr auto kNoReason = v1::RECEIPT_REASON_UNSPECIFIED;

class IngestTest : public IngestFixture {
 protected:
  IngestTest() {
    sender_ = AddDevice(1);
    AddStream(sender_, 1);
    AddStream(sender_, 2, v1::MODALITY_RECORDS);
  }

  // The body as a reader would rebuild it from what is stored.
  std::string StoredBody(const v1::ChunkBody& sent) {
    const std::string segment = Query(fmt::format(
        "select segment_id || ' ' || segment_slot || ' ' || encode(payload, 'hex') from segment "
        "join chunk using (participant_id, segment_id) where number = {} and chunk.stream_id = "
        "'{}'",
        sent.number(), StreamId::FromBytes(sent.stream_id())->ToString()));
    const SegmentId id = *SegmentId::Parse(segment.substr(0, 36));
    const size_t space = segment.find(' ', 37);
    const int slot = std::stoi(segment.substr(37, space - 37));
    const auto opened = store::OpenEnvelope(
        *keys_, {"segment.payload", sender_.participant_id, id.AsBytes()},
        *StreamId::FromBytes(sent.stream_id()), *HexDecode(segment.substr(space + 1)));
    EXPECT_TRUE(opened.ok()) << opened.status();
    const auto view = store::FindSlot(opened->plain, slot);
    EXPECT_TRUE(view.ok()) << view.status();
    if (view->form == store::SlotForm::kBody) {
      return *store::DecompressBody(view->bytes, kBodyBytesMax);
    }
    const auto types = StreamOf(sender_, 1).channel_types();
    store::ChunkRow row;
    row.stream_id = *StreamId::FromBytes(sent.stream_id());
    row.stream_version = 1;
    row.writer_id = *WriterId::FromBytes(sent.writer_id());
    row.number = static_cast<int64_t>(sent.number());
    row.boot_id = *BootId::FromBytes(sent.boot_id());
    row.first_counter = static_cast<int64_t>(sent.samples().first_counter());
    return store::RebuildBody(row, *signal::DecodeBlock(types, view->bytes, kSamplesPerChunkMax));
  }

  // Keys of participants, whatever they seal.
  int KeyFiles() const {
    int files = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder_ / "participants")) {
      files += entry.is_regular_file();
    }
    return files;
  }

  Sender sender_;
};

TEST_F(IngestTest, WhatIsStoredIsWhatWasSent) {
  Start();
  const std::vector<v1::ChunkBody> bodies = {SamplesBody(1, 0), SamplesBody(1, 1),
                                             SamplesBody(1, 2, 1)};
  const auto statements = Send(sender_, bodies);
  ASSERT_THAT(statements, SizeIs(3));
  EXPECT_THAT(statements, Each(Says(v1::OUTCOME_STORED, kNoReason)));
  EXPECT_EQ(statements[1].number(), 1u);
  EXPECT_EQ(statements[1].device_id(), sender_.device_id.AsBytes());
  EXPECT_EQ(statements[1].sha256(), AsView(Sha256(bodies[1].SerializeAsString())));
  EXPECT_EQ(statements[1].device_action(), v1::DEVICE_ACTION_MAY_DELETE);
  EXPECT_EQ(statements[1].durability(), v1::DURABILITY_LOCAL);
  EXPECT_EQ(statements[1].restore_generation(), 3u);
  for (const v1::ChunkBody& body : bodies) EXPECT_EQ(StoredBody(body), body.SerializeAsString());
  EXPECT_EQ(Query("select count(*) from segment"), "1");
  EXPECT_EQ(Query("select stored from stream_state"), "{[0,3)}");
  EXPECT_EQ(Query("select revision || ' ' || stored_chunks || ' ' || newest_device_ns "
                  "from stream_state"),
            "1 3 2000000000");
  EXPECT_EQ(Query("select count(*) from epoch"), "1");
}

TEST_F(IngestTest, RecordsFillClockPairAndProbe) {
  Start();
  v1::ChunkBody body = SamplesBody(2, 0);
  v1::Record& start = *body.mutable_records()->add_records();
  start.mutable_boot_start()->set_wall_ns(9);
  body.mutable_records()->add_records()->mutable_clock_pair()->set_clock_id(4);
  body.mutable_records()->add_records()->mutable_probe()->set_t4_device_ns(5);
  EXPECT_THAT(SendOne(sender_, body), Says(v1::OUTCOME_STORED, kNoReason));
  EXPECT_EQ(Query("select string_agg(entry || ':' || clock_id || ':' || is_boot_start || ':' || "
                  "wall_ns, ' ' order by entry) from clock_pair"),
            "0:0:true:9 1:4:false:0");
  EXPECT_EQ(Query("select entry || ':' || t4_device_ns from probe"), "2:5");
  EXPECT_EQ(Query("select string_agg(clock_id::text, ' ' order by clock_id) from epoch"), "0 4");
  EXPECT_EQ(StoredBody(body), body.SerializeAsString());
}

TEST_F(IngestTest, TheSameBytesAgainAreADuplicate) {
  Start();
  const v1::ChunkBody body = SamplesBody(1, 0);
  EXPECT_THAT(SendOne(sender_, body), Says(v1::OUTCOME_STORED, kNoReason));
  EXPECT_THAT(SendOne(sender_, body), Says(v1::OUTCOME_DUPLICATE, kNoReason));
  EXPECT_THAT(
      Send(sender_, {body, SamplesBody(1, 1), SamplesBody(1, 1)}),
      ElementsAre(Says(v1::OUTCOME_DUPLICATE, kNoReason), Says(v1::OUTCOME_STORED, kNoReason),
                  Says(v1::OUTCOME_DUPLICATE, kNoReason)));
  EXPECT_EQ(Query("select count(*) from chunk"), "2");
  EXPECT_EQ(Query("select stored_chunks || ' ' || duplicate_chunks from stream_state"), "2 3");
}

TEST_F(IngestTest, AnotherBodyOfTheSameNumberIsAConflict) {
  Start();
  const v1::ChunkBody first = SamplesBody(1, 0);
  v1::ChunkBody second = first;
  second.set_clock_id(1);
  v1::ChunkBody third = first;
  third.set_boot_id(std::string(16, 'b'));
  EXPECT_THAT(Send(sender_, {first, second}),
              ElementsAre(Says(v1::OUTCOME_STORED, kNoReason),
                          Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_CONFLICT)));
  EXPECT_THAT(SendOne(sender_, third), Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_CONFLICT));
  EXPECT_THAT(SendOne(sender_, third), Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_CONFLICT));
  EXPECT_EQ(StoredBody(first), first.SerializeAsString());
  EXPECT_EQ(Query("select count(*) from quarantine"), "2");
  EXPECT_EQ(Query("select held_chunks from quarantine_usage"), "2");
  EXPECT_EQ(Query("select stored || ' ' || quarantined from stream_state"), "{[0,1)} {}");
}

TEST_F(IngestTest, ABadChunkIsSetAsideAndTheOthersStand) {
  Start();
  v1::ChunkBody bad = SamplesBody(1, 1);
  bad.mutable_samples()->set_count(7);
  EXPECT_THAT(Send(sender_, {SamplesBody(1, 0), bad, SamplesBody(1, 2)}),
              ElementsAre(Says(v1::OUTCOME_STORED, kNoReason),
                          Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_PAYLOAD_SIZE),
                          Says(v1::OUTCOME_STORED, kNoReason)));
  EXPECT_EQ(Query("select stored || ' ' || quarantined from stream_state"),
            "{[0,1),[2,3)} {[1,2)}");
  // The number is settled: a better body of it is a conflict.
  EXPECT_THAT(SendOne(sender_, SamplesBody(1, 1)),
              Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_CONFLICT));
}

TEST_F(IngestTest, BytesOfAnAbandonedNumberAreKept) {
  Start();
  EXPECT_THAT(SendOne(sender_, SamplesBody(1, 5)), Says(v1::OUTCOME_STORED, kNoReason));
  database_.Execute("update stream_state set abandoned = '{[0,5)}'");
  EXPECT_THAT(SendOne(sender_, SamplesBody(1, 3)),
              Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_ABANDONED));
  EXPECT_EQ(Query("select abandoned || ' ' || quarantined from stream_state"), "{[0,5)} {}");
}

TEST_F(IngestTest, AFullQuarantineAsksForPatience) {
  quotas_.device_chunks_max = 1;
  Start();
  const auto answer = Send(sender_, {SamplesBody(9, 0), SamplesBody(9, 1)});
  EXPECT_THAT(answer, ElementsAre(Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_STREAM_UNKNOWN),
                                  Says(v1::OUTCOME_REFUSED, v1::RECEIPT_REASON_QUARANTINE_FULL)));
  EXPECT_EQ(answer[1].device_action(), v1::DEVICE_ACTION_RETRY_AFTER);
  EXPECT_GT(answer[1].retry_after_ms(), 0u);
  EXPECT_EQ(answer[1].durability(), v1::DURABILITY_UNSPECIFIED);
  EXPECT_EQ(Query("select quarantined from stream_state"), "{[0,1)}");
}

// What a device makes up must cost nothing lasting once its quota is used up, and before that not a
// key for each: a key is a file that the commits of others wait for.
TEST_F(IngestTest, WhatIsRefusedForWantOfRoomLeavesNoTrace) {
  constexpr int kRoom = 10;
  quotas_.device_chunks_max = kRoom;
  Start();
  const auto made_up = [](int count) {
    std::vector<v1::ChunkBody> bodies(static_cast<size_t>(count), SamplesBody(9, 0));
    for (v1::ChunkBody& body : bodies) {
      body.set_stream_id(std::string(Uuid::MakeRandom().AsBytes()));
      body.set_writer_id(std::string(Uuid::MakeRandom().AsBytes()));
    }
    return bodies;
  };
  const std::vector<v1::ChunkBody> held = made_up(kRoom);
  const auto set_aside = Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_STREAM_UNKNOWN);
  EXPECT_THAT(Send(sender_, held), Each(set_aside));
  EXPECT_EQ(Query("select count(*) from stream_state"), "10");
  EXPECT_EQ(KeyFiles(), 2) << "one of the participant, one for quarantine";

  const auto refused = Says(v1::OUTCOME_REFUSED, v1::RECEIPT_REASON_QUARANTINE_FULL);
  EXPECT_THAT(Send(sender_, made_up(100)), Each(refused));
  EXPECT_EQ(Query("select count(*) from stream_state"), "10");
  EXPECT_EQ(Query("select count(*) from quarantine"), "10");
  EXPECT_EQ(KeyFiles(), 2);

  // What needs no room gets its answer all the same, also beside those that find none.
  std::vector<v1::ChunkBody> mixed = made_up(2);
  mixed.push_back(held.front());
  mixed.push_back(SamplesBody(1, 0));
  EXPECT_THAT(Send(sender_, mixed),
              ElementsAre(refused, refused, set_aside, Says(v1::OUTCOME_STORED, kNoReason)));
}

TEST_F(IngestTest, TheStudyHasAQuotaToo) {
  const Sender other = AddDevice(2);
  quotas_.study_bytes_max = SamplesBody(9, 0).ByteSizeLong() + 10;
  Start();
  EXPECT_THAT(SendOne(sender_, SamplesBody(9, 0)),
              Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_STREAM_UNKNOWN));
  EXPECT_THAT(SendOne(other, SamplesBody(9, 0)),
              Says(v1::OUTCOME_REFUSED, v1::RECEIPT_REASON_QUARANTINE_FULL));
}

TEST_F(IngestTest, AnErasedParticipantGetsNothingWritten) {
  Start();
  ASSERT_THAT(keys_->DestroyParticipant(sender_.participant_id), support::IsOk());
  const auto answer = SendOne(sender_, SamplesBody(1, 0));
  EXPECT_THAT(answer, Says(v1::OUTCOME_REFUSED, v1::RECEIPT_REASON_NO_CONSENT));
  EXPECT_EQ(answer.device_action(), v1::DEVICE_ACTION_STOP_AND_DELETE);
  EXPECT_EQ(Query("select count(*) from chunk"), "0");
  EXPECT_EQ(Query("select count(*) from stream_state"), "0");
}

TEST_F(IngestTest, APoisonedChunkIsFoundAndTheOthersAreStored) {
  database_.Execute("alter table chunk add constraint poison check (number <> 13)");
  Start();
  std::vector<v1::ChunkBody> bodies;
  for (uint64_t i = 0; i < 30; ++i) bodies.push_back(SamplesBody(1, i));
  const auto answer = Send(sender_, bodies);
  ASSERT_THAT(answer, SizeIs(30));
  for (size_t i = 0; i < 30; ++i) {
    if (i == 13) continue;
    EXPECT_THAT(answer[i], Says(v1::OUTCOME_STORED, kNoReason)) << i;
  }
  EXPECT_THAT(answer[13], Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_STORE_REJECTED));
  EXPECT_EQ(Query("select stored || ' ' || quarantined from stream_state"),
            "{[0,13),[14,30)} {[13,14)}");
}

TEST_F(IngestTest, APoisonedChunkThatQuarantineRejectsTooWaits) {
  database_.Execute("alter table chunk add constraint poison check (number <> 1)");
  database_.Execute("alter table quarantine add constraint poison check (number <> 1)");
  Start();
  const auto answer = Send(sender_, {SamplesBody(1, 0), SamplesBody(1, 1)});
  EXPECT_THAT(answer, ElementsAre(Says(v1::OUTCOME_STORED, kNoReason),
                                  Says(v1::OUTCOME_REFUSED, v1::RECEIPT_REASON_STORE_REJECTED)));
  EXPECT_EQ(answer[1].device_action(), v1::DEVICE_ACTION_RETRY_AFTER);
}

TEST_F(IngestTest, TwoServersWithTheSameChunksStoreThemOnce) {
  Start();
  TM_ASSERT_OK_AND_ASSIGN(const auto second, Ingest::Start(Options()));
  std::vector<std::future<absl::StatusOr<v1::ReceiptBatch>>> answers;
  for (uint64_t round = 0; round < 50; ++round) {
    for (Ingest* ingest : {ingest_.get(), second.get()}) {
      auto promise = std::make_shared<std::promise<absl::StatusOr<v1::ReceiptBatch>>>();
      answers.push_back(promise->get_future());
      Submission submission{sender_,
                            {EnvelopeOf(SamplesBody(1, round)), EnvelopeOf(SamplesBody(1, 99))},
                            [promise](auto receipts) { promise->set_value(std::move(receipts)); }};
      ASSERT_EQ(ingest->TrySubmit(submission, nullptr, nullptr), Take::kTaken);
    }
  }
  int stored = 0;
  for (auto& answer : answers) {
    const auto receipts = answer.get();
    ASSERT_THAT(receipts, support::IsOk());
    for (const v1::ReceiptStatement& statement : Prove(*receipts)) {
      EXPECT_EQ(statement.device_action(), v1::DEVICE_ACTION_MAY_DELETE);
      stored += statement.outcome() == v1::OUTCOME_STORED;
    }
  }
  EXPECT_EQ(stored, 51);
  EXPECT_EQ(Query("select count(*) from chunk"), "51");
  EXPECT_EQ(Query("select stored from stream_state"), "{[0,50),[99,100)}");
}

TEST_F(IngestTest, LostConnectionsLoseNothing) {
  Start();
  std::vector<std::future<absl::StatusOr<v1::ReceiptBatch>>> answers;
  for (uint64_t i = 0; i < 60; ++i) {
    answers.push_back(Submit(sender_, {EnvelopeOf(SamplesBody(1, i))}));
    if (i % 10 == 5) {
      database_.Execute(
          "select pg_terminate_backend(pid) from pg_stat_activity "
          "where usename = 'tm_ingest' and datname = current_database()");
    }
  }
  for (auto& answer : answers) {
    const auto receipts = answer.get();
    ASSERT_THAT(receipts, support::IsOk());
    EXPECT_EQ(Prove(*receipts).front().device_action(), v1::DEVICE_ACTION_MAY_DELETE);
  }
  EXPECT_EQ(Query("select count(*) from chunk"), "60");
  EXPECT_EQ(Query("select stored from stream_state"), "{[0,60)}");
}

TEST_F(IngestTest, WithoutADatabaseNothingIsDecided) {
  patience_.retry_for = std::chrono::milliseconds(20);
  IngestOptions options = Options();
  options.dsn = "host=/nonexistent dbname=t_none";
  auto ingest = Ingest::Start(std::move(options));
  ASSERT_THAT(ingest, support::IsOk());
  ingest_ = *std::move(ingest);
  EXPECT_THAT(Submit(sender_, {EnvelopeOf(SamplesBody(1, 0))}).get(),
              support::StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(IngestTest, ShutdownDecidesWhatWasTakenAndTakesNothingMore) {
  Start();
  std::vector<std::future<absl::StatusOr<v1::ReceiptBatch>>> answers;
  for (uint64_t i = 0; i < 20; ++i)
    answers.push_back(Submit(sender_, {EnvelopeOf(SamplesBody(1, i))}));
  ingest_->Shutdown();
  for (auto& answer : answers) EXPECT_THAT(answer.get(), support::IsOk());
  Submission late{sender_, {EnvelopeOf(SamplesBody(1, 50))}, [](auto) { ADD_FAILURE(); }};
  EXPECT_EQ(ingest_->TrySubmit(late, nullptr, nullptr), Take::kClosed);
  EXPECT_THAT(late.envelopes, SizeIs(1));
  EXPECT_EQ(Query("select count(*) from chunk"), "20");
}

TEST_F(IngestTest, ARedriveStoresWhatIsAcceptableNow) {
  Start();
  const v1::ChunkBody body = SamplesBody(9, 0);
  EXPECT_THAT(SendOne(sender_, body),
              Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_STREAM_UNKNOWN));
  const QuarantineId id = *QuarantineId::Parse(Query("select quarantine_id from quarantine"));
  const std::string raw = body.SerializeAsString();
  const std::string hash(AsView(Sha256(raw)));
  const Uuid request = Uuid::MakeRandom();
  const auto redrive = [&] { return ingest_->Redrive(sender_, id, request, raw, hash); };
  using ::testing::Optional;
  EXPECT_THAT(redrive(), support::IsOkAndHolds(
                             Optional(Verdict::Quarantined(v1::RECEIPT_REASON_STREAM_UNKNOWN))));
  AddStream(sender_, 9);
  EXPECT_THAT(redrive(), support::IsOkAndHolds(Optional(Verdict::Stored())));
  EXPECT_EQ(Query("select stored || ' ' || quarantined from stream_state"), "{[0,1)} {}");
  EXPECT_EQ(Query("select state || ' ' || decided_request from quarantine"),
            "2 " + request.ToString());
  EXPECT_EQ(Query("select held_bytes || ' ' || held_chunks from quarantine_usage"), "0 0");
  EXPECT_EQ(StoredBody(body), raw);
  EXPECT_THAT(redrive(), support::IsOkAndHolds(::testing::Eq(std::nullopt)));
  EXPECT_THAT(SendOne(sender_, body), Says(v1::OUTCOME_DUPLICATE, kNoReason));
}

TEST_F(IngestTest, ARedriveWithoutAKeyOrADatabaseChangesNothing) {
  Start();
  const v1::ChunkBody body = SamplesBody(9, 0);
  SendOne(sender_, body);
  AddStream(sender_, 9);
  const QuarantineId id = *QuarantineId::Parse(Query("select quarantine_id from quarantine"));
  const std::string raw = body.SerializeAsString();
  const std::string hash(AsView(Sha256(raw)));
  const auto redrive = [&] { return ingest_->Redrive(sender_, id, Uuid::MakeRandom(), raw, hash); };
  // Its last statement fails: all of it is undone.
  database_.Execute("alter table quarantine_usage add constraint broken check (held_chunks > 0)");
  EXPECT_FALSE(redrive().ok());
  EXPECT_EQ(Query("select state from quarantine"), "1");
  EXPECT_EQ(Query("select count(*) from chunk"), "0");
  EXPECT_EQ(Query("select stored || ' ' || quarantined from stream_state"), "{} {[0,1)}");
  database_.Execute("alter table quarantine_usage drop constraint broken");
  // The connection is gone: the next one serves.
  database_.Execute(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = "
      "'tidemark ingest' and datname = current_database()");
  (void)redrive();
  EXPECT_THAT(redrive(), support::IsOk());
  EXPECT_EQ(Query("select count(*) from chunk"), "1");

  const v1::ChunkBody late = SamplesBody(9, 1);
  ASSERT_THAT(keys_->DestroyParticipant(sender_.participant_id), support::IsOk());
  const std::string late_raw = late.SerializeAsString();
  EXPECT_THAT(ingest_->Redrive(sender_, id, Uuid::MakeRandom(), late_raw,
                               std::string(AsView(Sha256(late_raw)))),
              support::IsOkAndHolds(
                  ::testing::Optional(Verdict::StopAndDelete(v1::RECEIPT_REASON_NO_CONSENT))));
}

// Numbers far apart from each other, as no device of ours writes them.
TEST_F(IngestTest, AnOutboxHasSoManyRunsOfNumbersAndNoMore) {
  Start();
  EXPECT_THAT(SendOne(sender_, SamplesBody(1, 0)), Says(v1::OUTCOME_STORED, kNoReason));
  database_.Execute(fmt::format(
      "update stream_state set stored = (select range_agg(int8range(2 * n, 2 * n + 1)) from "
      "generate_series(0, {} - 1) as n)",
      kRunsPerSetMax));
  const int64_t end = 2 * int64_t{kRunsPerSetMax};
  const auto answer = [&](int64_t number) {
    return SendOne(sender_, SamplesBody(1, static_cast<uint64_t>(number)));
  };
  EXPECT_THAT(answer(end), Says(v1::OUTCOME_REFUSED, v1::RECEIPT_REASON_OVERLOADED));
  EXPECT_THAT(answer(end - 1), Says(v1::OUTCOME_STORED, kNoReason)) << "it lengthens the last run";
  EXPECT_THAT(answer(1), Says(v1::OUTCOME_STORED, kNoReason)) << "it joins two";
  EXPECT_THAT(answer(end + 5), Says(v1::OUTCOME_STORED, kNoReason)) << "so that there is room";
  const auto many = Send(sender_, {SamplesBody(1, static_cast<uint64_t>(end + 10)),
                                   SamplesBody(1, static_cast<uint64_t>(end + 6))});
  EXPECT_THAT(many[0], Says(v1::OUTCOME_REFUSED, v1::RECEIPT_REASON_OVERLOADED));
  EXPECT_THAT(many[1], Says(v1::OUTCOME_STORED, kNoReason));
  EXPECT_EQ(Query("select count(*) from stream_state s, unnest(s.stored)"),
            std::to_string(kRunsPerSetMax));
}

TEST_F(IngestTest, ADeviceHasSoManyOutboxesAndNoMore) {
  Start();
  EXPECT_THAT(SendOne(sender_, SamplesBody(1, 0)), Says(v1::OUTCOME_STORED, kNoReason));
  database_.Execute(fmt::format(
      "insert into stream_state (participant_id, stream_id, writer_id, study_id, device_id, "
      "last_receipt_at) select participant_id, gen_random_uuid(), gen_random_uuid(), study_id, "
      "device_id, now() from stream_state, generate_series(2, {})",
      kOutboxesPerDeviceMax));
  v1::ChunkBody other_writer = SamplesBody(1, 1);
  other_writer.set_writer_id(std::string(16, 'w'));
  EXPECT_THAT(SendOne(sender_, other_writer),
              Says(v1::OUTCOME_REFUSED, v1::RECEIPT_REASON_OVERLOADED));
  EXPECT_THAT(SendOne(sender_, SamplesBody(9, 0)),
              Says(v1::OUTCOME_REFUSED, v1::RECEIPT_REASON_OVERLOADED))
      << "nor one to set aside from";
  EXPECT_THAT(SendOne(sender_, SamplesBody(1, 1)), Says(v1::OUTCOME_STORED, kNoReason));
  EXPECT_EQ(Query("select count(*) from stream_state"), std::to_string(kOutboxesPerDeviceMax));
  EXPECT_EQ(Query("select count(*) from quarantine"), "0");
}

TEST_F(IngestTest, ABodyOfAnothersStreamSettlesNothingThere) {
  Start();
  EXPECT_THAT(SendOne(sender_, SamplesBody(1, 0)), Says(v1::OUTCOME_STORED, kNoReason));
  Sender second = sender_;
  second.device_id = DeviceId{UuidOf(3, 77)};
  EXPECT_THAT(SendOne(second, SamplesBody(1, 1)),
              Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_STREAM_UNKNOWN));
  EXPECT_EQ(Query("select quarantined from stream_state"), "{}");
  EXPECT_THAT(SendOne(sender_, SamplesBody(1, 1)), Says(v1::OUTCOME_STORED, kNoReason));
}

TEST_F(IngestTest, FullIsToldAndRoomToo) {
  messages_max_ = 1;
  Start();
  int refused = 0;
  std::vector<std::future<absl::StatusOr<v1::ReceiptBatch>>> answers;
  for (uint64_t i = 0; i < 50; ++i) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<v1::ReceiptBatch>>>();
    answers.push_back(promise->get_future());
    Submission submission{sender_, {EnvelopeOf(SamplesBody(1, i))}, [promise](auto receipts) {
                            promise->set_value(std::move(receipts));
                          }};
    while (true) {
      auto told = std::make_shared<std::promise<void>>();
      if (ingest_->TrySubmit(submission, told.get(), [told] { told->set_value(); }) == Take::kTaken)
        break;
      ++refused;
      told->get_future().wait();
    }
  }
  for (auto& answer : answers) EXPECT_THAT(answer.get(), support::IsOk());
  EXPECT_GT(refused, 0);
  EXPECT_EQ(Query("select count(*) from chunk"), "50");
}

}  // namespace
}  // namespace tidemark::ingest
