// coverage, overview: what exists when, and how it looks from far.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/endian.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/time_option.h"
#include "cli/unreadable_text.h"

namespace tidemark::cli {
namespace {

struct SignalOptions {
  std::string participant;
  std::string stream;
  std::string from;
  std::string to;
  uint32_t width = 60;
};

double SecondsOf(const v1::StreamCoverage& coverage) {
  double seconds = 0;
  for (const v1::TimeRange& range : coverage.ranges()) {
    seconds += static_cast<double>(range.end_ns() - range.begin_ns()) / 1e9;
  }
  return seconds;
}

absl::StatusOr<std::map<std::string, std::string>> DeviceNames(const Api& api,
                                                               const std::string& participant) {
  v1::ListDevicesRequest request;
  request.set_participant_id(participant);
  TM_ASSIGN_OR_RETURN(const auto list,
                      api.List(*api.devices, &v1::DeviceService::Stub::ListDevices, request));
  std::map<std::string, std::string> names;
  for (const v1::Device& device : list.devices()) names[device.device_id()] = device.name();
  return names;
}

absl::Status Coverage(Context& context, const SignalOptions& options) {
  TM_ASSIGN_OR_RETURN(const auto range, ParseRange(options.from, options.to));
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::GetCoverageRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(options.participant));
  if (range) *request.mutable_study_range() = *range;
  TM_ASSIGN_OR_RETURN(const auto coverage,
                      api->Call(*api->signals, &v1::SignalService::Stub::GetCoverage, request));
  if (context.json()) {
    PrintJson(coverage);
    return absl::OkStatus();
  }
  TM_ASSIGN_OR_RETURN(auto devices, DeviceNames(*api, request.participant_id()));
  Table table({"DEVICE", "STREAM", "FIRST", "LAST", "DATA", "PIECES", "CHUNKS", "SAMPLES", "SENT",
               "AT REST"});
  for (const v1::StreamCoverage& one : coverage.streams()) {
    const bool placed = !one.ranges().empty();
    table.AddRow({devices[one.stream().device_id()], one.stream().name(),
                  placed ? FormatTimeNs(one.ranges(0).begin_ns()) : "-",
                  placed ? FormatTimeNs(one.ranges(one.ranges_size() - 1).end_ns()) : "-",
                  FormatSpan(SecondsOf(one)), FormatCount(static_cast<uint64_t>(one.ranges_size())),
                  FormatCount(one.chunks()), FormatCount(one.samples()),
                  FormatBytes(static_cast<double>(one.body_bytes())),
                  range ? "-" : FormatBytes(static_cast<double>(one.stored_bytes()))});
    const std::string note = UnreadableNote(one.stream().name(), one.unreadable());
    if (!note.empty()) context.progress().Warn(note);
  }
  PrintData(table.Format());
  return absl::OkStatus();
}

absl::Status Overview(Context& context, const SignalOptions& options) {
  TM_ASSIGN_OR_RETURN(const auto range, ParseRange(options.from, options.to));
  if (!range) return UsageError("from, to: are needed; see: tidemark coverage");
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::GetOverviewRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(options.participant));
  TM_ASSIGN_OR_RETURN(const v1::Stream stream,
                      api->Stream(request.participant_id(), options.stream));
  request.set_stream_id(stream.stream_id());
  *request.mutable_study_range() = *range;
  request.set_width(options.width);
  TM_ASSIGN_OR_RETURN(const auto overview,
                      api->Call(*api->signals, &v1::SignalService::Stub::GetOverview, request));
  if (context.json()) {
    PrintJson(overview);
    return absl::OkStatus();
  }
  std::vector<std::string> headings = {"FROM", "SAMPLES"};
  for (const v1::OverviewChannel& channel : overview.channels()) {
    headings.push_back(channel.name() + " min");
    headings.push_back(channel.name() + " max");
  }
  Table table(headings);
  const uint32_t width = overview.width();
  const double column_ns =
      static_cast<double>(range->end_ns() - range->begin_ns()) / std::max(1u, width);
  const auto number = [](const std::string& bytes, uint32_t at) {
    if (bytes.size() < (at + size_t{1}) * sizeof(double)) return std::string("-");
    const double value = LoadLe<double>(bytes.data() + at * sizeof(double));
    return value == value ? fmt::format("{:.6g}", value) : std::string("-");
  };
  for (uint32_t c = 0; c < width && overview.counts().size() >= (c + size_t{1}) * 4; ++c) {
    std::vector<std::string> row = {
        FormatTimeNs(range->begin_ns() + static_cast<int64_t>(column_ns * c)),
        std::to_string(LoadLe<uint32_t>(overview.counts().data() + c * size_t{4}))};
    for (const v1::OverviewChannel& channel : overview.channels()) {
      row.push_back(number(channel.min(), c));
      row.push_back(number(channel.max(), c));
    }
    table.AddRow(std::move(row));
  }
  const std::string note = UnreadableNote(stream.name(), overview.unreadable());
  if (!note.empty()) context.progress().Warn(note);
  PrintData(table.Format());
  return absl::OkStatus();
}

}  // namespace

void AddSignalCommands(Commands& commands) {
  const auto options = std::make_shared<SignalOptions>();
  const flags::Command coverage =
      commands.Verb(commands.root(), "coverage", "What exists when, per stream",
                    [options](Context& c) { return Coverage(c, *options); });
  const flags::Command overview =
      commands.Verb(commands.root(), "overview", "Least and greatest value per stretch of time",
                    [options](Context& c) { return Overview(c, *options); });
  for (const flags::Command& app : {coverage, overview}) {
    app.AddOption("--participant", options->participant, "Id or STUDY/CODE").Required();
    app.AddOption("--from", options->from, "Study time, 2022-01-01T09:00:00Z or nanoseconds");
    app.AddOption("--to", options->to, "End of the range, exclusive");
  }
  overview.AddOption("--stream", options->stream, "Id, NAME or DEVICE/NAME").Required();
  overview.AddOption("--width", options->width, "Rows, 1 to 16384").ShowDefault();
}

}  // namespace tidemark::cli
