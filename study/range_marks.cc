#include "study/range_marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "store/chunk_scan.h"
#include "store/placed_ranges.h"
#include "store/stream_clocks.h"
#include "store/stream_codec.h"
#include "study/pg_arrays.h"
#include "study/sql.h"
#include "tidemark/v1/stream.pb.h"

namespace tidemark::study {
namespace {

constexpr int kStreamsPerPage = 1'000;

struct RecordedStream {
  StreamId stream_id;
  DeviceId device_id;
  bool is_clock_records = false;
};

absl::StatusOr<std::vector<RecordedStream>> AllStreams(db::Transaction& tx,
                                                       ParticipantId participant) {
  std::vector<RecordedStream> streams;
  std::string after = Uuid().ToString();
  int after_version = 0;
  while (true) {
    const pqxx::result rows =
        tx.Exec(sql::kListStreams, participant.ToString(), std::optional<std::string>(), false,
                after, after_version, kStreamsPerPage);
    for (const pqxx::row& row : rows) {
      RecordedStream stream;
      TM_ASSIGN_OR_RETURN(stream.stream_id, StreamId::Parse(row["stream_id"].c_str()));
      TM_ASSIGN_OR_RETURN(stream.device_id, DeviceId::Parse(row["device_id"].c_str()));
      v1::StreamDeclaration declaration;
      if (!declaration.ParseFromString(db::BytesOf(row["declaration"]))) {
        return absl::DataLossError("a stored declaration cannot be read");
      }
      stream.is_clock_records =
          store::KindOf(declaration.modality()) == store::PayloadKind::kRecords;
      streams.push_back(stream);
      after = stream.stream_id.ToString();
      after_version = row["version"].as<int>();
    }
    if (rows.size() < static_cast<size_t>(kStreamsPerPage)) return streams;
  }
}

// Those that are named, or all that record something.
absl::StatusOr<std::vector<RecordedStream>> ChooseStreams(db::Transaction& tx,
                                                          const RangeToErase& range) {
  TM_ASSIGN_OR_RETURN(std::vector<RecordedStream> all, AllStreams(tx, range.participant_id));
  if (range.stream_ids.empty()) {
    std::erase_if(all, [](const RecordedStream& each) { return each.is_clock_records; });
    return all;
  }
  std::vector<RecordedStream> chosen;
  for (const StreamId wanted : range.stream_ids) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const RecordedStream& each) {
      return each.stream_id == wanted;
    });
    if (found == all.end()) {
      return rpc::Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND, "no such stream");
    }
    if (found->is_clock_records) {
      return rpc::FieldError("stream_ids", "are recordings: clock records are not erased");
    }
    chosen.push_back(*found);
  }
  return chosen;
}

// Ranges of device time of some clocks of one stream, as columns.
struct ClockColumns {
  std::vector<std::string> boots;
  std::vector<uint32_t> clocks;
  std::vector<int64_t> scan_from_ns, begin_ns, end_ns;

  void AddClock(const store::StreamClock& clock) {
    boots.push_back(clock.boot_id.ToString());
    clocks.push_back(static_cast<uint32_t>(clock.clock_id));
  }
  void AddRange(const signal::TimeRange& device) {
    scan_from_ns.push_back(store::SaturatingAdd(device.begin_ns, -store::kChunkSpanNsMax));
    begin_ns.push_back(device.begin_ns);
    end_ns.push_back(device.end_ns);
  }
};

// One stream of one erasure.
class StreamMarker {
 public:
  StreamMarker(db::Transaction& tx, const RangeToErase& range, StreamId stream, RangeMarks& marks)
      : tx_(tx),
        range_(range),
        participant_text_(range.participant_id.ToString()),
        stream_text_(stream.ToString()),
        marks_(marks) {}

  absl::Status Mark(store::StreamClocks& clocks) {
    while (true) {
      TM_ASSIGN_OR_RETURN(const std::vector<store::StreamClock> page, clocks.Next());
      if (page.empty()) return absl::OkStatus();
      ClockColumns placed, unplaced;
      for (const store::StreamClock& clock : page) {
        (clock.placement ? placed : unplaced).AddClock(clock);
        if (clock.placement) {
          placed.AddRange(store::ExactDeviceRange(*clock.placement, range_.study));
        }
      }
      if (!unplaced.boots.empty()) CountUnplaced(unplaced);
      if (!placed.boots.empty()) TM_RETURN_IF_ERROR(MarkClocks(placed));
    }
  }

 private:
  template <class... More>
  pqxx::result ExecOn(const db::Statement& statement, const ClockColumns& columns,
                      const More&... more) {
    return tx_.Exec(statement, participant_text_, stream_text_, PgArray(columns.boots),
                    PgArray(columns.clocks), PgArray(columns.scan_from_ns),
                    PgArray(columns.begin_ns), PgArray(columns.end_ns), more...);
  }

  void CountUnplaced(const ClockColumns& columns) {
    marks_.unplaced_chunks += tx_.Exec(sql::kCountClockChunks, participant_text_, stream_text_,
                                       PgArray(columns.boots), PgArray(columns.clocks))[0][0]
                                  .as<int64_t>();
  }

  absl::Status MarkClocks(const ClockColumns& columns) {
    const int64_t room = range_.chunks_max - marks_.chunks;
    if (ExecOn(sql::kCountRangeChunks, columns, room + 1)[0][0].as<int64_t>() > room) {
      return rpc::FieldError(
          "end_ns",
          fmt::format("ends a range of at most {} chunks: erase it in parts", range_.chunks_max));
    }
    // What an earlier erasure has marked and not yet destroyed is this one's, too: it is done only
    // when the range is gone.
    ExecOn(sql::kInheritErasedKeys, columns, range_.erasure_id.ToString());
    const pqxx::result marked = ExecOn(sql::kMarkRangeChunks, columns);
    NoteKeys(marked[0]["segments"]);
    marks_.chunks += marked[0]["chunks"].as<int64_t>();
    return absl::OkStatus();
  }

  // A statement of its own after the marks: it sees the keys that seal the segments now. Tiles that
  // show what is marked go at once.
  void NoteKeys(const pqxx::field& segments) {
    if (segments.is_null()) return;
    tx_.Exec(sql::kInsertErasedKeys, participant_text_, range_.erasure_id.ToString(), stream_text_,
             range_.study_id.ToString(), segments.as<std::string>());
    tx_.Exec(sql::kUnsealRuns, participant_text_, segments.as<std::string>());
  }

  db::Transaction& tx_;
  const RangeToErase& range_;
  const std::string participant_text_;
  const std::string stream_text_;
  RangeMarks& marks_;
};

}  // namespace

absl::StatusOr<RangeMarks> MarkRange(db::Transaction& tx, const ClockSources& sources,
                                     const RangeToErase& range, absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(const std::vector<RecordedStream> streams, ChooseStreams(tx, range));
  RangeMarks marks;
  for (const RecordedStream& stream : streams) {
    store::StreamClocks clocks(
        {sources.readers, nullptr, range.participant_id, stream.stream_id, deadline},
        sources.placements, stream.device_id);
    TM_RETURN_IF_ERROR(StreamMarker(tx, range, stream.stream_id, marks).Mark(clocks));
  }
  return marks;
}

}  // namespace tidemark::study
