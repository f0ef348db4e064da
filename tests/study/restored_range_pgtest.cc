// A range that was erased, in a backup from before: what today's keys open of it.
#include <map>

#include "base/base64.h"
#include "base/db/transaction.h"
#include "base/endian.h"
#include "study/audit.h"
#include "tests/study/range_erasure_fixture.h"
#include "tests/support/base_backup.h"

namespace tidemark::study {
namespace {

using support::IsOk;
using support::StatusIs;

// Something sealed in a database, by its table and column and the id of its row.
struct SealedValue {
  std::string kind;
  std::string id;
  friend auto operator<=>(const SealedValue&, const SealedValue&) = default;
};
using OpenedValues = std::map<SealedValue, absl::StatusOr<std::string>>;

class RestoredRangeTest : public RangeErasureTest {
 protected:
  // As bodies are set aside now, under the zero stream, or as they were before, under their own.
  std::string SetAside(StreamId stream, StreamId sealed_under) {
    const QuarantineId id = QuarantineId::MakeV7();
    const auto key = scene_.keys().KeyForWriting(person_.participant_id, sealed_under, kDay);
    EXPECT_THAT(key, IsOk());
    const std::string sealed =
        store::SealEnvelope(*key, {"quarantine.body", person_.participant_id, id.AsBytes()},
                            store::EnvelopeCodec::kPlain, "set aside " + id.ToString());
    scene_.database().Execute(fmt::format(
        "insert into quarantine (participant_id, quarantine_id, study_id, device_id, stream_id,"
        " writer_id, number, sha256, body_bytes, reason, detail, state, body, quarantined_at)"
        " values ('{0}', '{1}', '{2}', '{1}', '{3}', '{1}', 0, '\\x00', 1, 1, '', 1, '\\x{4}', "
        "now())",
        person_.participant_id.ToString(), id.ToString(), person_.study_id.ToString(),
        stream.ToString(), HexEncode(sealed)));
    return id.ToString();
  }
  void Record(const Uuid& subject) {
    const db::AccessScope scope{{person_.participant_id}, {person_.study_id}};
    EXPECT_THAT(db::RunInTransaction(pool_, "Record", scope, store::kNoDeadline,
                                     [&](db::Transaction& tx) {
                                       return AppendAudit(
                                           tx, scene_.keys(), clock_,
                                           {subject, person_.study_id, "note", manager_, {}});
                                     }),
                IsOk());
  }
  using RangeErasureTest::Record;

  // Everything sealed that a database holds, as the keys of today open it.
  OpenedValues OpenEverything(const std::string& dsn) {
    OpenedValues opened;
    pqxx::connection connection(dsn);
    pqxx::nontransaction tx(connection);
    for (const pqxx::row& row :
         tx.exec("select 'segment.payload' as kind, segment_id as id, stream_id, payload as sealed"
                 "  from segment union all "
                 "select 'segment.tiles', segment_id, stream_id, tiles from segment union all "
                 "select 'quarantine.body', quarantine_id, stream_id, body from quarantine")) {
      const auto kind = row["kind"].as<std::string>();
      const Uuid id = *Uuid::Parse(row["id"].c_str());
      const StreamId stream = *StreamId::Parse(row["stream_id"].c_str());
      const std::string sealed = db::BytesOf(row["sealed"]);
      const store::EnvelopePlace place{kind, person_.participant_id, id.AsBytes()};
      // Of a body it is not written which of the two keys has it.
      absl::StatusOr<store::OpenedEnvelope> value = absl::DataLossError("not tried");
      if (kind == "quarantine.body") {
        value = store::OpenEnvelope(scene_.keys(), place, StreamId{}, sealed);
      }
      if (absl::IsDataLoss(value.status())) {
        value = store::OpenEnvelope(scene_.keys(), place, stream, sealed);
      }
      opened.emplace(SealedValue{kind, id.ToString()},
                     value.ok() ? absl::StatusOr<std::string>(value->plain) : value.status());
    }
    for (const pqxx::row& row : tx.exec("select subject, study_id, seq, body from audit")) {
      const Uuid subject = *Uuid::Parse(row["subject"].c_str());
      const auto body = OpenAuditBody(scene_.keys(), subject, *Uuid::Parse(row["study_id"].c_str()),
                                      row["seq"].as<int64_t>(), db::BytesOf(row["body"]));
      opened.emplace(
          SealedValue{"audit.body", fmt::format("{} {}", subject.ToString(), row["seq"].c_str())},
          body.ok() ? absl::StatusOr<std::string>(**body) : body.status());
    }
    return opened;
  }
};

TEST_F(RestoredRangeTest, AnOldBaseBackupDoesNotBringBackTheRange) {
  const StreamId erased = Record("audio");
  Add(erased, 10, 12, kDay + 1);
  const StreamId kept = Record("motion");
  const std::string body_of_stream = SetAside(erased, erased);
  SetAside(erased, StreamId{});
  SetAside(kept, kept);
  Record(person_.participant_id.uuid);
  Record(person_.study_id.uuid);
  const OpenedValues before = OpenEverything(scene_.database().SuperuserDsn());
  // Seven segments and their tiles, three bodies and two links.
  ASSERT_EQ(before.size(), 7 * 2 + 3 + 2);
  for (const auto& [place, value] : before) EXPECT_THAT(value, IsOk()) << place.kind;

  const support::BaseBackup backup(scene_.database().SuperuserDsn());
  ASSERT_TRUE(backup.taken());
  const std::vector<StoredRow> rows = Backup();
  const v1::Erasure asked = Accept(Request(35, 55, {erased}));
  RunAll();
  ASSERT_EQ(Get(asked).state(), v1::ERASURE_STATE_DONE);
  ASSERT_TRUE(backup.Start());

  // What arrived of the stream on that day is gone from the backup, and nothing else is.
  std::set<SealedValue> lost = {{"quarantine.body", body_of_stream}};
  for (const StoredRow& row : rows) {
    const auto day = LoadLe<int32_t>(row.payload.data() + 2);  // behind version and codec
    if (row.stream_id != erased || day != kDay) continue;
    lost.insert({"segment.payload", row.segment_id});
    lost.insert({"segment.tiles", row.segment_id});
  }
  ASSERT_EQ(lost.size(), 3 * 2 + 1);
  const OpenedValues restored = OpenEverything(backup.SuperuserDsn());
  ASSERT_EQ(restored.size(), before.size());
  for (const auto& [place, value] : restored) {
    if (lost.contains(place)) {
      EXPECT_THAT(value, StatusIs(absl::StatusCode::kNotFound)) << place.kind;
    } else {
      EXPECT_EQ(value, before.at(place)) << place.kind;
    }
  }
  // The database that went on has all that was to be kept, sealed anew.
  const OpenedValues now = OpenEverything(scene_.database().SuperuserDsn());
  for (const auto& [place, value] : now) EXPECT_THAT(value, IsOk()) << place.kind;
  EXPECT_EQ(now.at({"quarantine.body", body_of_stream}),
            before.at({"quarantine.body", body_of_stream}));
  EXPECT_EQ(Readable(erased), (Numbers{0, 1, 2, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(Readable(kept).size(), 10u);
}

}  // namespace
}  // namespace tidemark::study
