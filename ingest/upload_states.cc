#include "ingest/upload_states.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/db/transaction.h"
#include "base/log.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "ingest/chunk.h"
#include "ingest/number_ranges.h"
#include "ingest/pg_text.h"
#include "ingest/sql.h"
#include "ingest/wire_limits.h"
#include "study/audit.h"
#include "study/fields.h"
#include "study/page.h"

namespace tidemark::ingest {
namespace {

constexpr char kGetMethod[] = "/tidemark.v1.IngestService/GetUploadState";
constexpr size_t kUuidTextBytes = 36;

using Ranges = google::protobuf::RepeatedPtrField<v1::NumberRange>;

// One more range than fits was asked for: it tells that the list is cut.
absl::Status FillRanges(const pqxx::field& field, Ranges* ranges, bool* truncated) {
  TM_ASSIGN_OR_RETURN(const std::vector<NumberRun> runs, ParseMultirange(field.as<std::string>()));
  for (const NumberRun& run : runs) {
    if (ranges->size() == kRangesPerListMax) {
      *truncated = true;
      break;
    }
    v1::NumberRange& range = *ranges->Add();
    range.set_begin(static_cast<uint64_t>(run.begin));
    range.set_end(static_cast<uint64_t>(run.end));
  }
  return absl::OkStatus();
}

// Where the newest sample of an outbox stands in device time.
struct Newest {
  DeviceId device_id;
  BootId boot_id;
  uint32_t clock_id = 0;
};

struct Row {
  v1::WriterState state;
  std::optional<Newest> newest;
};

absl::StatusOr<Row> ReadRow(const pqxx::row& row) {
  Row read;
  v1::WriterState& state = read.state;
  state.set_stream_id(row["stream_id"].as<std::string>());
  state.set_writer_id(row["writer_id"].as<std::string>());
  state.set_high_water(row["high_water"].as<uint64_t>());
  bool truncated = false;
  TM_RETURN_IF_ERROR(FillRanges(row["stored"], state.mutable_stored(), &truncated));
  TM_RETURN_IF_ERROR(FillRanges(row["quarantined"], state.mutable_quarantined(), &truncated));
  TM_RETURN_IF_ERROR(FillRanges(row["abandoned"], state.mutable_abandoned(), &truncated));
  TM_RETURN_IF_ERROR(FillRanges(row["refused"], state.mutable_refused(), &truncated));
  TM_RETURN_IF_ERROR(FillRanges(row["missing"], state.mutable_missing(), &truncated));
  state.set_truncated(truncated);
  state.set_stored_chunks(row["stored_chunks"].as<uint64_t>());
  state.set_duplicate_chunks(row["duplicate_chunks"].as<uint64_t>());
  *state.mutable_last_receipt_at() = study::TimestampOfUs(row["last_receipt_us"].as<int64_t>());
  if (row["newest_device_ns"].is_null()) return read;
  state.set_newest_device_ns(row["newest_device_ns"].as<int64_t>());
  TM_ASSIGN_OR_RETURN(const DeviceId device, DeviceId::Parse(row["device_id"].as<std::string>()));
  TM_ASSIGN_OR_RETURN(const BootId boot, BootId::Parse(row["newest_boot_id"].as<std::string>()));
  read.newest = Newest{device, boot, row["newest_clock_id"].as<uint32_t>()};
  return read;
}

struct Filter {
  std::optional<std::string> device_id, stream_id, writer_id;
  std::optional<std::string> after_stream_id, after_writer_id;
  int rows = 1;
};

struct Rows {
  std::vector<Row> rows;
  bool has_more = false;
};

// As many as were asked for, or fewer when their lists are long.
absl::StatusOr<Rows> ReadRows(db::Transaction& tx, ParticipantId participant,
                              const Filter& filter) {
  const pqxx::result found =
      tx.Exec(sql::kListUploadStates, participant.ToString(), filter.device_id, filter.stream_id,
              filter.writer_id, filter.after_stream_id, filter.after_writer_id, filter.rows + 1,
              kRangesPerListMax + 1);
  Rows read;
  study::PageRoom room;
  for (const pqxx::row& found_row : found) {
    TM_ASSIGN_OR_RETURN(Row row, ReadRow(found_row));
    read.has_more = std::ssize(read.rows) == filter.rows || !room.TryTake(row.state.ByteSizeLong());
    if (read.has_more) break;
    read.rows.push_back(std::move(row));
  }
  return read;
}

absl::StatusOr<std::optional<std::string>> OptionalId(std::string field, const std::string& text) {
  if (text.empty()) return std::optional<std::string>();
  TM_ASSIGN_OR_RETURN(const Uuid id, study::ParseId<Uuid>(std::move(field), text));
  return std::optional(id.ToString());
}

absl::StatusOr<Filter> FilterOf(const study::Call& call, const v1::GetUploadStateRequest& request,
                                const study::Page& page) {
  Filter filter;
  TM_ASSIGN_OR_RETURN(filter.device_id, OptionalId("device_id", request.device_id()));
  TM_ASSIGN_OR_RETURN(filter.stream_id, OptionalId("stream_id", request.stream_id()));
  if (!call.device_id.IsZero()) filter.device_id = call.device_id.ToString();
  if (page.cursor().size() == 2 * kUuidTextBytes) {
    filter.after_stream_id = page.cursor().substr(0, kUuidTextBytes);
    filter.after_writer_id = page.cursor().substr(kUuidTextBytes);
  }
  filter.rows = page.size();
  return filter;
}

// Looks up the clocks of these rows alone. What cannot be looked up stays without a study time: a
// device needs its state to go on.
void PlaceNewest(store::PlacementSource* source, const study::Call& call, std::span<Row> rows) {
  std::vector<store::DeviceClock> clocks;
  std::vector<v1::WriterState*> states;
  for (Row& row : rows) {
    if (!row.newest) continue;
    clocks.push_back({row.newest->device_id, row.newest->boot_id, row.newest->clock_id});
    states.push_back(&row.state);
  }
  if (source == nullptr || clocks.empty()) return;
  const auto placements = source->For(call.participant_id, clocks, call.deadline);
  if (!placements.ok()) {
    LogWarning("upload states without study time: {}", placements.status().ToString());
    return;
  }
  for (size_t i = 0; i < states.size(); ++i) {
    const std::optional<store::Placement>& placement = (*placements)[i];
    if (!placement) continue;
    states[i]->set_newest_study_ns(placement->ToStudy(states[i]->newest_device_ns()));
  }
}

absl::Status CheckAbandon(const v1::AbandonRangeRequest& request) {
  const v1::NumberRange& range = request.range();
  if (range.begin() >= range.end() || range.end() > static_cast<uint64_t>(kNumberEnd)) {
    return rpc::FieldError("range", "is begin < end, both at most 2^62");
  }
  if (range.end() - range.begin() > kAbandonedAtOnceMax) {
    return rpc::FieldError("range", "has at most 2^20 numbers");
  }
  if (request.reason().empty() || request.reason().size() > kAbandonReasonBytesMax) {
    return rpc::FieldError("reason", "has 1 to 256 bytes");
  }
  return absl::OkStatus();
}

absl::Status NoSuchOutbox() {
  return rpc::Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                    "this device has no such stream");
}

absl::Status TooManyRuns() {
  return rpc::Error(
      absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_OVERLOADED,
      fmt::format("the outbox has given up {} runs of numbers apart from each other; number new "
                  "chunks by a new writer",
                  kRunsPerSetMax));
}

}  // namespace

absl::StatusOr<v1::GetUploadStateResponse> UploadStates::Get(
    const study::Call& call, const v1::GetUploadStateRequest& request) const {
  TM_ASSIGN_OR_RETURN(const study::Page page,
                      study::Page::Open(*context_.keys, call, kGetMethod, request.page_size(),
                                        request.page_token()));
  TM_ASSIGN_OR_RETURN(const Filter filter, FilterOf(call, request, page));
  TM_ASSIGN_OR_RETURN(Rows read, db::Transact(*context_.pool, "GetUploadState", call.scope,
                                              call.deadline, [&](db::Transaction& tx) {
                                                return ReadRows(tx, call.participant_id, filter);
                                              }));
  PlaceNewest(placements_, call, read.rows);
  v1::GetUploadStateResponse response;
  response.set_restore_generation(restore_generation_());
  for (Row& row : read.rows) *response.add_writers() = std::move(row.state);
  if (read.has_more) {
    const v1::WriterState& last = *response.writers().rbegin();
    response.set_next_page_token(page.TokenAfter(last.stream_id() + last.writer_id()));
  }
  return response;
}

absl::StatusOr<v1::AbandonRangeResponse> UploadStates::Abandon(
    const study::Call& call, const v1::AbandonRangeRequest& request) const {
  TM_RETURN_IF_ERROR(CheckAbandon(request));
  TM_ASSIGN_OR_RETURN(const StreamId stream,
                      study::ParseId<StreamId>("stream_id", request.stream_id()));
  TM_ASSIGN_OR_RETURN(const WriterId writer,
                      study::ParseId<WriterId>("writer_id", request.writer_id()));
  const std::string participant = call.participant_id.ToString();
  const std::string device = call.device_id.ToString();
  const absl::Time now = context_.clock->Now();
  const auto body = [&](db::Transaction& tx) -> absl::StatusOr<v1::AbandonRangeResponse> {
    const pqxx::result own = tx.Exec(
        sql::kFindOwnOutbox, participant, stream.ToString(), writer.ToString(), device,
        static_cast<int64_t>(request.range().begin()), static_cast<int64_t>(request.range().end()));
    if (!own[0][0].as<bool>()) return NoSuchOutbox();
    if (own[0][1].as<int>() > kRunsPerSetMax) return TooManyRuns();
    const pqxx::result settled =
        tx.Exec(sql::kAbandonRange, participant, stream.ToString(), writer.ToString(),
                call.study_id.ToString(), device, static_cast<int64_t>(request.range().begin()),
                static_cast<int64_t>(request.range().end()), TimestampText(now));
    if (settled.empty()) return NoSuchOutbox();
    TM_RETURN_IF_ERROR(study::AppendAudit(
        tx, *context_.keys, *context_.clock,
        {call.participant_id.uuid,
         call.study_id,
         "ingest.abandon",
         call.principal_id,
         {{"stream", stream.ToString()},
          {"writer", writer.ToString()},
          {"numbers", fmt::format("[{},{})", request.range().begin(), request.range().end())},
          {"reason", request.reason()}}}));
    Filter filter;
    filter.stream_id = stream.ToString();
    filter.writer_id = writer.ToString();
    TM_ASSIGN_OR_RETURN(Rows read, ReadRows(tx, call.participant_id, filter));
    if (read.rows.empty()) return absl::InternalError("an outbox vanished");
    v1::AbandonRangeResponse response;
    *response.mutable_writer() = std::move(read.rows.front().state);
    return response;
  };
  return db::Transact(*context_.pool, "AbandonRange", call.scope, call.deadline, body);
}

}  // namespace tidemark::ingest
